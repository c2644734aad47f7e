"""Each request is made for the sites of the person who sends it."""

from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from typing import Any

from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from studyportal.core.database.scope import within
from studyportal.sites.selectors import scope_of


class OwnSites:
    """Statements of a request see the sites of its person, who is nobody until they have signed in.

    An entrance that learns only later who asks (by a token) narrows the scope itself, inside of this one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with within(scope_of(request.user)):
            response = self._get_response(request)
            if isinstance(response, StreamingHttpResponse) and not isinstance(
                response, FileResponse
            ):
                parts: Any = response.streaming_content
                response.streaming_content = _in_this_scope(parts)
        return response


def _in_this_scope(parts: Iterable[Any]) -> Iterator[Any]:
    """Parts that are made after the request has left here are made for its person, too."""
    context, waiting = copy_context(), iter(parts)
    end = object()

    def following() -> Iterator[Any]:
        while (part := context.run(next, waiting, end)) is not end:
            yield part

    return following()
