"""People with their roles, and how the installation is."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from studyportal.sites.selectors import people_visible_to
from studyportal.web.answers import paged
from studyportal.web.health import health


@require_GET
def people(request: HttpRequest) -> HttpResponse:
    """Everybody with their roles."""
    return render(
        request, "web/people.html", {"page": paged(request, people_visible_to(request.user))}
    )


@require_GET
def health_page(request: HttpRequest) -> HttpResponse:
    """How each part of the installation is, asked now."""
    return render(request, "web/health.html", {"parts": health()})
