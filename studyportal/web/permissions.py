"""Which page needs which right: one table. `page()` asks it, a test walks every address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path, re_path

from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.language import said
from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, may
from studyportal.web.accounts.reauthentication import ask_again_unless_recent

View = Callable[..., HttpResponseBase]


class Anyone(StrEnum):
    """Pages that need no right of their own."""

    SIGNED_IN = "signed-in"
    PUBLIC = "public"


PAGES: Mapping[str, Action | Anyone] = {
    "login": Anyone.PUBLIC,
    "persona": Anyone.PUBLIC,  # of the demonstration; elsewhere it does not exist
    "invitation": Anyone.PUBLIC,
    "logout": Anyone.SIGNED_IN,
    "language": Anyone.PUBLIC,
    "digest": Anyone.SIGNED_IN,
    "home": Anyone.SIGNED_IN,
    "welcome": Anyone.SIGNED_IN,
    "role_table": Anyone.SIGNED_IN,
    "help": Anyone.SIGNED_IN,
    # participants
    "worklist": Action.SEE_PARTICIPANTS,
    "screen": Action.SCREEN_PARTICIPANT,
    "screen_verdict": Action.SCREEN_PARTICIPANT,
    "participant": Action.SEE_PARTICIPANTS,
    "enrol": Action.SCREEN_PARTICIPANT,
    "criteria": Action.SCREEN_PARTICIPANT,
    "locks": Action.LOCK_DATA,
    "lock_place": Action.LOCK_DATA,
    "lock_ask": Action.LOCK_DATA,
    "lock_decline": Action.LOCK_DATA,
    "lock_lift": Action.LOCK_DATA,
    # consent, withdrawal, screening log
    "screening_log": Action.SEE_PARTICIPANTS,
    "declined": Action.SCREEN_PARTICIPANT,
    "consent": Action.SCREEN_PARTICIPANT,
    "withdraw": Action.SCREEN_PARTICIPANT,
    "withdrawal": Action.SEE_PARTICIPANTS,
    "override_ask": Action.ASK_OVERRIDE,
    "override_decide": Action.DECIDE_OVERRIDE,
    "consent_versions": Action.SEE_PARTICIPANTS,
    "consent_declare": Action.MANAGE_PROTOCOL,
    # case report forms
    "crf_overview": Action.SEE_PARTICIPANTS,
    "crf_import": Action.ENTER_CLINICAL,
    "crf_import_odm": Action.ENTER_CLINICAL,
    "crf_template": Action.ENTER_CLINICAL,
    "crf_open": Action.ENTER_CLINICAL,
    "crf": Action.SEE_PARTICIPANTS,
    "crf_save": Action.ENTER_CLINICAL,
    "crf_add": Action.ENTER_CLINICAL,
    "crf_void": Action.ENTER_CLINICAL,
    "crf_complete": Action.ENTER_CLINICAL,
    "crf_verify": Action.VERIFY_FORM,
    "crf_reopen": Action.ENTER_CLINICAL,
    "crf_second": Action.ENTER_CLINICAL,
    "crf_reconcile": Action.SEE_PARTICIPANTS,
    # signatures, and verification against the sources
    "signing": Action.SEE_PARTICIPANTS,
    "sign_casebook": Action.SIGN_RECORDS,
    "crf_sign": Action.SIGN_RECORDS,
    "crf_lock": Action.LOCK_DATA,
    "casebook_lock": Action.LOCK_DATA,
    "crf_unlock_ask": Action.LOCK_DATA,
    "crf_unlock_decide": Action.LOCK_DATA,
    "signatures": Action.SEE_PARTICIPANTS,
    "signatures_file": Action.SEE_PARTICIPANTS,
    "site_signatures": Action.SEE_PARTICIPANTS,
    "site_signatures_file": Action.SEE_PARTICIPANTS,
    "verification": Action.VERIFY_FORM,
    "verification_draw": Action.VERIFY_FORM,
    "verification_plan": Action.PLAN_VERIFICATION,
    # imaging
    "upload_open": Action.UPLOAD_IMAGES,
    "upload": Action.SEE_IMAGES,
    "upload_announce": Action.UPLOAD_IMAGES,
    "upload_files": Action.UPLOAD_IMAGES,
    "upload_stop": Action.UPLOAD_IMAGES,
    "upload_complete": Action.UPLOAD_IMAGES,
    "upload_verdict": Action.SEE_IMAGES,
    "inbox": Action.SORT_INBOX,
    "inbox_assign": Action.SORT_INBOX,
    "inbox_discard": Action.SORT_INBOX,
    "inbox_settle": Action.SORT_INBOX,
    "pairs": Action.SEE_IMAGES,
    "pair": Action.SEE_IMAGES,
    "judge_artefacts": Action.ACCEPT_FINDING,
    "exclude_pair": Action.ACCEPT_FINDING,
    "accept_finding": Action.ACCEPT_FINDING,
    "enter_injection": Action.ENTER_INJECTION,
    "choose_reconstruction": Action.ENTER_INJECTION,
    "viewer_layers": Action.SEE_IMAGES,
    "viewer_prepare": Action.SEE_IMAGES,
    "viewer_volume": Action.SEE_IMAGES,
    "outline_region": Action.SEE_IMAGES,
    "outline_grow": Action.OUTLINE_LESIONS,
    "outline_draw": Action.OUTLINE_LESIONS,
    "outline_drop": Action.OUTLINE_LESIONS,
    "series_preview": Action.SEE_IMAGES,
    "series_deidentification": Action.SEE_IMAGES,
    "synthetic_preview": Action.SEE_IMAGES,
    # data queries
    "queries": Action.SEE_QUERIES,
    "query": Action.SEE_QUERIES,
    "query_answer": Action.ANSWER_QUERY,
    "query_close": Action.CLOSE_QUERY,
    "query_reopen": Action.CLOSE_QUERY,
    "query_raise": Action.RAISE_QUERY,
    # syntheses
    "jobs": Action.SEE_SYNTHESES,
    "jobs_now": Action.SEE_SYNTHESES,
    "job": Action.SEE_SYNTHESES,
    "job_progress": Action.SEE_SYNTHESES,
    "job_cancel": Action.CANCEL_SYNTHESIS,
    "job_retry": Action.REQUEST_SYNTHESIS,
    "synthesise": Action.REQUEST_SYNTHESIS,
    "synthesise_all": Action.REQUEST_SYNTHESIS,
    "releases": Action.SEE_SYNTHESES,
    "release": Action.SEE_SYNTHESES,
    "release_import": Action.REGISTER_RELEASE,
    "release_move": Action.REGISTER_RELEASE,
    "release_download": Action.REGISTER_RELEASE,
    "release_bundle": Action.REGISTER_RELEASE,
    "name_primary": Action.NAME_PRIMARY_RELEASE,
    # reading
    "reading_list": Action.READ_CASES,
    "reading": Action.READ_CASES,
    "reading_begin": Action.READ_CASES,
    "reading_layers": Action.READ_CASES,
    "reading_image": Action.READ_CASES,
    "reading_draft": Action.READ_CASES,
    "reading_time": Action.READ_CASES,
    "reading_submit": Action.READ_CASES,
    "reading_reopen": Action.READ_CASES,
    "readings": Action.RUN_READINGS,
    "reading_open": Action.RUN_READINGS,
    "reading_session": Action.RUN_READINGS,
    "reading_closed": Action.SEE_OUTCOMES,
    "reading_results": Action.SEE_OUTCOMES,
    "reading_export": Action.EXPORT,
    "reading_withdraw": Action.RUN_READINGS,
    "reading_exclude": Action.RUN_READINGS,
    "reading_open_again": Action.RUN_READINGS,
    "reading_consensus": Action.RUN_READINGS,
    "reading_close": Action.RUN_READINGS,
    # outcomes and exports
    "cuts": Action.SEE_OUTCOMES,
    "freeze": Action.FREEZE_CUT,
    "plan_run": Action.RUN_EVALUATION,
    "seal": Action.SEE_OUTCOMES,
    "opening_ask": Action.OPEN_RESULTS,
    "opening_open": Action.OPEN_RESULTS,
    "opening_decline": Action.OPEN_RESULTS,
    "index_tests": Action.SEE_OUTCOMES,
    "index_test_lock": Action.FREEZE_CUT,
    "compare": Action.SEE_OUTCOMES,
    "comparison": Action.SEE_OUTCOMES,
    "comparison_progress": Action.SEE_OUTCOMES,
    "comparison_csv": Action.SEE_OUTCOMES,
    "run": Action.SEE_OUTCOMES,
    "run_progress": Action.SEE_OUTCOMES,
    "run_file": Action.SEE_OUTCOMES,
    "exports": Action.EXPORT,
    "request_export": Action.EXPORT,
    "request_pairs_export": Action.EXPORT,
    "request_clinical_export": Action.EXPORT,
    "dictionary": Action.EXPORT,
    "download_export": Action.EXPORT,
    # overview and running
    "dashboard": Action.SEE_DASHBOARD,
    "audit": Action.SEE_AUDIT,
    "audit_file": Action.SEE_AUDIT,
    "participant_history": Action.SEE_AUDIT,
    "history_file": Action.SEE_AUDIT,
    "people": Action.MANAGE_PEOPLE,
    "person": Action.MANAGE_PEOPLE,
    "invite": Action.MANAGE_PEOPLE,
    "invitation_withdraw": Action.MANAGE_PEOPLE,
    "role_give": Action.MANAGE_PEOPLE,
    "role_end": Action.MANAGE_PEOPLE,
    "account_close": Action.MANAGE_PEOPLE,
    "account_reopen": Action.MANAGE_PEOPLE,
    "factors_drop": Action.MANAGE_PEOPLE,
    "access_review": Action.MANAGE_PEOPLE,
    "access_review_file": Action.MANAGE_PEOPLE,
    "health": Action.MANAGE_PEOPLE,
}
# Pages of django-allauth, which have names of their own: each person's own account, and nothing of the study.
ACCOUNT_PAGES: Mapping[str, Anyone] = {
    "account_login": Anyone.PUBLIC,
    "account_logout": Anyone.PUBLIC,  # also leaves a sign-in half way
    "account_inactive": Anyone.PUBLIC,
    "account_reauthenticate": Anyone.SIGNED_IN,
    "account_change_password": Anyone.SIGNED_IN,
    "account_reset_password": Anyone.PUBLIC,
    "account_reset_password_done": Anyone.PUBLIC,
    "account_reset_password_from_key": Anyone.PUBLIC,
    "account_reset_password_from_key_done": Anyone.PUBLIC,
    "mfa_index": Anyone.SIGNED_IN,
    "mfa_authenticate": Anyone.PUBLIC,  # a sign-in half way
    "mfa_reauthenticate": Anyone.SIGNED_IN,
    "mfa_activate_totp": Anyone.SIGNED_IN,
    "mfa_deactivate_totp": Anyone.SIGNED_IN,
    "mfa_view_recovery_codes": Anyone.SIGNED_IN,
    "mfa_generate_recovery_codes": Anyone.SIGNED_IN,
    "mfa_download_recovery_codes": Anyone.SIGNED_IN,
    "mfa_list_webauthn": Anyone.SIGNED_IN,
    "mfa_add_webauthn": Anyone.SIGNED_IN,
    "mfa_reauthenticate_webauthn": Anyone.SIGNED_IN,
    "mfa_remove_webauthn": Anyone.SIGNED_IN,
    "mfa_edit_webauthn": Anyone.SIGNED_IN,
    "mfa_login_webauthn": Anyone.PUBLIC,
    "openid_connect_login": Anyone.PUBLIC,
    "openid_connect_callback": Anyone.PUBLIC,
    "socialaccount_login_cancelled": Anyone.PUBLIC,
    "socialaccount_login_error": Anyone.PUBLIC,
}
# Acts for which the person shows again who they are, unless they did within the last minutes.
ASK_AGAIN = frozenset(
    {
        "request_export",
        "request_pairs_export",
        "request_clinical_export",
        "download_export",
        "invite",
        "role_give",
        "role_end",
        "account_close",
        "account_reopen",
        "factors_drop",
    }
)


def allowed(user: Person, name: str) -> bool:
    """Whether the person may open the page of this name somewhere."""
    needed = PAGES[name]
    return may(user, needed) if isinstance(needed, Action) else True


def permitted(name: str) -> Callable[[View], View]:
    """Answer 403 unless the person has the right that the page of this name needs."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not allowed(request.user, name):
                raise PermissionDenied
            if name in ASK_AGAIN and request.method == "POST":
                ask_again_unless_recent(request)
            try:
                return view(request, *args, **kwargs)
            except NotAllowed as refusal:
                raise PermissionDenied(said(refusal)) from refusal
            except Refused as refusal:  # nothing nearer to the person took it
                return render(request, "web/refused.html", {"refusal": refusal}, status=409)

        return guarded

    return decorate


def page(route: str, view: View, name: str) -> URLPattern:
    """Return the address of a page, guarded by its row of the table."""
    return path(route, permitted(name)(view), name=name)


def account_page(route: str, view: View, name: str, *, regular: bool = False) -> URLPattern:
    """Return the address of a page of django-allauth, which opens as the table of such pages says."""
    if name not in ACCOUNT_PAGES:
        raise ImproperlyConfigured(f"{name} has no row in ACCOUNT_PAGES.")
    if ACCOUNT_PAGES[name] == Anyone.PUBLIC:
        view = login_not_required(view)
    return (re_path if regular else path)(route, view, name=name)
