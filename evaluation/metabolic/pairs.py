"""Reference and synthetic values of the same participants, and how far they agree.

Formulae: paired t interval and two one-sided tests (Schuirmann 1987); F interval of a ratio of
variances; the interval of a ratio of correlated variances (Pitman 1939, Morgan 1939).
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from evaluation.statistics import Comparison, Estimate, mean_interval, not_estimable

SMALLEST_SUBGROUP = 3


@dataclass(frozen=True)
class SubgroupConcordance:
    """How one quantity of one organ agrees in one subgroup.

    ``bias`` is synthetic minus reference (or, with ``log``, their geometric mean ratio);
    ``equivalence`` the same with the interval of level 1 - 2 alpha, which decides as the tests do,
    and the larger p-value of the two one-sided tests against ``margin``; ``variance_ratio`` synthetic over reference with the F interval
    of independent samples, ``variance_ratio_paired`` the same with the interval for pairs;
    ``wasserstein`` the distance of the two distributions, in the unit of the values.
    """

    subgroup: str
    organ: str
    margin: float
    bias: Estimate
    equivalence: Comparison
    variance_ratio: Estimate
    variance_ratio_paired: Estimate
    wasserstein: Estimate

    @property
    def equivalent(self) -> bool | None:
        """Whether both one-sided tests reject; None where nothing can be estimated."""
        p_value = self.equivalence.p_value
        return None if p_value is None else p_value < (1 - self.equivalence.level) / 2


@dataclass(frozen=True, eq=False)
class Pairs:
    """Complete pairs of one subgroup and organ, and the scale on which they are compared."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    missing: int
    log: bool
    level: float
    unit: str

    @classmethod
    def of(
        cls,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        *,
        log: bool,
        level: float,
        unit: str,
    ) -> "Pairs":
        """Keep the rows in which both values are there and count the others."""
        keep = np.isfinite(x) & np.isfinite(y)
        return cls(x[keep], y[keep], int((~keep).sum()), log, level, unit)

    def judged(self, subgroup: str, organ: str, margin: float) -> SubgroupConcordance:
        """Return every estimate of the pairs, or why a subgroup of fewer than three has none."""
        if len(self.x) < SMALLEST_SUBGROUP:
            return self._refused(subgroup, organ, margin)
        return SubgroupConcordance(
            subgroup=subgroup,
            organ=organ,
            margin=margin,
            bias=self._bias(self.level),
            equivalence=self._equivalence(margin),
            variance_ratio=self._variance_ratio(),
            variance_ratio_paired=self._variance_ratio_paired(),
            wasserstein=self._wasserstein(),
        )

    def _refused(self, subgroup: str, organ: str, margin: float) -> SubgroupConcordance:
        n = len(self.x)
        where = f"subgroup {subgroup}" + (f", organ {organ}" if organ else "")
        nothing = not_estimable(
            f"{where} has {n} complete pairs; at least {SMALLEST_SUBGROUP} are needed",
            level=self.level,
            n=n,
            clusters=n,
            missing=self.missing,
            unit=self.unit,
        )
        fields = {k: getattr(nothing, k) for k in nothing.__dataclass_fields__}
        compared = Comparison(**fields)
        return SubgroupConcordance(
            subgroup, organ, margin, nothing, compared, nothing, nothing, nothing
        )

    def _differences(self) -> NDArray[np.float64]:
        return np.log(self.y / self.x) if self.log else self.y - self.x

    def _bias(self, level: float) -> Estimate:
        found = mean_interval(self._differences(), level=level, unit=self.unit)
        found = replace(found, missing=self.missing, method="paired t")
        if not self.log or found.value is None or found.lower is None or found.upper is None:
            return found
        return replace(
            found,
            value=math.exp(found.value),
            lower=math.exp(found.lower),
            upper=math.exp(found.upper),
            unit="ratio",
            method="paired t on the logarithm",
        )

    def _equivalence(self, margin: float) -> Comparison:
        """Two one-sided tests; the interval has level 1 - 2 alpha, which decides the same way."""
        interval = self._bias(2 * self.level - 1)
        d, bound = self._differences(), math.log(margin) if self.log else margin
        mean, error = float(d.mean()), float(d.std(ddof=1)) / math.sqrt(len(d))
        nearest = bound - abs(mean)
        flags: tuple[str, ...] = ()
        statistic: float | None = None
        if error == 0:
            p_value = 0.0 if nearest > 0 else 1.0
            flags = ("no_variation",)
        else:
            statistic = nearest / error
            p_value = float(stats.t.sf(statistic, len(d) - 1))
        return Comparison(
            interval.value,
            interval.lower,
            interval.upper,
            interval.level,
            len(d),
            len(d),
            self.missing,
            f"TOST at {1 - self.level:.4g}, margin {margin:g}",
            interval.unit,
            flags,
            statistic=statistic,
            p_value=p_value,
        )

    def _variance_ratio(self) -> Estimate:
        n, ratio = len(self.x), self._ratio()
        if ratio is None:
            return self._no_ratio("F")
        upper = float(stats.f.ppf(0.5 + self.level / 2, n - 1, n - 1))
        flags = ("pairs_taken_as_independent",)
        return self._ratio_estimate(ratio, upper, method="F", flags=flags)

    def _variance_ratio_paired(self) -> Estimate:
        n, ratio = len(self.x), self._ratio()
        if ratio is None:
            return self._no_ratio("Pitman-Morgan")
        r = float(np.corrcoef(self.x, self.y)[0, 1])
        t = float(stats.t.ppf(0.5 + self.level / 2, n - 2))
        k = 1 + 2 * max(1 - r * r, 0.0) * t * t / (n - 2)
        width = k + math.sqrt(max(k * k - 1, 0.0))
        return self._ratio_estimate(ratio, width, method="Pitman-Morgan", flags=())

    def _ratio(self) -> float | None:
        below = float(self.x.var(ddof=1))
        return float(self.y.var(ddof=1)) / below if below > 0 and self.y.var() > 0 else None

    def _ratio_estimate(
        self, ratio: float, factor: float, *, method: str, flags: tuple[str, ...]
    ) -> Estimate:
        n, bounds = len(self.x), (ratio / factor, ratio * factor)
        return Estimate(ratio, *bounds, self.level, n, n, self.missing, method, "ratio", flags)

    def _no_ratio(self, method: str) -> Estimate:
        n = len(self.x)
        return not_estimable(
            "the values of one image do not vary, so there is no ratio of variances",
            level=self.level,
            n=n,
            clusters=n,
            missing=self.missing,
            method=method,
            unit="ratio",
        )

    def _wasserstein(self) -> Estimate:
        n = len(self.x)
        distance = float(stats.wasserstein_distance(self.x, self.y))
        reason = (
            "the distance has no interval here: near zero its sampling distribution is not normal"
        )
        return Estimate(
            distance, None, None, self.level, n, n, self.missing, "Wasserstein-1", self.unit,
            ("no_interval",), reason,
        )  # fmt: skip
