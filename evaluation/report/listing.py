"""The listing of false negative results, for review of each by a person."""

import pandas as pd

from evaluation.report.cells import Row, test_name
from evaluation.report.document import Table
from evaluation.report.formats import CONDITIONS, UNITS, label, number
from evaluation.report.lookup import Lookup
from evaluation.report.wording import say, says

_PRINTED = 8
"""Of each test at each site; a report of ten thousand would print little else."""
COLUMNS = ("target_condition", "unit", "test", "site", "participant", "unit_id", "reader", "score",
           "cutoff")  # fmt: skip
_SHOWN = ("participant", "unit_id", "reader", "score")


def false_negatives(look: Lookup, scores: pd.DataFrame | None) -> pd.DataFrame:
    """Return the positive units that an index test called negative, comparators apart.

    Calls are those of the plan: a failed synthesis that counts as wrong is among them.
    """
    if scores is None or scores.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    comparators = {t.id for t in look.plan.index_test if t.comparator} if look.plan else set()
    missed = scores[
        (scores["truth"].astype(float) == 1.0)
        & (scores["call"].astype(float) == 0.0)
        & ~scores["test"].isin(comparators)
    ]
    return missed[list(COLUMNS)].reset_index(drop=True)


def false_negative_table(missed: pd.DataFrame) -> Table | None:
    """Return the false negative results by test and site; the whole list stands in a file."""
    if missed.empty:
        return None
    rows: list[Row] = []
    groups: list[tuple[int, str]] = []
    for (condition, unit, test), of_test in missed.groupby(list(COLUMNS[:3]), sort=False):
        cutoff = number(float(of_test["cutoff"].iloc[0]), 2)
        judged = f"{label(CONDITIONS, str(condition))}, {say('per')} {UNITS[str(unit)]}"
        groups.append((len(rows), f"{judged}: {test_name(str(test))} (≥ {cutoff})"))
        for site, own in of_test.groupby("site", sort=False):
            rows.append((str(site), f"{len(own):,}", _named(own)))
    return Table(
        say("false_negatives.title"), says("false_negatives.columns"), tuple(rows),
        notes=(say("false_negatives.note"), say("false_negatives.file")), text_columns=3,
        widths=(2, 2, 22), groups=tuple(groups), id="false_negatives",
    )  # fmt: skip


def _named(own: pd.DataFrame) -> str:
    words = []
    for who, unit, reader, score in own[list(_SHOWN)].head(_PRINTED).itertuples(index=False):
        where = ", ".join(str(part) for part in (unit, reader) if part)
        known = float(score)
        result = say("false_negatives.no_score") if known != known else number(known, 2)
        words.append(f"{who} ({f'{where}: ' if where else ''}{result})")
    left = len(own) - _PRINTED
    if left > 0:
        words.append(say("false_negatives.more", left=f"{left:,}"))
    return "; ".join(words)
