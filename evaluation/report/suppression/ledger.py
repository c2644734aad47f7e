"""Reads from result rows which counts they print and how these hang together."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from evaluation.analysis import ResultRow
from evaluation.report.suppression.protection import Cell, Relation

MASK = "suppressed: "
_Place = tuple[str, ...]
_Family = tuple[_Place, str, str]

# Figures of the process and of the plan, not counts of people with an attribute.
_NOT_COUNTED = (
    "missing",
    "reference_missing",
    "reference_indeterminate",
    "indeterminate",
    "target",
)
_PLAN_ENDPOINTS = ("multiplicity", "precision", "estimand")
_ATOMS = ("tp", "fp", "fn", "tn")
_CELLS_OF = {
    "sensitivity": ("tp", "fn"), "specificity": ("tn", "fp"), "ppv": ("tp", "fp"),
    "npv": ("tn", "fn"), "accuracy": _ATOMS, "lr_positive": _ATOMS, "lr_negative": _ATOMS,
    "diagnostic_odds_ratio": _ATOMS, "youden": _ATOMS,
}  # fmt: skip
_MARGINS = (
    (("tp", "fn"), "sensitivity"), (("fp", "tn"), "specificity"), (("tp", "fp"), "ppv"),
    (("fn", "tn"), "npv"),
)  # fmt: skip
_AREAS = ("auc", "auc_crude", "partial_auc")
_PROPORTION = ("wilson", "clopper_pearson", "logit", "cluster-robust logit")


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
    families: dict[_Family, dict[str, int]] = defaultdict(dict)
    for row in rows:
        if not row.reason.startswith(MASK):
            for name, count in _printed(row):
                families[place_of(row), row.statistic, name][row.subgroup] = count
    book = _Book(families)
    relations = dict.fromkeys(
        relation
        for make in (_sums, _cross_tables, _shares, _verdicts, _sexes, _flow, _readers)
        for relation in make(book)
        if _holds(book, relation)
    )
    return Ledger(book.counts, tuple(relations), tuple(_row_cells(book, row) for row in rows))


def place_of(row: ResultRow) -> _Place:
    """Return what a row is about, without statistic and subgroup."""
    return (
        row.analysis, row.endpoint, row.quantity, row.test, row.target_condition, row.unit,
        row.region, row.analysis_set,
    )  # fmt: skip


class _Book:
    """Cells by family. Families that count alike in every subgroup share their cells.

    Who sees the one number sees the other: hiding it in one table only would hide nothing.
    """

    def __init__(self, families: dict[_Family, dict[str, int]]) -> None:
        self.families = families
        self.counts: dict[Cell, int] = {}
        self.vectors: dict[_Family, object] = {}
        for family, by_subgroup in families.items():
            vector: object = tuple(sorted(by_subgroup.items()))
            self.vectors[family] = vector if len(by_subgroup) > 1 else family
            for subgroup, count in by_subgroup.items():
                self.counts[self.vectors[family], subgroup] = count

    def cell(self, place: _Place, statistic: str, name: str, subgroup: str) -> Cell | None:
        """Return the cell, or None where no row prints it."""
        family = (place, statistic, name)
        if subgroup not in self.families.get(family, {}):
            return None
        return (self.vectors[family], subgroup)

    def places(self, statistic: str, name: str) -> Iterator[tuple[_Place, str]]:
        """Yield place and subgroup of each count of that name."""
        for (place, own, what), by_subgroup in self.families.items():
            if own == statistic and what == name:
                for subgroup in by_subgroup:
                    yield place, subgroup


def _printed(row: ResultRow) -> Iterator[tuple[str, int]]:
    if row.endpoint in _PLAN_ENDPOINTS or row.statistic == "target":
        return
    yield "n", row.n
    yield "clusters", row.clusters
    if row.value is None:
        return
    if row.method == "count":
        if not row.statistic.startswith(_NOT_COUNTED):
            yield "count", round(row.value)
    elif row.method.startswith(_PROPORTION) and row.statistic not in _CELLS_OF:
        share = row.value / 100 if row.unit_of_value == "%" else row.value
        yield "inside", round(share * row.n)
        yield "outside", row.n - round(share * row.n)


def _row_cells(book: _Book, row: ResultRow) -> RowCells:
    place, at = place_of(row), row.subgroup

    def cells(*names: tuple[str, str]) -> frozenset[Cell]:
        found = (book.cell(place, statistic, name, at) for statistic, name in names)
        return frozenset(cell for cell in found if cell is not None)

    own = row.statistic
    if row.reason.startswith(MASK):
        return RowCells(frozenset(), frozenset())
    contents = [(own, "count"), (own, "inside"), (own, "outside")]
    contents += [(atom, "count") for atom in _CELLS_OF.get(own, ())]
    if own in _AREAS or own == "prevalence":
        contents += [("sensitivity", "n"), ("specificity", "n")]
    return RowCells(cells((own, "n"), (own, "clusters")), cells(*contents))


def _relation(parts: Iterable[Cell | None], total: Cell | None, known: int = 0) -> list[Relation]:
    found = tuple(parts)
    if total is None or not found or any(part is None for part in found):
        return []
    return [Relation(tuple(part for part in found if part is not None), total, known)]


def _holds(book: _Book, relation: Relation) -> bool:
    total = book.counts[relation.total]
    same = relation.total in relation.parts
    return not same and sum(book.counts[p] for p in relation.parts) + relation.known == total


def _sums(book: _Book) -> Iterator[Relation]:
    """Sites of a total, and the levels of any other subgroup."""
    for family, by_subgroup in book.families.items():
        groups: dict[str, list[str]] = defaultdict(list)
        for subgroup in by_subgroup:
            if subgroup != "all":
                groups[subgroup.partition(":")[0]].append(subgroup)
        for levels in groups.values():
            yield from _relation(
                (book.cell(*family, level) for level in levels), book.cell(*family, "all")
            )


def _cross_tables(book: _Book) -> Iterator[Relation]:
    for place, at in book.places("tp", "count"):
        for atoms, statistic in _MARGINS:
            yield from _relation(
                (book.cell(place, atom, "count", at) for atom in atoms),
                book.cell(place, statistic, "n", at),
            )
        everyone = book.cell(place, "accuracy", "n", at)
        for pair in (("sensitivity", "specificity"), ("ppv", "npv")):
            yield from _relation((book.cell(place, s, "n", at) for s in pair), everyone)


def _shares(book: _Book) -> Iterator[Relation]:
    for (place, statistic, name), by_subgroup in book.families.items():
        if name == "inside":
            for at in by_subgroup:
                yield from _relation(
                    (book.cell(place, statistic, part, at) for part in ("inside", "outside")),
                    book.cell(place, statistic, "n", at),
                )


def _verdicts(book: _Book) -> Iterator[Relation]:
    """Positive and negative verdicts; how many are missing or indeterminate is known."""
    for place, at in book.places("reference_positive", "count"):
        total = book.cell(place, "reference_positive", "n", at)
        parts = [book.cell(place, f"reference_{s}", "count", at) for s in ("positive", "negative")]
        for relation in _relation(parts, total):
            seen = sum(book.counts[part] for part in relation.parts)
            yield replace(relation, known=book.counts[relation.total] - seen)


def _sexes(book: _Book) -> Iterator[Relation]:
    for place, at in book.places("female", "count"):
        yield from _relation(
            (book.cell(place, sex, "count", at) for sex in ("female", "male")),
            book.cell(place, "female", "n", at),
        )


def _flow(book: _Book) -> Iterator[Relation]:
    """Who was screened is analysed or left out for one of the reasons."""
    reasons: dict[str, list[Cell | None]] = defaultdict(list)
    for place, at in book.places("excluded", "count"):
        reasons[at].append(book.cell(place, "excluded", "count", at))
    for place, at in book.places("screened", "count"):
        analysed = book.cell(place, "analysed", "count", at)
        yield from _relation((*reasons[at], analysed), book.cell(place, "screened", "count", at))


def _readers(book: _Book) -> Iterator[Relation]:
    """Readings of all readers are the sum of those of each; the test is named ``test:reader``."""
    groups: dict[tuple[_Place, str, str, str], list[Cell | None]] = defaultdict(list)
    for (place, statistic, name), by_subgroup in book.families.items():
        test, _, reader = place[3].partition(":")
        if reader:
            whole = (*place[:3], test, *place[4:])
            for at in by_subgroup:
                own = book.cell(place, statistic, name, at)
                groups[whole, statistic, name, at].append(own)
    for key, parts in groups.items():
        yield from _relation(parts, book.cell(*key))
