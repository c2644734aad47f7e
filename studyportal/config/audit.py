"""Middleware: whatever a request changes is kept with who asked, in which role, from where, by which address."""

import hashlib
import uuid
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from studyportal.core.audit_context import acting, later
from studyportal.sites.selectors import memberships_of
from studyportal.web.accounts.lock_out import client_address

REQUEST_HEADER = "X-Request-Id"


class AuditContext:
    """Gives each request an id, which the answer names, and its changes their context (21 CFR 11.10(e))."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = uuid.uuid4()
        with acting(**facts_of(request, request_id)):
            response = self.get_response(request)
        response[REQUEST_HEADER] = str(request_id)
        return response


def facts_of(request: HttpRequest, request_id: uuid.UUID) -> dict[str, Any]:
    """What is known of a request. The person is looked up late, because the API knows them only in its view."""
    return {
        "request": str(request_id),
        "method": request.method,
        "url": request.path,
        "user": later(lambda: getattr(request.user, "pk", None) or ""),
        "roles": later(lambda: _roles(request)),
        "session": later(lambda: _session(request)),
        "address": client_address(request),
    }


def _roles(request: HttpRequest) -> str:
    return ", ".join(
        f"{membership.role}{f'@{membership.site.code}' if membership.site else ''}"
        for membership in memberships_of(request.user)
    )


def _session(request: HttpRequest) -> str:
    """A name of the session that cannot be used to take it over."""
    key = request.session.session_key
    return hashlib.sha256(key.encode()).hexdigest()[:16] if key else ""
