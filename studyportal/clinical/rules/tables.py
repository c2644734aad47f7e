"""What a form looks like as a table: the tables' names, the columns of a template, and which of them may leave."""

from __future__ import annotations

from collections.abc import Mapping

from studyportal.clinical.rules.definitions import FORMS

# Form → name of the table that holds its rows.
TABLES: Mapping[str, str] = {
    "baseline": "baseline",
    "lesions": "lesionrow",
    "pathology": "specimenrow",
    "nodes": "noderow",
    "distant": "organrow",
    "staging": "staging",
    "conclusion": "conclusion",
    "treatment": "treatmentrow",
    "follow_up": "followup",
}


def exported_columns() -> Mapping[str, frozenset[str]]:
    """For each table the columns that may leave: every answer but free text, and why there is none."""
    found = {}
    for key, form in FORMS.items():
        names = {"unit"}
        for field in form.fields:
            if field.exported:
                names |= {field.name, *([f"{field.name}_absent"] if field.absent else [])}
        found[TABLES[key]] = frozenset(names)
    return found
