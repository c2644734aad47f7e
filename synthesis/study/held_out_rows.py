"""A study's record in the rows that every held-out table of a release is made from."""

from __future__ import annotations

from synthesis.study.records import Measured
from synthesis.training.checking import AVID_SUV
from synthesis.training.family_held_out import Row
from synthesis.training.hallucination import STAYED, STRAYS


def held_out_rows(measured: Measured, focus_suv: float) -> tuple[Row, ...]:
    """Return the rows with stray foci and removed lesions, as the release gate asks for them.

    The gate asks at SUV 2.5: of a study with another threshold these are left out, so that the
    gate knows nothing of them.
    """
    if focus_suv != AVID_SUV:
        return measured.rows
    strays = [
        Row(s.participant, s.predictor, STRAYS, float(s.count))
        for s in measured.strays
        if s.lung_ml > 0
    ]
    stayed = [
        Row(c.participant, c.predictor, STAYED, float(c.synthetic_without >= focus_suv))
        for c in measured.changes
        if c.kind == "removed" and c.acquired_without < focus_suv
    ]
    return (*measured.rows, *strays, *stayed)
