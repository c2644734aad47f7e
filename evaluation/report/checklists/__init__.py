"""The checklist annex: which block of this report answers which item of a reporting guideline."""

from evaluation.report.checklists.annex import checklist_tables
from evaluation.report.checklists.items import Checklist, Item, load_checklists

__all__ = ["Checklist", "Item", "checklist_tables", "load_checklists"]
