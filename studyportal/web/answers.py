"""How an entrance answers: not found, a refusal in words, a problem for a program."""

from collections.abc import Callable
from typing import TypeVar

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect

from studyportal.core.errors import NotAllowed, Refused

Row = TypeVar("Row")
ROWS_PER_PAGE = 50


def found(row: Row | None) -> Row:
    """Return the row, or answer 404: it does not exist, or it is another site's."""
    if row is None:
        raise Http404
    return row


def paged(request: HttpRequest, rows: QuerySet | list, *, size: int = ROWS_PER_PAGE) -> Page:
    """Return the page of rows that the address asks for; a page that is not there gives the nearest."""
    return Paginator(rows, size).get_page(request.GET.get("page"))


def say_refusal(request: HttpRequest, refusal: Refused) -> None:
    """Every reason of the refusal stands on the next page."""
    for reason in refusal.reasons:
        messages.error(request, str(reason))


def do(request: HttpRequest, act: Callable[[], object], *, said: str, then: str) -> HttpResponse:
    """Do one act that has a button of its own, say what happened, and go on to `then`."""
    try:
        act()
    except NotAllowed:
        raise
    except Refused as refusal:
        say_refusal(request, refusal)
    else:
        messages.success(request, said)
    return redirect(then)


def problem(refusal: Refused) -> JsonResponse:
    """Return a refusal for a program, as problem details."""
    return JsonResponse(
        {
            "type": "urn:studyportal:refused",
            "title": "refused",
            "status": 422,
            "detail": " ".join(str(reason) for reason in refusal.reasons),
        },
        status=422,
        content_type="application/problem+json",
    )
