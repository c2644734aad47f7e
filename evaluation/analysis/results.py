"""Result rows: the only thing that reports and dashboards read."""

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import pandas as pd

from evaluation.analysis.plan import Plan
from evaluation.statistics import Estimate


@dataclass(frozen=True)
class ResultRow:
    """One number of the study with everything needed to print it honestly.

    ``subgroup`` is ``all``, ``site:CODE`` or ``SUBGROUP:LEVEL``; ``analysis`` is ``main`` or the id
    of a sensitivity analysis of the plan; ``order`` is its place in the long table; ``exploratory``
    says why a number does not count as prespecified although the plan names it.
    """

    endpoint: str
    family: str
    quantity: str
    test: str
    target_condition: str
    unit: str
    region: str
    analysis_set: str
    subgroup: str
    statistic: str
    value: float | None
    lower: float | None
    upper: float | None
    level: float
    n: int
    clusters: int
    missing: int
    unit_of_value: str
    method: str
    reason: str
    prespecified: bool
    analysis: str = "main"
    order: int = 0
    exploratory: str = ""


@dataclass(frozen=True)
class AnalysisResult:
    """Rows, the points behind the figures, and the digest of the plan that made them."""

    rows: tuple[ResultRow, ...]
    series: Mapping[str, pd.DataFrame]
    plan_digest: str
    plan: Plan | None = None

    def frame(self) -> pd.DataFrame:
        """Return the rows as one long table."""
        names = [f.name for f in fields(ResultRow)]
        return pd.DataFrame([[getattr(r, n) for n in names] for r in self.rows], columns=names)


@dataclass(frozen=True)
class Place:
    """Where a row belongs; everything of a row but its numbers."""

    endpoint: str
    family: str
    analysis_set: str
    level: float
    quantity: str = ""
    test: str = ""
    target_condition: str = ""
    unit: str = ""
    region: str = ""
    subgroup: str = "all"
    prespecified: bool = True
    analysis: str = "main"

    def row(self, statistic: str, e: Estimate, *, unit_of_value: str = "") -> ResultRow:
        """Return the row of one estimate."""
        e = _finite(e)
        return ResultRow(
            self.endpoint, self.family, self.quantity, self.test, self.target_condition, self.unit,
            self.region, self.analysis_set, self.subgroup, statistic, e.value, e.lower, e.upper,
            e.level, e.n, e.clusters, e.missing, unit_of_value or e.unit, _with_flags(e), e.reason,
            self.prespecified, self.analysis,
        )  # fmt: skip

    def plain(
        self,
        statistic: str,
        value: float | None,
        *,
        n: int,
        missing: int = 0,
        unit_of_value: str = "",
        method: str = "count",
        reason: str = "",
    ) -> ResultRow:
        """Return the row of a number that has no interval, such as a count."""
        e = Estimate(
            value, None, None, self.level, n, n, missing, method, unit_of_value, reason=reason
        )
        return self.row(statistic, e)

    def at(self, subgroup: str) -> "Place":
        """Return the same place in another subgroup."""
        return replace(self, subgroup=subgroup)

    def seed(self, base: int) -> int:
        """Return a seed that depends on the place alone, so rows do not depend on their order."""
        key = "|".join([self.endpoint, self.quantity, self.test, self.target_condition, self.unit,
                        self.region, self.subgroup, self.analysis])  # fmt: skip
        return base + zlib.crc32(key.encode())


_SAID_OTHERWISE = {"not_estimable", "no_interval", "one_cluster", "one_observation", "boundary"}


def _with_flags(e: Estimate) -> str:
    """Return the method with the flags that no reason spells out."""
    flags = [flag for flag in e.flags if flag not in _SAID_OTHERWISE]
    return f"{e.method} [{', '.join(flags)}]" if flags else e.method


def _finite(e: Estimate) -> Estimate:
    """Return the estimate without numbers that are not finite, and say so in the reason.

    A study of two or three participants gives limits that overflow on the scale that is printed.
    """
    if e.value is not None and not math.isfinite(e.value):
        reason = e.reason or "the estimate is not a finite number"
        return replace(e, value=None, lower=None, upper=None, reason=reason)
    if any(b is not None and not math.isfinite(b) for b in (e.lower, e.upper)):
        reason = e.reason or "the interval has no finite limit"
        return replace(e, lower=None, upper=None, reason=reason)
    return e


def numbered(rows: list[ResultRow]) -> tuple[ResultRow, ...]:
    """Return the rows with their order set."""
    return tuple(replace(row, order=i) for i, row in enumerate(rows, start=1))
