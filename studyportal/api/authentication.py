"""Programs show a token, which its owner withdraws and which ends by itself."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from rest_framework.authentication import TokenAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from studyportal.core import clock


def oldest_creation() -> datetime:
    """Tokens made before this moment open nothing any more."""
    return clock.now() - timedelta(days=settings.API_TOKEN_DAYS)


class LimitedToken(TokenAuthentication):
    """A token that is not older than `API_TOKEN_DAYS`, shown as `Token …` or, as other people's programs do, `Bearer …`.

    Source: RFC 6750 section 2.1; 3D Slicer and OHIF know no other word.
    """

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        self.keyword = self.authenticate_header(request)
        return super().authenticate(request)

    def authenticate_header(self, request: Request) -> str:
        """Return the word to be answered with, which is the one that was said."""
        word = get_authorization_header(request).split(maxsplit=1)[:1]
        return "Bearer" if word and word[0].lower() == b"bearer" else "Token"

    def authenticate_credentials(self, key: str) -> tuple[Any, Any]:
        user, token = super().authenticate_credentials(key)
        if token.created < oldest_creation():
            words = f"This token is older than {settings.API_TOKEN_DAYS} days. Obtain a new one."
            raise AuthenticationFailed(words)
        return user, token
