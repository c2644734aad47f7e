"""Rows of the tables of clinical data, read from the rooms that hold them, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from studyportal.clinical.selectors import form_heads, reference_lines, table_lines
from studyportal.exports.rules import DATASETS, FORM_TABLES, Cell
from studyportal.exports.services.odm import Cut
from studyportal.exports.services.writers import Table

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from studyportal.participants.models import Participant


def clinical_tables(cut: Cut) -> Iterator[Table]:
    """Every table; its rows are read while it is written."""
    lines = {
        "sites": _site_lines(cut),
        "participants": _participant_lines(cut.participants),
        "forms": _form_lines(cut),
        "reference_standard": reference_lines(participants=cut.participants),
        **{one.key: _answer_lines(one.key, cut) for one in FORM_TABLES},
    }
    for key, dataset in DATASETS.items():
        yield Table(dataset, lines[key])


def _site_lines(cut: Cut) -> Iterator[dict[str, Cell]]:
    for site in cut.sites:
        yield {"site": site.code, "name": site.name, "name_zh": site.name_zh, "target": site.target}


def _participant_lines(people: QuerySet[Participant]) -> Iterator[dict[str, Cell]]:
    names = ("participant", "site", "status", "sex", "age_years")
    rows = people.order_by("code").values_list("code", "site__code", "status", "sex", "age_years")
    for row in rows.iterator(chunk_size=2000):
        yield dict(zip(names, row, strict=True))


def _form_lines(cut: Cut) -> Iterator[dict[str, Cell]]:
    for one in form_heads(participants=cut.participants, statuses=cut.statuses):
        yield {
            "participant": one.participant,
            "site": one.site,
            "form": one.kind,
            "visit": one.occurrence,
            "form_status": one.status,
            "definition": one.definition,
        }


def _answer_lines(kind: str, cut: Cut) -> Iterator[dict[str, Cell]]:
    for line in table_lines(kind, participants=cut.participants, statuses=cut.statuses):
        yield {
            "participant": line.participant,
            "site": line.site,
            "visit": line.occurrence,
            "row": int(line.unit) if line.unit.isdigit() and kind != "nodes" else line.unit or None,
            "form_status": line.status,
            **line.cells,
        }
