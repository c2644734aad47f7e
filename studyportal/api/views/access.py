"""Tokens, the description of the API, and addresses that do not exist."""

from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth import authenticate
from django.db import transaction
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.authentication import SessionAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle

from studyportal.api.authentication import LimitedToken, oldest_creation
from studyportal.api.permissions import HasRight
from studyportal.api.serializers.sites import SignInBody, TokenRow
from studyportal.api.views.base import Endpoint
from studyportal.core.models import User
from studyportal.core.services import record
from studyportal.sites.selectors import has_second_factor, must_have_second_factor
from studyportal.sites.services import use_code


class SignInThrottle(AnonRateThrottle):
    """Guessing passwords takes longer than it is worth."""

    rate = "10/min"
    scope = "sign-in"


class TokenEndpoint(Endpoint):
    """A token stands for its owner until it is withdrawn or too old."""

    authentication_classes = [LimitedToken, SessionAuthentication]
    throttle_classes = [SignInThrottle]

    @extend_schema(request=SignInBody, responses={200: TokenRow}, auth=[])
    def create(self, request: Request) -> Response:
        body = self.body(SignInBody)
        # django-axes marks Django's own request, not the wrapper around it.
        plain = request._request
        user = authenticate(plain, username=body["username"], password=body["password"])
        if not isinstance(user, User):
            raise ValidationError({"password": ["The user name and the password do not fit."]})
        _require_code(plain, user, body["code"])
        with transaction.atomic():
            Token.objects.filter(user=user, created__lt=oldest_creation()).delete()
            token, created = Token.objects.get_or_create(user=user)
            if created:
                record("obtain_token", user, f"{user.username} obtained an API token.", by=user)
        return Response({"token": token.key})

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: Request) -> Response:
        user = self.person
        with transaction.atomic():
            withdrawn, _ = Token.objects.filter(user=user).delete()
            if withdrawn:
                record("withdraw_token", user, f"{user.username} withdrew the API token.", by=user)
        return Response(status=204)


def _require_code(request: Any, user: User, code: str) -> None:
    """Refuse whoever has a second factor and did not give it, or has none and needs one."""
    if has_second_factor(user):
        if code and use_code(user=user, code=code):
            return
        if code:
            failed = {"username": user.username}
            AxesProxyHandler.user_login_failed(sender=__name__, credentials=failed, request=request)
        raise ValidationError(
            {"code": ["Give a code of your authenticator app, or a recovery code."]}
        )
    if must_have_second_factor(user):
        words = "Your roles see participant data. Set up an authenticator app in the browser first."
        raise ValidationError({"code": [words]})


class SchemaView(SpectacularAPIView):
    """The OpenAPI description of the API."""

    basename = "schema"
    action = "get"
    permission_classes = [HasRight]


@extend_schema(exclude=True)
class NotFoundEndpoint(Endpoint):
    """An address of the API that does not exist is a problem like any other, not a page."""

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    def any(self, request: Request, rest: str) -> Response:
        slash = "" if rest.endswith("/") else " Addresses of the API end with a slash."
        raise NotFound(f"There is nothing at this address.{slash}")
