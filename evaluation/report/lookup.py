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
        for row in self.rows:
            self._by_statistic[row.statistic].append(row)
        self._sites = list(
            dict.fromkeys(r.subgroup for r in self.rows if r.subgroup.startswith("site:"))
        )
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
        return [row for row in rows if all(getattr(row, n) == v for n, v in wanted.items())]

    def sites(self) -> list[str]:
        """Return the site subgroups in their order."""
        return self._sites

    def levels(self) -> list[str]:
        """Return the levels of subgroups other than sites, in their order."""
        names = dict.fromkeys(r.subgroup for r in self.rows if ":" in r.subgroup)
        return [name for name in names if not name.startswith("site:")]

    def mark(self, row: ResultRow) -> str:
        """Return † on an exploratory number, ‡ on one that rests on a proposal of the plan."""
        proposed = not self._proposals.isdisjoint(
            {row.endpoint, row.target_condition, *row.test.partition(":")[0].split(" - ")}
        )
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
    marked = [*plan.primary, *plan.index_test]
    return frozenset(part.id for part in marked if part.proposal)
