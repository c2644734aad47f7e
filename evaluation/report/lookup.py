"""Finds result rows by what they are about, and how far each number may be trusted."""

from collections import defaultdict
from typing import TYPE_CHECKING

from evaluation.analysis import AnalysisResult, Plan, ResultRow

if TYPE_CHECKING:
    from collections.abc import Iterable

Key = tuple[str, ...]
MAIN = "main"
EXPLORATORY, PROPOSAL = "†", "‡"


class Lookup:
    """The rows of a result, by place; rows of the main analysis unless another is named."""

    def __init__(self, result: AnalysisResult) -> None:
        self.rows = result.rows
        self.plan: Plan | None = result.plan
        self._by_key = {_key(row): row for row in self.rows}
        self._by_statistic: dict[str, list[ResultRow]] = defaultdict(list)
        self._by_endpoint: dict[str, list[ResultRow]] = defaultdict(list)
        for row in self.rows:
            self._by_statistic[row.statistic].append(row)
            self._by_endpoint[row.endpoint].append(row)
        levels = dict.fromkeys(r.subgroup for r in self.rows if ":" in r.subgroup)
        self._levels = [name for name in levels if not name.startswith("site:")]
        self._sites = list(
            dict.fromkeys(r.subgroup for r in self.rows if r.subgroup.startswith("site:"))
        )
        plan = result.plan
        self._comparators = {t.id for t in plan.index_test if t.comparator} if plan else set()
        self._first = {p.id: {p.quantities[0]} for p in plan.primary} if plan else {}
        self._proposals = _proposals(result.plan)

    def get(
        self,
        statistic: str,
        *,
        endpoint: str,
        quantity: str = "",
        test: str = "",
        unit: str = "participant",
        region: str = "",
        subgroup: str = "all",
    ) -> ResultRow | None:
        """Return the one row of the main analysis, or None."""
        place = (quantity, test, unit, region, subgroup, statistic)
        # A target condition is an endpoint of its own name; every other endpoint leaves it empty.
        for condition in ("", endpoint):
            found = self._by_key.get((MAIN, endpoint, condition, *place))
            if found:
                return found
        return None

    def like(
        self,
        row: ResultRow,
        statistic: str,
        *,
        subgroup: str | None = None,
        analysis: str | None = None,
    ) -> ResultRow | None:
        """Return the row beside another: same place, other statistic."""
        return self._by_key.get(
            (
                row.analysis if analysis is None else analysis,
                row.endpoint, row.target_condition, row.quantity, row.test, row.unit, row.region,
                row.subgroup if subgroup is None else subgroup,
                statistic,
            )
        )  # fmt: skip

    def where(self, **conditions: str) -> list[ResultRow]:
        """Return the rows whose fields equal all conditions, in their order."""
        wanted = {"analysis": MAIN, **conditions}
        rows: Iterable[ResultRow] = self.rows
        if "statistic" in wanted:
            rows = self._by_statistic.get(wanted.pop("statistic"), [])
        elif "endpoint" in wanted:
            rows = self._by_endpoint.get(wanted.pop("endpoint"), [])
        return [row for row in rows if all(getattr(row, n) == v for n, v in wanted.items())]

    def sites(self) -> list[str]:
        """Return the site subgroups in their order."""
        return self._sites

    def levels(self) -> list[str]:
        """Return the levels of subgroups other than sites, in their order."""
        return self._levels

    def headline(self, row: ResultRow) -> bool:
        """Tell whether a row is one of the few that every split of the study is printed for.

        These are the first quantity of each primary endpoint, and index tests that are neither
        comparators nor single readers; the others stand in the files of rows.
        """
        if row.test:
            return ":" not in row.test and row.test not in self._comparators
        return row.quantity in self._first.get(row.endpoint, {row.quantity})

    def mark(self, row: ResultRow) -> str:
        """Return † on an exploratory number, ‡ on one that rests on a proposal of the plan."""
        parts = {
            row.endpoint, row.target_condition, row.analysis, row.subgroup.partition(":")[0],
            *row.test.partition(":")[0].split(" - "),
        }  # fmt: skip
        proposed = not self._proposals.isdisjoint(parts)
        return ("" if row.prespecified else EXPLORATORY) + (PROPOSAL if proposed else "")


def _key(row: ResultRow) -> Key:
    # Analysis sets share an endpoint name; their set tells them apart.
    quantity = row.analysis_set if row.endpoint == "analysis_set" else row.quantity
    return (
        row.analysis, row.endpoint, row.target_condition, quantity, row.test, row.unit, row.region,
        row.subgroup, row.statistic,
    )  # fmt: skip


def _proposals(plan: Plan | None) -> frozenset[str]:
    if plan is None:
        return frozenset()
    found = {p.id for p in plan.primary if p.proposal}
    found |= {t.id for t in plan.index_test if t.proposal}
    found |= {s.id for s in plan.subgroup if s.proposal}
    found |= {a.id for a in plan.sensitivity if a.proposal}
    found |= {
        h.id for h in (plan.multiplicity.hypothesis if plan.multiplicity else ()) if h.proposal
    }
    if plan.image.proposal:
        # The data range and the body mask stand behind every similarity.
        found |= {p.id for p in plan.primary if p.kind == "similarity"}
        found |= {"negative_controls", "uptake_trend"}
    if plan.risk and plan.risk.proposal:
        found |= {"calibration", "net_benefit", "added_value"}
    if plan.demographic_concordance and plan.demographic_concordance.proposal:
        found.add("subgroup_concordance")
    if plan.precision and plan.precision.proposal:
        found.add("precision")
    return frozenset(found)
