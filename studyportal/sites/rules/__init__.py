"""Who may do what: one table. Every entrance asks it, the documentation prints it, a test walks every cell."""

from collections.abc import Iterable, Mapping
from enum import StrEnum


class Role(StrEnum):
    COORDINATOR = "coordinator"
    DATA_MANAGER = "data_manager"
    MONITOR = "monitor"
    READER = "reader"
    SYNTHESIS_OPERATOR = "synthesis_operator"
    STATISTICIAN = "statistician"
    SITE_PI = "site_pi"
    STUDY_PI = "study_pi"
    ADMINISTRATOR = "administrator"


class LockKind(StrEnum):
    """A freeze is lifted by one person, a lock by two."""

    FREEZE = "freeze"
    LOCK = "lock"


class Action(StrEnum):
    SEE_PARTICIPANTS = "see_participants"
    SCREEN_PARTICIPANT = "screen_participant"
    ASK_OVERRIDE = "ask_override"
    DECIDE_OVERRIDE = "decide_override"
    ENTER_CLINICAL = "enter_clinical"
    VERIFY_FORM = "verify_form"
    PLAN_VERIFICATION = "plan_verification"
    SIGN_RECORDS = "sign_records"
    RECONCILE_ENTRIES = "reconcile_entries"
    SEE_IMAGES = "see_images"
    UPLOAD_IMAGES = "upload_images"
    OUTLINE_LESIONS = "outline_lesions"
    SORT_INBOX = "sort_inbox"
    ENTER_INJECTION = "enter_injection"
    ACCEPT_FINDING = "accept_finding"
    SEE_QUERIES = "see_queries"
    ANSWER_QUERY = "answer_query"
    RAISE_QUERY = "raise_query"
    CLOSE_QUERY = "close_query"
    SEE_SYNTHESES = "see_syntheses"
    REQUEST_SYNTHESIS = "request_synthesis"
    CANCEL_SYNTHESIS = "cancel_synthesis"
    REGISTER_RELEASE = "register_release"
    NAME_PRIMARY_RELEASE = "name_primary_release"
    FREEZE_CUT = "freeze_cut"
    RUN_EVALUATION = "run_evaluation"
    SEE_OUTCOMES = "see_outcomes"
    OPEN_RESULTS = "open_results"
    EXPORT = "export"
    SEE_DASHBOARD = "see_dashboard"
    SEE_AUDIT = "see_audit"
    MANAGE_PEOPLE = "manage_people"
    MANAGE_PROTOCOL = "manage_protocol"
    READ_CASES = "read_cases"
    RUN_READINGS = "run_readings"
    LOCK_DATA = "lock_data"
    SEE_REFERENCE = "see_reference"


ROLE_NAMES: Mapping[Role, str] = {
    Role.COORDINATOR: "Coordinator",
    Role.DATA_MANAGER: "Data manager",
    Role.MONITOR: "Monitor",
    Role.READER: "Reader",
    Role.SYNTHESIS_OPERATOR: "Synthesis operator",
    Role.STATISTICIAN: "Statistician",
    Role.SITE_PI: "Site PI",
    Role.STUDY_PI: "Study PI",
    Role.ADMINISTRATOR: "Administrator",
}

ACTION_WORDS: Mapping[Action, str] = {
    Action.SEE_PARTICIPANTS: "See participants and the worklist",
    Action.SCREEN_PARTICIPANT: "Screen and enrol participants, record consent",
    Action.ASK_OVERRIDE: "Ask to override a criterion",
    Action.DECIDE_OVERRIDE: "Decide about an override, as the second person",
    Action.ENTER_CLINICAL: "Enter and correct case report forms",
    Action.VERIFY_FORM: "Verify a whole case report form",
    Action.PLAN_VERIFICATION: "Plan how much is compared with the sources",
    Action.SIGN_RECORDS: "Sign case report forms and casebooks",
    Action.RECONCILE_ENTRIES: "Settle differences between two entries of a form",
    Action.SEE_IMAGES: "See imaging series, pairs and findings",
    Action.UPLOAD_IMAGES: "Upload CT and PET",
    Action.OUTLINE_LESIONS: "Outline lesions on the PET",
    Action.SORT_INBOX: "Assign images that came over the network",
    Action.ENTER_INJECTION: "Enter weight, dose, tracer or glucose of a PET, choose a reconstruction",
    Action.ACCEPT_FINDING: "Accept a finding with a reason",
    Action.SEE_QUERIES: "See data queries",
    Action.ANSWER_QUERY: "Answer a data query",
    Action.RAISE_QUERY: "Raise a data query",
    Action.CLOSE_QUERY: "Close or reopen a data query",
    Action.SEE_SYNTHESES: "See synthesis jobs and releases",
    Action.REQUEST_SYNTHESIS: "Request a synthesis",
    Action.CANCEL_SYNTHESIS: "Cancel a synthesis",
    Action.REGISTER_RELEASE: "Register, validate and release a model",
    Action.NAME_PRIMARY_RELEASE: "Name the release of the primary analysis",
    Action.FREEZE_CUT: "Freeze a data cut",
    Action.RUN_EVALUATION: "Run an evaluation",
    Action.SEE_OUTCOMES: "See outcome results and reports",
    Action.OPEN_RESULTS: "Open sealed results, as one of two people",
    Action.EXPORT: "Export and download",
    Action.SEE_DASHBOARD: "See the dashboard",
    Action.SEE_AUDIT: "See the audit trail",
    Action.MANAGE_PEOPLE: "Manage people, roles and sites",
    Action.MANAGE_PROTOCOL: "Load and activate a protocol",
    Action.READ_CASES: "Read cases in a reading session",
    Action.RUN_READINGS: "Open, follow and close reading sessions",
    Action.LOCK_DATA: "Freeze, lock and unlock data",
    Action.SEE_REFERENCE: "See the reference standard and outlines of lesions",
}

# What nobody does where data are frozen or locked: everything that changes a participant's data.
CHANGES_DATA = frozenset(
    {
        Action.SCREEN_PARTICIPANT,
        Action.ENTER_CLINICAL,
        Action.UPLOAD_IMAGES,
        Action.OUTLINE_LESIONS,
        Action.SORT_INBOX,
        Action.ENTER_INJECTION,
        Action.ACCEPT_FINDING,
        Action.ANSWER_QUERY,
    }
)

# Roles that are given for the whole study and never for one site.
STUDY_ROLES = frozenset(
    {Role.STATISTICIAN, Role.STUDY_PI, Role.ADMINISTRATOR, Role.SYNTHESIS_OPERATOR, Role.READER}
)
# Roles that are given for one site and never for the whole study.
SITE_ROLES = frozenset({Role.COORDINATOR, Role.SITE_PI})

PERMISSIONS: Mapping[Role, frozenset[Action]] = {
    Role.COORDINATOR: frozenset(
        {
            Action.SEE_PARTICIPANTS,
            Action.SEE_REFERENCE,
            Action.SCREEN_PARTICIPANT,
            Action.ASK_OVERRIDE,
            Action.ENTER_CLINICAL,
            Action.SEE_IMAGES,
            Action.UPLOAD_IMAGES,
            Action.OUTLINE_LESIONS,
            Action.SORT_INBOX,
            Action.ENTER_INJECTION,
            Action.SEE_QUERIES,
            Action.ANSWER_QUERY,
            Action.SEE_SYNTHESES,
        }
    ),
    Role.DATA_MANAGER: frozenset(
        {
            Action.SEE_PARTICIPANTS,
            Action.SEE_REFERENCE,
            Action.ENTER_CLINICAL,
            Action.VERIFY_FORM,
            Action.PLAN_VERIFICATION,
            Action.RECONCILE_ENTRIES,
            Action.SEE_IMAGES,
            Action.UPLOAD_IMAGES,
            Action.OUTLINE_LESIONS,
            Action.SORT_INBOX,
            Action.ENTER_INJECTION,
            Action.ACCEPT_FINDING,
            Action.SEE_QUERIES,
            Action.RAISE_QUERY,
            Action.CLOSE_QUERY,
            Action.SEE_SYNTHESES,
            Action.SEE_DASHBOARD,
            Action.SEE_AUDIT,
            Action.RUN_READINGS,
            Action.LOCK_DATA,
        }
    ),
    Role.MONITOR: frozenset(
        {
            Action.SEE_PARTICIPANTS,
            Action.VERIFY_FORM,
            Action.SEE_REFERENCE,
            Action.SEE_IMAGES,
            Action.SEE_QUERIES,
            Action.RAISE_QUERY,
            Action.CLOSE_QUERY,
            Action.SEE_SYNTHESES,
            Action.SEE_DASHBOARD,
            Action.SEE_AUDIT,
        }
    ),
    Role.READER: frozenset({Action.READ_CASES}),
    Role.SYNTHESIS_OPERATOR: frozenset(
        {
            Action.SEE_IMAGES,
            Action.SEE_SYNTHESES,
            Action.REQUEST_SYNTHESIS,
            Action.CANCEL_SYNTHESIS,
            Action.REGISTER_RELEASE,
        }
    ),
    Role.STATISTICIAN: frozenset(
        {
            Action.SEE_PARTICIPANTS,
            Action.SEE_REFERENCE,
            Action.SEE_IMAGES,
            Action.SEE_QUERIES,
            Action.SEE_SYNTHESES,
            Action.FREEZE_CUT,
            Action.RUN_EVALUATION,
            Action.SEE_OUTCOMES,
            Action.OPEN_RESULTS,
            Action.EXPORT,
            Action.SEE_DASHBOARD,
        }
    ),
    Role.SITE_PI: frozenset(
        {
            Action.SEE_PARTICIPANTS,
            Action.SIGN_RECORDS,
            Action.ASK_OVERRIDE,
            Action.DECIDE_OVERRIDE,
            Action.SEE_REFERENCE,
            Action.SEE_IMAGES,
            Action.OUTLINE_LESIONS,
            Action.SEE_QUERIES,
            Action.ANSWER_QUERY,
            Action.SEE_SYNTHESES,
            Action.SEE_DASHBOARD,
            Action.SEE_AUDIT,
        }
    ),
    Role.STUDY_PI: frozenset(
        {
            Action.SEE_PARTICIPANTS,
            Action.DECIDE_OVERRIDE,
            Action.SEE_REFERENCE,
            Action.SEE_IMAGES,
            Action.SEE_QUERIES,
            Action.SEE_SYNTHESES,
            Action.SEE_OUTCOMES,
            Action.OPEN_RESULTS,
            Action.SEE_DASHBOARD,
            Action.SEE_AUDIT,
            Action.MANAGE_PROTOCOL,
            Action.NAME_PRIMARY_RELEASE,
            Action.RUN_READINGS,
            Action.LOCK_DATA,
        }
    ),
    Role.ADMINISTRATOR: frozenset(
        {Action.MANAGE_PEOPLE, Action.MANAGE_PROTOCOL, Action.SEE_DASHBOARD, Action.SEE_AUDIT}
    ),
}


# What shows data of participants, or decides who may see them. A role that may do any of it needs a second factor.
GUARDED = frozenset(
    {
        Action.SEE_PARTICIPANTS,
        Action.SEE_IMAGES,
        Action.SEE_QUERIES,
        Action.SEE_OUTCOMES,
        Action.SEE_AUDIT,
        Action.EXPORT,
        Action.READ_CASES,
        Action.MANAGE_PEOPLE,
    }
)


def needs_second_factor(roles: Iterable[Role]) -> bool:
    """Whether somebody with these roles signs in with more than a password."""
    return any(not GUARDED.isdisjoint(PERMISSIONS[role]) for role in roles)


def may(role: Role, action: Action) -> bool:
    """Whether this role may do this, at the sites it is held for."""
    return action in PERMISSIONS[role]


def scope_fault(role: Role, *, for_site: bool) -> str:
    """Why this role cannot be held like that; empty when it can."""
    if for_site and role in STUDY_ROLES:
        return f"{ROLE_NAMES[role]} is a role for the whole study; it cannot be given for one site."
    if not for_site and role in SITE_ROLES:
        return f"{ROLE_NAMES[role]} is a role at a site; name the site."
    return ""
