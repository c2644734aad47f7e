"""The visual Turing test: whether readers can tell synthetic images from real ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from evaluation.readers.judgements import Judgements, checked_judgements, pooled, two_way
from evaluation.readers.signal_detection import Discriminability, d_prime, method_of, rate
from evaluation.statistics import DEFAULT_LEVEL, Comparison, Estimate, not_estimable, require_level
from evaluation.statistics import proportion_interval as proportion

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class ReaderDiscrimination:
    """One reader: share of synthetic images found, share of real images recognised, d'."""

    reader: str
    sensitivity: Estimate
    specificity: Estimate
    accuracy: Estimate
    d_prime: Estimate
    criterion: Estimate


@dataclass(frozen=True)
class VisualTuring:
    """Discrimination of each reader and of all; ``equivalence`` is the test against 50 %.

    Its p-value speaks for equivalence when small; a difference from 50 % that is not significant
    is no evidence that the images cannot be told apart.
    """

    readers: tuple[ReaderDiscrimination, ...]
    accuracy: Estimate
    equivalence: Comparison
    sensitivity: Estimate
    specificity: Estimate
    d_prime: Estimate
    criterion: Estimate


def visual_turing(
    synthetic: ArrayLike,
    judged_synthetic: ArrayLike,
    reader: ArrayLike,
    case: ArrayLike,
    *,
    margin: float = 0.10,
    correction: str = "none",
    level: float = DEFAULT_LEVEL,
) -> VisualTuring:
    """Estimate how well readers discriminate, and test equivalence to guessing.

    Parameters
    ----------
    synthetic, judged_synthetic
        What the image was and what the reader said, 1/0, shape (n,); NaN where an image was not
        judged.
    reader, case
        Labels of each judgement; readers and cases are both random.
    margin
        Half-width of the equivalence region around 0.5.
    correction
        Of rates of 0 and 1 in d', as in `d_prime`: ``none`` or ``loglinear``.

    Raises
    ------
    ValueError
        If lengths differ, a value is neither 0, 1 nor NaN, a case is both synthetic and real, or the
        margin is not between 0 and 0.5.

    Notes
    -----
    Two-way cluster-robust variance (Cameron, Gelbach and Miller, J Bus Econ Stat 2011;29:238) with
    as many degrees of freedom as the smaller number of clusters less one; two one-sided tests
    (Schuirmann 1987). With unequal numbers of synthetic and real images a reader who calls all
    images alike is not right half of the time: the test then takes the mean of both shares instead
    of the share of right judgements, and is flagged ``unbalanced``. Pooled d' comes from the pooled
    rates by the delta method; it is lower than the mean of the readers where their criteria differ.
    """
    require_level(level)
    if not 0 < margin < 0.5:
        raise ValueError("margin must lie between 0 and 0.5")
    j = checked_judgements(synthetic, judged_synthetic, reader, case)
    correct = (j.truth == j.call).astype(float)
    balanced = 2 * int(j.truth.sum()) == len(correct)
    accuracy = pooled(j, correct, level=level)
    own = tuple(
        _one_reader(str(name), j.of_reader(name), correction=correction, level=level)
        for name in np.unique(j.reader)
    )
    of_synthetic, of_real = j.only(j.truth), j.only(~j.truth)
    both = _pooled_d_prime(j, correction=correction, level=level)
    return VisualTuring(
        own, accuracy, _equivalence(j, margin, balanced=balanced, level=level),
        pooled(of_synthetic, of_synthetic.call.astype(float), level=level),
        pooled(of_real, 1 - of_real.call.astype(float), level=level),
        both.d_prime, both.criterion,
    )  # fmt: skip


def _one_reader(
    name: str, own: Judgements, *, correction: str, level: float
) -> ReaderDiscrimination:
    truth, call = own.truth, own.call
    signals, noises = int(truth.sum()), int((~truth).sum())
    hits, alarms = int((truth & call).sum()), int((~truth & call).sum())
    found = d_prime(hits, signals, alarms, noises, correction=correction, level=level)
    return ReaderDiscrimination(
        name,
        proportion(hits, signals, level=level),
        proportion(noises - alarms, noises, level=level),
        proportion(hits + noises - alarms, len(truth), level=level),
        found.d_prime,
        found.criterion,
    )


def _pooled_d_prime(j: Judgements, *, correction: str, level: float) -> Discriminability:
    name = f"pooled rates, {method_of(correction)}, two-way cluster-robust t (readers, cases)"
    counts = [(int(j.call[of].sum()), int(of.sum())) for of in (j.truth, ~j.truth)]
    single = d_prime(*counts[0], *counts[1], correction=correction, level=level)
    if single.d_prime.value is None or single.criterion.value is None or j.clusters < 2:
        reason = single.d_prime.reason or "fewer than two readers or two cases"
        none = not_estimable(reason, level=level, n=j.n, clusters=j.clusters, missing=j.missing,
                             method=name)  # fmt: skip
        return Discriminability(none, none)
    pulls = []
    for of, (count, total) in zip((j.truth, ~j.truth), counts, strict=True):
        density = float(stats.norm.pdf(stats.norm.ppf(rate(count, total, correction))))
        pulls.append(np.where(of, (j.call - count / total) / (total * density), 0.0))
    return Discriminability(
        _with_interval(j, single.d_prime.value, pulls[0] - pulls[1], name=name, level=level),
        _with_interval(
            j, single.criterion.value, -(pulls[0] + pulls[1]) / 2, name=name, level=level
        ),
    )


def _with_interval(
    j: Judgements, value: float, influence: _Array, *, name: str, level: float
) -> Estimate:
    se, df = two_way(j, influence)
    half = float(stats.t.ppf(0.5 + level / 2, df)) * se
    return Estimate(value, value - half, value + half, level, j.n, j.clusters, j.missing, name)


def _equivalence(j: Judgements, margin: float, *, balanced: bool, level: float) -> Comparison:
    name = f"two one-sided tests, 50 % ± {100 * margin:g} points"
    name += "" if balanced else ", mean of both shares"
    flags = () if balanced else ("unbalanced",)
    synthetic, n = int(j.truth.sum()), j.n
    if j.clusters < 2 or synthetic in (0, n):
        one_kind = "only one kind of image was judged"
        reason = "fewer than two readers or two cases" if j.clusters < 2 else one_kind
        return Comparison(None, None, None, level, n, j.clusters, j.missing, name,
                          flags=(*flags, "not_estimable"), reason=reason)  # fmt: skip
    correct = (j.truth == j.call).astype(float)
    weight = np.full(n, 1 / n)
    centre = np.full(n, correct.mean())
    if not balanced:
        weight = np.where(j.truth, 0.5 / synthetic, 0.5 / (n - synthetic))
        centre = np.where(j.truth, correct[j.truth].mean(), correct[~j.truth].mean())
    difference = float(weight @ correct) - 0.5
    se, df = two_way(j, weight * (correct - centre))
    if se == 0:
        return Comparison(difference, None, None, level, n, j.clusters, j.missing, name,
                          flags=(*flags, "no_interval"),
                          reason="all judgements are alike: no variance, no test")  # fmt: skip
    half, t = float(stats.t.ppf(0.5 + level / 2, df)) * se, (margin - abs(difference)) / se
    return Comparison(
        difference, max(-0.5, difference - half), min(0.5, difference + half), level, n, j.clusters,
        j.missing, name, flags=flags, statistic=t, p_value=float(stats.t.sf(t, df)),
    )  # fmt: skip
