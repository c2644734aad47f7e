"""Keeps case report forms, and derives the reference standard from them."""

from studyportal.clinical.services.checking import findings_of
from studyportal.clinical.services.completing import (
    complete_form,
    needs_second_entry,
    reasons_against_verifying,
    reopen_form,
    verify_form,
)
from studyportal.clinical.services.facts import enter_baseline, enter_reference
from studyportal.clinical.services.importing import Imported, import_forms
from studyportal.clinical.services.locking import (
    ask_form_unlock,
    decide_form_unlock,
    lock_form,
    lock_forms,
)
from studyportal.clinical.services.odm_importing import ImportedOdm, import_odm
from studyportal.clinical.services.opening import add_row, open_form, void_row
from studyportal.clinical.services.sampling import plan_verification
from studyportal.clinical.services.saving import Conflict, Saved, save_answers, shown
from studyportal.clinical.services.seeding import Book, Sheet, Staff, seed_forms
from studyportal.clinical.services.signing import (
    reasons_against_signing,
    reasons_against_signing_casebook,
    sign_casebook,
    sign_form,
)
from studyportal.clinical.services.spreadsheets import template_of
from studyportal.clinical.services.twice import enter_second, reconcile
from studyportal.clinical.services.withdrawing import obey_withdrawal

__all__ = [
    "Book",
    "Conflict",
    "Imported",
    "ImportedOdm",
    "Saved",
    "Sheet",
    "Staff",
    "add_row",
    "ask_form_unlock",
    "complete_form",
    "decide_form_unlock",
    "enter_baseline",
    "enter_reference",
    "enter_second",
    "findings_of",
    "import_forms",
    "import_odm",
    "lock_form",
    "lock_forms",
    "needs_second_entry",
    "obey_withdrawal",
    "open_form",
    "plan_verification",
    "reasons_against_signing",
    "reasons_against_signing_casebook",
    "reasons_against_verifying",
    "reconcile",
    "reopen_form",
    "save_answers",
    "seed_forms",
    "shown",
    "sign_casebook",
    "sign_form",
    "template_of",
    "verify_form",
    "void_row",
]
