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
    ("pairs", _("Images"), frozenset({"pairs", "pair", "upload"})),
    ("inbox", _("Inbox"), frozenset({"inbox"})),
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
# Where somebody has more entries than fit in one line, these stand together under a word that unfolds.
_GROUPS: tuple[tuple[str | Promise, frozenset[str]], ...] = (
    (_("Images"), frozenset({"inbox", "pairs", "jobs", "releases"})),
    (_("Oversight"), frozenset({"locks", "audit", "people", "health"})),
)
_MOST_IN_LINE = 7


@dataclass(frozen=True)
class MenuEntry:
    """One entry of the menu; with `entries` it is a word under which these stand."""

    label: str | Promise
    address: str
    current: bool
    waiting: int = 0
    entries: tuple["MenuEntry", ...] = ()


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
    """What the person may open, in one line: entries that would not fit stand under the word of their group."""
    match = request.resolver_match
    here = match.url_name if match else ""
    entries = {
        name: MenuEntry(
            label,
            reverse(f"web:{name}"),
            here in pages,
            waiting_for(request.user).count() if name == "queries" else 0,
        )
        for name, label, pages in _MENU
        if allowed(request.user, name)
    }
    if len(entries) <= _MOST_IN_LINE:
        return list(entries.values())
    return _grouped(entries)


def _grouped(entries: dict[str, MenuEntry]) -> list[MenuEntry]:
    shown: list[MenuEntry] = []
    for name, entry in entries.items():
        label, names = next((one for one in _GROUPS if name in one[1]), ("", frozenset()))
        members = [one for one in entries if one in names]
        if len(members) < 2:
            shown.append(entry)
        elif name == members[0]:
            within = tuple(entries[one] for one in members)
            shown.append(MenuEntry(label, "", any(one.current for one in within), entries=within))
    return shown
