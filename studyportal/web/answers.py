"""How an entrance answers: not found, a refusal in words, a problem for a program."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect

from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.language import said as in_words
from studyportal.core.models import User

Row = TypeVar("Row")
ROWS_PER_PAGE = 50


def found(row: Row | None) -> Row:
    """Return the row, or answer 404: it does not exist, or it is another site's."""
    if row is None:
        raise Http404
    return row


def acting(request: HttpRequest) -> User:
    """Return the person who acts; every page that acts needs one who is signed in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def paged(
    request: HttpRequest,
    rows: QuerySet[Any] | Sequence[Any],
    *,
    size: int = ROWS_PER_PAGE,
    number: int | None = None,
) -> Page[Any]:
    """Return the page of rows that the address asks for; a page that is not there gives the nearest.

    `number` is how many rows there are where that is known already; without it they are counted.
    """
    paginator = Paginator(rows, size)
    if number is not None:
        paginator.__dict__["count"] = number  # in place of the property that counts
    return paginator.get_page(request.GET.get("page"))


def say_refusal(request: HttpRequest, refusal: Refused) -> None:
    """Every reason of the refusal stands on the next page."""
    for reason in refusal.reasons:
        messages.error(request, in_words(reason))


class Attempt:
    """`with attempt(take) as tried:` hands a refusal to `take` instead of raising it; a forbidden act stays one."""

    def __init__(self, take: Callable[[Refused], None]) -> None:
        self._take = take
        self.succeeded = False

    def __enter__(self) -> "Attempt":
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        self.succeeded = error is None
        if not isinstance(error, Refused) or isinstance(error, NotAllowed):
            return False
        self._take(error)
        return True


def do(request: HttpRequest, act: Callable[[], object], *, said: str, then: str) -> HttpResponse:
    """Do one act that has a button of its own, say what happened, and go on to `then`."""
    with Attempt(lambda refusal: say_refusal(request, refusal)) as tried:
        act()
    if tried.succeeded:
        messages.success(request, said)
    return redirect(then)


def refusals_as_problems(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer a refusal as problem details, for the script that sends files."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except NotAllowed:
            raise
        except Refused as refusal:
            return _problem(refusal)

    return answered


def _problem(refusal: Refused) -> JsonResponse:
    return JsonResponse(
        {
            "type": "urn:studyportal:refused",
            "title": "refused",
            "status": 422,
            "detail": " ".join(in_words(reason) for reason in refusal.reasons),
            "reasons": [reason.id for reason in refusal.reasons],
        },
        status=422,
        content_type="application/problem+json",
    )
