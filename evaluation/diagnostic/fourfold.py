"""A fourfold table kept as its observations, so that clusters and influence values stay at hand."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evaluation.diagnostic.cases import NO_NEGATIVE, NO_OBSERVATION, NO_POSITIVE
from evaluation.diagnostic.robust import counts_by_code, distinct
from evaluation.statistics import (
    Estimate,
    clustered_proportion,
    not_estimable,
    proportion_interval,
)

_OTHER = {"positive": "negative", "negative": "positive"}


@dataclass(frozen=True)
class FourFold:
    """Calls of complete observations; ``result`` is the call that is being judged."""

    truth: NDArray[np.bool_]
    called: NDArray[np.bool_]
    group: NDArray | None
    level: float
    missing: int
    result: str = "positive"

    def __invert__(self) -> "FourFold":
        """Return the same table read for the other result of the test."""
        return replace(self, called=~self.called, result=_OTHER[self.result])

    def mirrored(self) -> "FourFold":
        """Return the same table with the absence of the condition as the condition."""
        return replace(~self, truth=~self.truth)

    @property
    def reason(self) -> str:
        """Why the two classes cannot be compared; empty when they can."""
        if len(self.truth) == 0:
            return NO_OBSERVATION
        if self.truth.all():
            return NO_NEGATIVE
        return "" if self.truth.any() else NO_POSITIVE

    @property
    def rates(self) -> tuple[float, float]:
        """Share of the judged result with and without the condition."""
        return float(self.called[self.truth].mean()), float(self.called[~self.truth].mean())

    @property
    def residuals(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Influence values on the two rates, shapes (n,)."""
        y, x, (with_it, without) = self.truth, self.called, self.rates
        return (x - with_it) * y / y.sum(), (x - without) * ~y / (~y).sum()

    def limits(self, *, condition: bool) -> tuple[float | None, float | None]:
        """Limits of a rate, Clopper-Pearson's without clusters (they hold at 0 and 1)."""
        among = self.truth if condition else ~self.truth
        x = self.called[among]
        if self.group is None:
            e = proportion_interval(
                int(x.sum()), len(x), method="clopper_pearson", level=self.level
            )
        else:
            e = clustered_proportion(*counts_by_code(x, self.group[among]), level=self.level)
        return e.lower, e.upper

    def none(self, reason: str, method: str) -> Estimate:
        """Return an estimate without a value."""
        return not_estimable(
            reason, level=self.level, n=len(self.truth), clusters=self._clusters(),
            missing=self.missing, method=method,
        )  # fmt: skip

    def estimate(
        self, value: float, bounds: tuple[float | None, float | None], method: str
    ) -> Estimate:
        """Return a value with its bounds and the denominators of this table."""
        return Estimate(
            value, *bounds, self.level, len(self.truth), self._clusters(), self.missing, method
        )

    def _clusters(self) -> int:
        return len(self.truth) if self.group is None else distinct(self.group)
