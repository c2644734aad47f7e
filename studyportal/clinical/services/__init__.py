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
from studyportal.clinical.services.opening import add_row, open_form, void_row
from studyportal.clinical.services.saving import Conflict, Saved, save_answers, shown
from studyportal.clinical.services.spreadsheets import template_of
from studyportal.clinical.services.twice import enter_second, reconcile
from studyportal.clinical.services.withdrawing import obey_withdrawal

__all__ = [
    "Conflict",
    "Imported",
    "Saved",
    "add_row",
    "complete_form",
    "enter_baseline",
    "enter_reference",
    "enter_second",
    "findings_of",
    "import_forms",
    "needs_second_entry",
    "obey_withdrawal",
    "open_form",
    "reasons_against_verifying",
    "reconcile",
    "reopen_form",
    "save_answers",
    "shown",
    "template_of",
    "verify_form",
    "void_row",
]
