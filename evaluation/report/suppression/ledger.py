"""Reads from result rows which counts each of them gives away."""

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.analysis import ResultRow
from evaluation.report.suppression.book import ATOMS, MASK, Book, place_of
from evaluation.report.suppression.protection import Cell, Relation
from evaluation.report.suppression.relations import relations_of

_FROM_COUNTS = {
    "sensitivity": ("tp", "fn"), "specificity": ("tn", "fp"), "ppv": ("tp", "fp"),
    "npv": ("tn", "fn"), "accuracy": ATOMS, "lr_positive": ATOMS, "lr_negative": ATOMS,
    "diagnostic_odds_ratio": ATOMS, "youden": ATOMS, "nri_events": ("events_up", "events_down"),
    "nri_nonevents": ("nonevents_up", "nonevents_down"),
}  # fmt: skip
_FROM_BOTH_CLASSES = ("auc", "auc_crude", "partial_auc", "partial_auc_standardised", "prevalence")


@dataclass(frozen=True)
class RowCells:
    """The cells that one row gives away: its denominators, and the counts behind its value."""

    sizes: frozenset[Cell]
    contents: frozenset[Cell]


@dataclass(frozen=True)
class Ledger:
    """Every printed count, what the counts have to do with each other, and each row's cells."""

    counts: dict[Cell, int]
    relations: tuple[Relation, ...]
    rows: tuple[RowCells, ...]


def ledger_of(rows: Sequence[ResultRow]) -> Ledger:
    """Return the ledger of result rows; what is suppressed already is not in it."""
    book = Book(rows)
    return Ledger(book.counts, relations_of(book), tuple(_row_cells(book, row) for row in rows))


def _row_cells(book: Book, row: ResultRow) -> RowCells:
    place, at, own = place_of(row), row.subgroup, row.statistic
    if row.reason.startswith(MASK):
        return RowCells(frozenset(), frozenset())

    def cells(*names: tuple[str, str]) -> frozenset[Cell]:
        found = (book.cell(place, statistic, name, at) for statistic, name in names)
        return frozenset(cell for cell in found if cell is not None)

    contents = [(own, name) for name in ("count", "inside", "outside")]
    contents += [(name, "count") for name in _FROM_COUNTS.get(own, ())]
    if own in _FROM_BOTH_CLASSES:
        contents += [("sensitivity", "n"), ("specificity", "n")]
    return RowCells(cells((own, "n"), (own, "clusters")), cells(*contents))
