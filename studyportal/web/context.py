"""What every page shows."""

from django.http import HttpRequest

from studyportal import __version__
from studyportal.sites.selectors import roles_of


def portal(request: HttpRequest) -> dict[str, object]:
    """Version and the person's roles."""
    return {"portal_version": __version__, "my_roles": roles_of(request.user)}
