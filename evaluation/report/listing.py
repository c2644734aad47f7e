"""The listing of false negative results, for review of each by a person."""

import pandas as pd

from evaluation.report.cells import Row, grouped, test_name
from evaluation.report.document import Table
from evaluation.report.formats import CONDITIONS, UNITS, label, number
from evaluation.report.lookup import Lookup
from evaluation.report.wording import say, says

_PRINTED = 60
COLUMNS = ("target_condition", "unit", "test", "participant", "site", "unit_id", "reader", "score",
           "cutoff")  # fmt: skip


def false_negatives(look: Lookup, scores: pd.DataFrame | None) -> pd.DataFrame:
    """Return the positive units below the locked cut-off of an index test, comparators apart."""
    if scores is None or scores.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    comparators = {t.id for t in look.plan.index_test if t.comparator} if look.plan else set()
    missed = scores[
        (scores["truth"].astype(float) == 1.0)
        & (scores["score"].astype(float) < scores["cutoff"].astype(float))
        & ~scores["test"].isin(comparators)
    ]
    return missed[list(COLUMNS)].reset_index(drop=True)


def false_negative_table(missed: pd.DataFrame) -> Table | None:
    """Return the first false negative results; the whole list stands in a file."""
    if missed.empty:
        return None
    rows, groups = grouped(_line(r._asdict()) for r in missed.head(_PRINTED).itertuples())
    notes = [say("false_negatives.note")]
    if len(missed) > _PRINTED:
        notes.append(say("false_negatives.more", shown=_PRINTED, all=f"{len(missed):,}"))
    return Table(
        say("false_negatives.title"), says("false_negatives.columns"), rows, notes=tuple(notes),
        text_columns=4, groups=groups, id="false_negatives",
    )  # fmt: skip


def _line(r: dict[str, object]) -> tuple[str, Row]:
    heading = (
        f"{label(CONDITIONS, str(r['target_condition']))}, {say('per')} {UNITS[str(r['unit'])]}: "
        f"{test_name(str(r['test']))}"
    )
    cells = (
        str(r["participant"]), str(r["site"]), str(r["unit_id"] or "–"), str(r["reader"] or "–"),
        number(float(str(r["score"])), 2), number(float(str(r["cutoff"])), 2),
    )  # fmt: skip
    return heading, cells
