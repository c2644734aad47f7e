"""The visual Turing test: whether readers can tell synthetic images from real ones."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from evaluation.statistics import DEFAULT_LEVEL, Comparison, Estimate, not_estimable, require_level
from evaluation.statistics import proportion_interval as proportion


@dataclass(frozen=True)
class ReaderDiscrimination:
    """One reader: share of synthetic images found, share of real images recognised."""

    reader: str
    sensitivity: Estimate
    specificity: Estimate
    accuracy: Estimate


@dataclass(frozen=True)
class VisualTuring:
    """Discrimination of each reader and of all; ``equivalence`` is the test against 50 %.

    Its p-value speaks for equivalence when small; a difference from 50 % that is not significant
    is no evidence that the images cannot be told apart.
    """

    readers: tuple[ReaderDiscrimination, ...]
    accuracy: Estimate
    equivalence: Comparison


def visual_turing(
    synthetic: ArrayLike,
    judged_synthetic: ArrayLike,
    reader: ArrayLike,
    case: ArrayLike,
    *,
    margin: float = 0.10,
    level: float = DEFAULT_LEVEL,
) -> VisualTuring:
    """Estimate how well readers discriminate, and test equivalence to guessing.

    Parameters
    ----------
    synthetic, judged_synthetic
        What the image was and what the reader said, 1/0, shape (n,).
    reader, case
        Labels of each judgement; readers and cases are both random.
    margin
        Half-width of the equivalence region around 0.5.

    Notes
    -----
    Two-way cluster-robust variance (Cameron, Gelbach and Miller, J Bus Econ Stat 2011;29:238) with
    as many degrees of freedom as the smaller number of clusters less one; two one-sided tests.
    """
    require_level(level)
    truth, call = np.asarray(synthetic, dtype=bool), np.asarray(judged_synthetic, dtype=bool)
    readers, cases = np.asarray(reader), np.asarray(case)
    if not len(truth) == len(call) == len(readers) == len(cases):
        raise ValueError("all four columns must have the same length")
    if not 0 < margin < 0.5:
        raise ValueError("margin must lie between 0 and 0.5")
    own = tuple(
        _one_reader(str(name), truth[readers == name], call[readers == name], level)
        for name in np.unique(readers)
    )
    correct = (truth == call).astype(float)
    accuracy, se, df = _two_way(correct, readers, cases, level)
    return VisualTuring(own, accuracy, _equivalence(accuracy, se, df, margin))


def _one_reader(
    name: str, truth: NDArray[np.bool_], call: NDArray[np.bool_], level: float
) -> ReaderDiscrimination:
    return ReaderDiscrimination(
        name,
        proportion(int((truth & call).sum()), int(truth.sum()), level=level),
        proportion(int((~truth & ~call).sum()), int((~truth).sum()), level=level),
        proportion(int((truth == call).sum()), len(truth), level=level),
    )


def _two_way(
    correct: NDArray[np.float64], readers: NDArray, cases: NDArray, level: float
) -> tuple[Estimate, float, int]:
    n, name = len(correct), "two-way cluster-robust t (readers, cases)"
    clusters = min(len(np.unique(readers)), len(np.unique(cases)))
    if clusters < 2:
        reason = "fewer than two readers or two cases"
        none = not_estimable(reason, level=level, n=n, clusters=clusters, method=name)
        return none, math.nan, 0
    value = float(correct.mean())
    residual = correct - value
    of_reader, of_case = _between(residual, readers), _between(residual, cases)
    # Subtracting the judgements counted twice may leave a negative variance in small studies.
    variance = max(of_reader + of_case - float(np.sum(residual**2)) / n**2, of_reader, of_case)
    se, df = math.sqrt(variance), clusters - 1
    half = float(stats.t.ppf(0.5 + level / 2, df)) * se
    estimate = Estimate(
        value, max(0.0, value - half), min(1.0, value + half), level, n, clusters, 0, name
    )
    return estimate, se, df


def _between(residual: NDArray[np.float64], labels: NDArray) -> float:
    _, codes = np.unique(labels, return_inverse=True)
    sums = np.bincount(codes, weights=residual)
    k = len(sums)
    return k / (k - 1) * float(np.sum(sums**2)) / len(residual) ** 2


def _equivalence(accuracy: Estimate, se: float, df: int, margin: float) -> Comparison:
    name = f"two one-sided tests, 50 % ± {100 * margin:g} points"
    if accuracy.value is None or accuracy.lower is None or accuracy.upper is None:
        return Comparison(
            None, None, None, accuracy.level, accuracy.n, accuracy.clusters, 0, name,
            flags=("not_estimable",), reason=accuracy.reason,
        )  # fmt: skip
    difference = accuracy.value - 0.5
    distance = margin - abs(difference)
    t = distance / se if se > 0 else math.copysign(math.inf, distance)
    return Comparison(
        difference, accuracy.lower - 0.5, accuracy.upper - 0.5, accuracy.level, accuracy.n,
        accuracy.clusters, 0, name, statistic=t, p_value=float(stats.t.sf(t, df)),
    )  # fmt: skip
