"""Which analysis a job or a release belongs to, wherever one is shown."""

from typing import Any

from django import template
from django.template.context import RequestContext
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from studyportal.sites.rules import Action
from studyportal.sites.selectors import may
from studyportal.syntheses.selectors import current_primary, primary_history, role_of
from studyportal.syntheses.states import AnalysisRole, PrimaryStatus, ReleaseStatus
from studyportal.web.forms import PrimaryReleaseForm

register = template.Library()
_UNREAD = object()


@register.simple_tag(takes_context=True)
def analysis_role(context: RequestContext, job: Any) -> SafeString:
    """Return “primary analysis” or “exploratory” for a job."""
    return role_tag(role_of(job, _primary(context)))


@register.simple_tag
def role_tag(role: str) -> SafeString:
    """Return the role as a small label, always in words."""
    words = _("primary analysis") if role == AnalysisRole.PRIMARY else _("exploratory")
    return format_html('<span class="tag tag--{}">{}</span>', role, words)


@register.simple_tag(takes_context=True)
def release_role(context: RequestContext, release: Any) -> SafeString | str:
    """Return the label of a release that may be used: primary with its seed, or exploratory."""
    primary = _primary(context)
    if release.status != ReleaseStatus.RELEASED:
        return ""
    tied = primary is not None and primary.release_id == release.pk
    return role_tag(AnalysisRole.PRIMARY if tied else AnalysisRole.EXPLORATORY)


@register.inclusion_tag("web/partials/primary_release.html", takes_context=True)
def primary_release(context: RequestContext, release: Any) -> dict[str, Any]:
    """Show whether the primary analysis is tied to this release, and let the study PI tie it."""
    request, primary = context["request"], _primary(context)
    sealed = primary is not None and primary.status == PrimaryStatus.SEALED
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "release": release,
        "primary": primary,
        "is_primary": primary is not None and primary.release_id == release.pk,
        "sealed": sealed,
        "rows": primary_history(),
        "form": PrimaryReleaseForm(prefix="primary"),
        "may_name": not sealed
        and release.status == ReleaseStatus.RELEASED
        and may(request.user, Action.NAME_PRIMARY_RELEASE),
    }


def _primary(context: RequestContext) -> Any:
    """What the primary analysis is tied to, read once per request."""
    request = context["request"]
    known = getattr(request, "_primary_release", _UNREAD)
    if known is _UNREAD:
        known = request._primary_release = current_primary()
    return known
