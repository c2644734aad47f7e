"""The portal's addresses with refusals that draw no page: a walk over all of them looks at decisions, not at pages."""

from django.http import HttpRequest, HttpResponse

from studyportal.config.urls import urlpatterns

__all__ = ["handler403", "handler404", "urlpatterns"]


def handler403(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponse("refused", status=403)


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponse("missing", status=404)
