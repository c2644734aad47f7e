"""Keeps a second entry blind."""

from studyportal.clinical.rules import asked_twice
from studyportal.clinical.selectors import rows_of
from studyportal.web.crf import FormView


def withhold(view: FormView) -> None:
    """What is entered twice, or computed from it, is not shown to somebody who can still make the second entry."""
    twice = {(unit, one.name) for unit, one in asked_twice(view.definition, rows_of(view.form))}
    for row in view.rows:
        for one in row.fields:
            if one.computed or (one.unit, one.field.name) in twice:
                one.withheld, one.findings = True, []
