"""What every page shows."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from studyportal import __version__
from studyportal.core.language import said
from studyportal.queries.selectors import waiting_for
from studyportal.sites.rules import ROLE_NAMES, Role
from studyportal.sites.selectors import memberships_of, roles_of
from studyportal.web.help import help_address
from studyportal.web.permissions import allowed

# Page, its word, and the pages on which it is marked as current.
_MENU: tuple[tuple[str, str | Promise, frozenset[str]], ...] = (
    ("dashboard", _("Dashboard"), frozenset({"dashboard"})),
    (
        "worklist",
        _("Participants"),
        frozenset(
            {
                "worklist",
                "participant",
                "screen",
                "criteria",
                "screening_log",
                "declined",
                "consent",
                "withdraw",
                "withdrawal",
                "override_ask",
                "override_decide",
                "consent_versions",
            }
        ),
    ),
    (
        "crf_overview",
        _("Forms"),
        frozenset(
            {
                "crf_overview",
                "crf_import",
                "crf",
                "crf_second",
                "crf_reconcile",
                "crf_sign",
                "signing",
                "sign_casebook",
                "signatures",
                "site_signatures",
                "verification",
                "verification_draw",
                "verification_plan",
            }
        ),
    ),
    ("queries", _("Queries"), frozenset({"queries", "query", "query_raise"})),
    ("inbox", _("Inbox"), frozenset({"inbox"})),
    ("pairs", _("Images"), frozenset({"pairs", "pair", "upload"})),
    ("jobs", _("Syntheses"), frozenset({"jobs", "job", "synthesise_all"})),
    ("releases", _("Releases"), frozenset({"releases", "release", "release_import"})),
    ("reading_list", _("Reading"), frozenset({"reading_list", "reading"})),
    (
        "readings",
        _("Reading"),
        frozenset({"readings", "reading_open", "reading_session"}),
    ),
    (
        "cuts",
        _("Outcomes"),
        frozenset(
            {"cuts", "run", "freeze", "compare", "comparison", "seal", "index_tests"}
            | {"reading_closed", "reading_results"}
        ),
    ),
    ("exports", _("Exports"), frozenset({"exports"})),
    ("locks", _("Locks"), frozenset({"locks"})),
    ("audit", _("Audit trail"), frozenset({"audit", "participant_history"})),
    ("people", _("People"), frozenset({"people", "person", "invite", "access_review"})),
    ("health", _("Health"), frozenset({"health"})),
)


@dataclass(frozen=True)
class MenuEntry:
    """One entry of the menu."""

    label: str | Promise
    address: str
    current: bool
    waiting: int = 0


def portal(request: HttpRequest) -> dict[str, object]:
    """Version, menu, and the person's roles."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"portal_version": __version__, "menu": [], "my_roles": frozenset()}
    roles = roles_of(user)
    return {
        "portal_version": __version__,
        "menu": _menu(request),
        "my_roles": roles,
        "help_address": help_address(
            match.url_name or "" if (match := request.resolver_match) else ""
        ),
        "my_role_words": ", ".join(
            f"{said(ROLE_NAMES[Role(membership.role)])}{f' · {membership.site.code}' if membership.site else ''}"
            for membership in memberships_of(user)
        ),
    }


def _menu(request: HttpRequest) -> list[MenuEntry]:
    match = request.resolver_match
    here = match.url_name if match else ""
    return [
        MenuEntry(
            label,
            reverse(f"web:{name}"),
            here in pages,
            waiting_for(request.user).count() if name == "queries" else 0,
        )
        for name, label, pages in _MENU
        if allowed(request.user, name)
    ]
