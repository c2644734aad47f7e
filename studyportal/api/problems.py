"""Errors as problem details (RFC 9457): a sentence for people, a type for programs, never a traceback."""

from typing import Any

from rest_framework.response import Response
from rest_framework.views import exception_handler

from studyportal.core.errors import NotAllowed, Refused, StaleState


def problem_details(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the error as application/problem+json."""
    if isinstance(error, Refused):
        status = (
            403 if isinstance(error, NotAllowed) else 409 if isinstance(error, StaleState) else 422
        )
        reasons = [
            {"id": reason.id, "sentence": reason.sentence, "where": reason.where}
            for reason in error.reasons
        ]
        return _problem(
            status, "refused", " ".join(str(reason) for reason in error.reasons), reasons=reasons
        )
    response = exception_handler(error, context)
    if response is None:
        return None
    detail = response.data.get("detail") if isinstance(response.data, dict) else None
    extra = {} if detail else {"fields": response.data}
    answer = _problem(
        response.status_code, "request", str(detail or "Some fields cannot be used."), **extra
    )
    answer.headers.update(
        {name: value for name, value in response.headers.items() if name != "Content-Type"}
    )
    return answer


def _problem(status: int, kind: str, detail: str, **more: object) -> Response:
    body = {
        "type": f"urn:studyportal:{kind}",
        "title": kind,
        "status": status,
        "detail": detail,
        **more,
    }
    return Response(body, status=status, content_type="application/problem+json")
