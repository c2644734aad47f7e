"""Errors as problem details (RFC 9457): a sentence for people, a type for programs, never a traceback."""

import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error
from rest_framework.views import exception_handler, set_rollback

from studyportal.core.errors import NotAllowed, Refused, StaleState
from studyportal.core.language import said

_log = logging.getLogger(__name__)

_KINDS: dict[int, tuple[str, str]] = {
    400: ("bad-request", "The request cannot be understood"),
    401: ("not-signed-in", "Sign in first"),
    403: ("not-allowed", "Not allowed"),
    404: ("not-found", "Not found"),
    405: ("method", "This address does not take that method"),
    406: ("not-acceptable", "This format is not offered"),
    413: ("too-large", "The request is too large"),
    415: ("media-type", "This media type is not understood"),
    429: ("too-many-requests", "Too many requests"),
}
_BROKEN = "Something broke on our side. It was logged; nothing was changed."


class BodyTooLarge(exceptions.APIException):
    """The body of a request that carries no files is larger than any such body needs to be."""

    status_code = 413
    default_detail = "The body of this request is too large."


def problem_details(error: Exception, context: dict[str, Any]) -> Response:
    """Return the error as application/problem+json."""
    if isinstance(error, Refused):
        set_rollback()
        return _refusal(error)
    if isinstance(error, SuspiciousOperation):  # Django's limits on the number and size of parts
        error = BodyTooLarge() if isinstance(error, RequestDataTooBig) else _too_many(error)
    response = exception_handler(error, context)
    if response is None:
        _log.error("the API broke in %s", type(context.get("view")).__name__, exc_info=error)
        set_rollback()
        return _problem(500, "errored", "Something broke", _BROKEN)
    if isinstance(error, exceptions.ValidationError):
        return _problem(
            400,
            "fields",
            "Some fields cannot be used",
            "Some fields cannot be used; each is named with the reason.",
            fields=_in_words(as_serializer_error(error)),
        )
    kind, title = _KINDS.get(response.status_code, ("request", "The request cannot be answered"))
    answer = _problem(response.status_code, kind, title, _sentence(response))
    for name in ("WWW-Authenticate", "Retry-After", "Allow"):
        if name in response.headers:
            answer.headers[name] = response.headers[name]
    return answer


def _in_words(faults: Any) -> Any:
    """What is wrong with each field, in the reader's language; lists and nested fields keep their form."""
    if isinstance(faults, dict):
        return {name: _in_words(inner) for name, inner in faults.items()}
    return [_in_words(inner) for inner in faults] if isinstance(faults, list) else said(faults)


def _refusal(error: Refused) -> Response:
    if isinstance(error, NotAllowed):
        status, kind, title = 403, "not-allowed", "Not allowed"
    elif isinstance(error, StaleState):
        status, kind, title = 409, "stale", "Changed in the meantime"
    else:
        status, kind, title = 422, "refused", "Refused"
    reasons = [
        {"id": reason.id, "sentence": said(reason.sentence), "where": reason.where}
        for reason in error.reasons
    ]
    detail = " ".join(said(reason) for reason in error.reasons)
    return _problem(status, kind, title, detail, reasons=reasons)


def _too_many(error: SuspiciousOperation) -> exceptions.ParseError:
    return exceptions.ParseError(f"The request cannot be read: {error}")


def _sentence(response: Response) -> str:
    detail = response.data.get("detail") if isinstance(response.data, dict) else None
    return str(detail or "The request cannot be answered.")


def _problem(status: int, kind: str, title: str, detail: str, **more: object) -> Response:
    body = {
        "type": f"urn:studyportal:{kind}",
        "title": said(title),
        "status": status,
        "detail": said(detail),
        **more,
    }
    return Response(body, status=status, content_type="application/problem+json")
