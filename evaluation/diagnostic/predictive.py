"""Differences and ratios of predictive values and likelihood ratios of two tests, paired."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from evaluation.diagnostic.cases import Cases
from evaluation.diagnostic.robust import Spread, distinct, spread
from evaluation.statistics import Comparison

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """Two tests read for one result, positive or negative: who has it, and whether it is right.

    ``right`` is 1 where the reference standard agrees with that result; ``a`` and ``b`` are 1 where
    the test gave it; shapes (n,).
    """

    right: _Array
    a: _Array
    b: _Array
    group: NDArray | None
    missing: int
    level: float
    result: str

    @property
    def rounds(self) -> tuple[float, float]:
        """How often each test gave the result."""
        return float(self.a.sum()), float(self.b.sum())

    @property
    def reason(self) -> str:
        """Why the tests cannot be compared on this result; empty when they can."""
        for name, count in zip(("first", "second"), self.rounds, strict=True):
            if count == 0:
                return f"the {name} test was never {self.result}"
        return ""

    def blank(self, reason: str, method: str) -> Comparison:
        """Return a comparison without a value."""
        n, clusters = len(self.right), self._clusters()
        return Comparison(
            None, None, None, self.level, n, clusters, self.missing, method,
            flags=("not_estimable",), reason=reason,
        )  # fmt: skip

    def compared(self, value: float, found: Spread, method: str) -> Comparison:
        """Return a value with Wald's interval; without one where nothing varies."""
        e = Comparison(
            value, None, None, self.level, len(self.right), found.clusters, self.missing, method
        )
        if found.reason:
            return replace(e, flags=("no_interval",), reason=found.reason)
        half = found.half_width(self.level)
        return replace(e, lower=value - half, upper=value + half)

    def _clusters(self) -> int:
        return len(self.right) if self.group is None else distinct(self.group)


def judged(cases: Cases, result: str, level: float) -> Judged:
    """Return both tests read for a positive or a negative result."""
    y, (a, b) = cases.truth.astype(float), cases.values
    group = cases.codes if cases.clustered else None
    if result == "negative":
        y, a, b = 1 - y, 1 - a, 1 - b
    return Judged(y, a, b, group, cases.missing, level, result)


def predictive_difference(tests: Judged, *, weighted: bool) -> Comparison:
    """Return the difference of predictive values with a score test of no difference.

    The interval is Wald's from influence values, which count a participant read twice once. The
    test is Kosinski's weighted generalised score or Leisenring's generalised score; with clusters
    always the latter, summed within participants.
    """
    weighted = weighted and tests.group is None
    score = "weighted generalised score (Kosinski 2013)"
    name = f"Wald, {score if weighted else 'generalised score (Leisenring 2000)'}"
    if tests.reason:
        return tests.blank(tests.reason, name)
    one, other, difference = _shares(tests)
    e = _within_one(tests.compared(difference, spread(one - other, tests.group), name))
    statistic = _weighted_score(tests) if weighted else _generalised_score(tests)
    if statistic is None:
        return replace(e, statistic=0.0, p_value=1.0) if difference == 0 else e
    return replace(e, statistic=statistic, p_value=float(stats.chi2.sf(statistic, 1)))


def _within_one(e: Comparison) -> Comparison:
    if e.lower is None or e.upper is None:
        return e
    return replace(e, lower=max(-1.0, e.lower), upper=min(1.0, e.upper))


def predictive_ratio(tests: Judged) -> Comparison:
    """Return the ratio of predictive values (Moskowitz CS, Pepe MS, Clin Trials 2006;3:272)."""
    name = "log (Moskowitz and Pepe 2006)"
    if tests.reason:
        return tests.blank(tests.reason, name)
    p, q = (float((tests.right * x).sum() / x.sum()) for x in (tests.a, tests.b))
    if p == 0 or q == 0:
        return tests.blank(f"a test was never right when {tests.result}: no ratio", name)
    one, other, _ = _shares(tests)
    return _ratio(tests, p / q, one / p - other / q, name)


def likelihood_ratio_ratio(tests: Judged) -> Comparison:
    """Return the ratio of likelihood ratios of the result (Gu W, Pepe MS, Biostatistics 2009).

    Its logarithm has the variance of the regression of that paper with the test as covariate.
    """
    name = "log (Gu and Pepe 2009)"
    if tests.reason:
        return tests.blank(tests.reason, name)
    logs, influences = [], []
    for x in (tests.a, tests.b):
        parts = [_log_rate(x, among) for among in (tests.right, 1 - tests.right)]
        if any(math.isinf(log) for log, _ in parts):
            return tests.blank(
                "a cell of a test's table is empty: its ratio is 0 or infinite", name
            )
        logs.append(parts[0][0] - parts[1][0])
        influences.append(parts[0][1] - parts[1][1])
    return _ratio(tests, math.exp(logs[0] - logs[1]), influences[0] - influences[1], name)


def _log_rate(x: _Array, among: _Array) -> tuple[float, _Array]:
    rate = float((x * among).sum() / among.sum())
    if rate == 0:
        return -math.inf, x
    return math.log(rate), among * (x - rate) / (among.sum() * rate)


def _shares(tests: Judged) -> tuple[_Array, _Array, float]:
    """Return the influence values of both predictive values, and their difference."""
    values, influences = [], []
    for x in (tests.a, tests.b):
        value = float((tests.right * x).sum() / x.sum())
        values.append(value)
        influences.append(x * (tests.right - value) / x.sum())
    return influences[0], influences[1], values[0] - values[1]


def _ratio(tests: Judged, value: float, influence: _Array, name: str) -> Comparison:
    found = spread(influence, tests.group)
    name = name if math.isinf(found.df) else f"{name}, cluster-robust t"
    e = tests.compared(math.log(value), found, name)
    if e.lower is None or e.upper is None:
        if value == 1 and found.se == 0:
            return replace(e, value=value, statistic=0.0, p_value=1.0)
        return replace(e, value=value)
    z = math.log(value) / found.se
    return replace(
        e, value=value, lower=math.exp(e.lower), upper=math.exp(e.upper), statistic=z,
        p_value=found.p_value(z),
    )  # fmt: skip


def _generalised_score(tests: Judged) -> float | None:
    """Leisenring W, Alonzo T, Pepe MS, Biometrics 2000;56:345, by the score's own influence."""
    (n_a, n_b), (a, b) = tests.rounds, (tests.a, tests.b)
    pooled = float((tests.right * (a + b)).sum()) / (n_a + n_b)
    terms = (tests.right - pooled) * (b - (a + b) * n_b / (n_a + n_b))
    if tests.group is not None:
        terms = np.asarray(np.bincount(tests.group, weights=terms), dtype=float)
    variance = float(np.sum(terms**2))
    return float(terms.sum()) ** 2 / variance if variance > 1e-18 * len(terms) else None


def _weighted_score(tests: Judged) -> float | None:
    """Kosinski AS, Stat Med 2013;32:964: the variance under no difference, with its covariance."""
    (n_a, n_b), (a, b) = tests.rounds, (tests.a, tests.b)
    right = tests.right
    pooled = float((right * (a + b)).sum()) / (n_a + n_b)
    shared = float((a * b * (right - pooled) ** 2).sum()) / (n_a + n_b)
    variance = (pooled * (1 - pooled) - 2 * shared) * (1 / n_a + 1 / n_b)
    difference = float((right * a).sum()) / n_a - float((right * b).sum()) / n_b
    return difference**2 / variance if variance > 1e-18 else None
