"""Cross-tabulation of an index test's calls by the reference standard, with all its measures."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.diagnostic.calls import Calls, read_calls
from evaluation.diagnostic.cases import NO_NEGATIVE, NO_OBSERVATION, NO_POSITIVE
from evaluation.diagnostic.fourfold import FourFold
from evaluation.diagnostic.ratios import (
    diagnostic_odds_ratio,
    likelihood_ratio,
    predictive_value_at,
    youden_index,
)
from evaluation.diagnostic.robust import counts_by_code
from evaluation.statistics import (
    DEFAULT_LEVEL,
    Estimate,
    clustered_proportion,
    proportion_interval,
    require_level,
)

_EMPTY = {
    "sensitivity": NO_POSITIVE,
    "specificity": NO_NEGATIVE,
    "ppv": "the index test was never positive",
    "npv": "the index test was never negative",
    "accuracy": NO_OBSERVATION,
    "prevalence": NO_OBSERVATION,
}


@dataclass(frozen=True)
class AccuracyTable:
    """Cross-tabulation of an index test by the reference standard, with its measures.

    ``missing_reference`` counts observations whose reference standard is missing or
    indeterminate, ``missing_index`` those (of the rest) without a call. Indeterminate calls are
    counted by the reference standard's verdict however they were handled; unless ``handling`` is
    ``excluded`` they also stand in one of the four cells.
    """

    tp: int
    fp: int
    fn: int
    tn: int
    missing_reference: int
    missing_index: int
    indeterminate_with_condition: int
    indeterminate_without_condition: int
    handling: str
    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate
    npv: Estimate
    accuracy: Estimate
    prevalence: Estimate
    lr_positive: Estimate
    lr_negative: Estimate
    diagnostic_odds_ratio: Estimate
    youden: Estimate

    @property
    def indeterminate(self) -> int:
        """Indeterminate calls of observations with a reference standard."""
        return self.indeterminate_with_condition + self.indeterminate_without_condition

    def estimates(self) -> dict[str, Estimate]:
        """Return the measures by name, in the order of a table."""
        return {
            "sensitivity": self.sensitivity,
            "specificity": self.specificity,
            "ppv": self.ppv,
            "npv": self.npv,
            "accuracy": self.accuracy,
            "prevalence": self.prevalence,
            "lr_positive": self.lr_positive,
            "lr_negative": self.lr_negative,
            "diagnostic_odds_ratio": self.diagnostic_odds_ratio,
            "youden": self.youden,
        }


def accuracy_table(
    truth: ArrayLike,
    call: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    level: float = DEFAULT_LEVEL,
    method: str = "wilson",
    prevalence: float | None = None,
    indeterminate: str = "excluded",
) -> AccuracyTable:
    """Cross-tabulate calls by the reference standard and estimate every measure of accuracy.

    Parameters
    ----------
    truth
        1/0, NaN where the reference standard is missing or indeterminate, shape (n,).
    call
        1 positive, 0 negative, `INDETERMINATE`, NaN where the test has no result, shape (n,).
    cluster
        Participant of each observation; then the ratio estimator with a cluster-robust interval,
        and cluster-robust variances of the ratios.
    method
        Interval of proportions without clustering, as in `evaluation.statistics`.
    prevalence
        A prevalence at which predictive values are wanted; by default that of the observations.
    indeterminate
        ``excluded`` (left out and counted), ``positive``, ``negative``, or ``wrong`` (negative
        where the condition is present, positive where it is not: the worst case).

    Returns
    -------
    AccuracyTable
        A measure with an empty denominator has no value and says why. Without a negative case
        that holds for specificity and NPV, without a positive one for sensitivity and PPV; the
        other predictive value is then 1 by construction, and flagged so.

    Raises
    ------
    ValueError
        If lengths differ, codes are unknown, or a prevalence lies outside (0, 1).

    Notes
    -----
    Likelihood ratios by the log method (Simel DL et al., J Clin Epidemiol 1991;44:763), odds ratio
    by Woolf 1955, predictive values at a prevalence on the logit scale (Mercaldo ND et al., Stat
    Med 2007;26:2170), Youden's index from the two intervals (Newcombe 1998, square and add).

    Examples
    --------
    >>> table = accuracy_table([1, 1, 0, 0], [1, 0, 1, 0])
    >>> table.tp, table.sensitivity.value
    (1, 0.5)
    """
    require_level(level)
    if prevalence is not None and not 0.0 < prevalence < 1.0:
        raise ValueError(f"prevalence must lie strictly between 0 and 1, not {prevalence!r}")
    calls = read_calls(truth, call, cluster, indeterminate)
    y, called = calls.truth, calls.called
    proportions = _proportions(calls, level=level, method=method)
    table = FourFold(y, called, calls.group, level, calls.left_out)
    if prevalence is not None:
        proportions["ppv"] = predictive_value_at(prevalence, table)
        proportions["npv"] = predictive_value_at(1 - prevalence, table.mirrored())
    with_condition, without_condition = calls.indeterminate
    return AccuracyTable(
        tp=int((y & called).sum()), fp=int((~y & called).sum()),
        fn=int((y & ~called).sum()), tn=int((~y & ~called).sum()),
        missing_reference=calls.missing_reference, missing_index=calls.missing_index,
        indeterminate_with_condition=with_condition,
        indeterminate_without_condition=without_condition, handling=indeterminate,
        lr_positive=likelihood_ratio(table), lr_negative=likelihood_ratio(~table),
        diagnostic_odds_ratio=diagnostic_odds_ratio(table),
        youden=youden_index(table, proportions["sensitivity"], proportions["specificity"]),
        **proportions,
    )  # fmt: skip


def _proportions(calls: Calls, *, level: float, method: str) -> dict[str, Estimate]:
    y, called = calls.truth, calls.called
    everything = np.ones_like(y)
    denominators = {
        "sensitivity": (y, called),
        "specificity": (~y, ~called),
        "ppv": (called, y),
        "npv": (~called, ~y),
        "accuracy": (everything, y == called),
        "prevalence": (everything, y),
    }
    found = {}
    for name, (among, success) in denominators.items():
        group = None if calls.group is None else calls.group[among]
        e = _proportion(success[among], group, missing=calls.left_out, level=level, method=method)
        found[name] = e if e.estimable else replace(e, reason=_EMPTY[name])
    return _without_a_class(found, y)


def _proportion(
    success: NDArray[np.bool_],
    group: NDArray | None,
    *,
    missing: int,
    level: float,
    method: str,
) -> Estimate:
    if group is None:
        return proportion_interval(
            int(success.sum()), len(success), method=method, level=level, missing=missing
        )
    return clustered_proportion(*counts_by_code(success, group), level=level, missing=missing)


def _without_a_class(found: dict[str, Estimate], y: NDArray[np.bool_]) -> dict[str, Estimate]:
    """Withhold the predictive value that cannot be judged where a class is absent."""
    if len(y) == 0 or (y.any() and not y.all()):
        return found
    absent, trivial, reason = (
        ("npv", "ppv", NO_NEGATIVE) if y.all() else ("ppv", "npv", NO_POSITIVE)
    )
    none = replace(
        found[absent], value=None, lower=None, upper=None, flags=("not_estimable",), reason=reason
    )
    held = found[trivial]
    by_construction = (
        replace(held, flags=(*held.flags, "by_construction"), reason=f"1 by construction: {reason}")
        if held.estimable
        else held
    )
    return {**found, absent: none, trivial: by_construction}
