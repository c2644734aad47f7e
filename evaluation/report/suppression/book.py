"""The counts that result rows print, as cells: who sees the one number sees the other."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from evaluation.analysis import ResultRow
from evaluation.report.suppression.protection import Cell

MASK = "suppressed: "
ATOMS = ("tp", "fp", "fn", "tn")
Place = tuple[str, ...]
Family = tuple[Place, str, str]

# Figures of the process and of the plan, not counts of people with an attribute.
_NOT_COUNTED = ("missing", "failed", "indeterminate", "reference_missing",
                "reference_indeterminate", "target", "readers")  # fmt: skip
_NOT_COUNTED_ENDS = (":missing", ":indeterminate")
_PLAN_FAMILIES = ("multiplicity", "precision", "estimand")
# Here a cluster is a site or a reader.
_OTHER_CLUSTERS = ("random effects", "prediction interval", "Cochran", "Obuchowski-Rockette")
_PROPORTION = ("wilson", "clopper_pearson", "logit", "cluster-robust logit")


def place_of(row: ResultRow) -> Place:
    """Return what a row is about, without statistic and subgroup."""
    return (
        row.analysis, row.endpoint, row.quantity, row.test, row.target_condition, row.unit,
        row.region, row.analysis_set,
    )  # fmt: skip


class Book:
    """Cells by family; families that count alike in every subgroup share their cells.

    Hiding a number in one table only would hide nothing.
    """

    def __init__(self, rows: Sequence[ResultRow]) -> None:
        self.families: dict[Family, dict[str, int]] = defaultdict(dict)
        for row in rows:
            if not row.reason.startswith(MASK):
                for name, count in _printed(row):
                    self.families[place_of(row), row.statistic, name][row.subgroup] = count
        self.counts: dict[Cell, int] = {}
        self.vectors: dict[Family, object] = {}
        for family, by_subgroup in self.families.items():
            vector: object = tuple(sorted(by_subgroup.items()))
            self.vectors[family] = vector if len(by_subgroup) > 1 else family
            for subgroup, count in by_subgroup.items():
                self.counts[self.vectors[family], subgroup] = count

    def cell(self, place: Place, statistic: str, name: str, subgroup: str) -> Cell | None:
        """Return the cell, or None where no row prints it."""
        family = (place, statistic, name)
        if subgroup not in self.families.get(family, {}):
            return None
        return (self.vectors[family], subgroup)

    def places(self, statistic: str, name: str) -> Iterator[tuple[Place, str]]:
        """Yield place and subgroup of each count of that name."""
        for (place, own, what), by_subgroup in self.families.items():
            if own == statistic and what == name:
                for subgroup in by_subgroup:
                    yield place, subgroup


def _printed(row: ResultRow) -> Iterator[tuple[str, int]]:
    if row.family in _PLAN_FAMILIES or row.statistic == "target":
        return
    yield "n", row.n
    if not row.method.startswith(_OTHER_CLUSTERS):
        yield "clusters", row.clusters
    if row.value is None or row.family in {"verification", "missingness"}:
        return
    if row.method == "count":
        process = row.statistic.startswith(_NOT_COUNTED) or row.statistic.endswith(
            _NOT_COUNTED_ENDS
        )
        if not process:
            yield "count", round(row.value)
    elif row.method.startswith(_PROPORTION):
        share = row.value / 100 if row.unit_of_value == "%" else row.value
        yield "inside", round(share * row.n)
        yield "outside", row.n - round(share * row.n)
