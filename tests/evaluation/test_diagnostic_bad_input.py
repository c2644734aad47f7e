"""Every function on every kind of poor data: a finite number, or None with a sentence."""

import dataclasses
import math

import numpy as np
import pytest

from evaluation import diagnostic
from evaluation.statistics import Estimate

NAN = math.nan


@dataclasses.dataclass(frozen=True)
class Data:
    """A small study: truth, two scores in [0, 1], participants and sites."""

    truth: list
    a: list
    b: list
    cluster: list | None = None
    site: list | None = None


SITUATIONS = {
    "no observation": Data([], [], []),
    "one observation": Data([1], [0.4], [0.6]),
    "one of each class": Data([1, 0], [0.4, 0.6], [0.7, 0.2]),
    "only positives": Data([1, 1, 1], [0.2, 0.5, 0.7], [0.6, 0.5, 0.1]),
    "only negatives": Data([0, 0, 0], [0.2, 0.5, 0.7], [0.6, 0.5, 0.1]),
    "only positives in clusters": Data(
        [1, 1, 1, 1], [0.2, 0.5, 0.7, 0.9], [0.6, 0.5, 0.1, 0.4], [1, 1, 2, 2]
    ),
    "all ties": Data([1, 0, 1, 0], [0.5] * 4, [0.5] * 4),
    "all ties in clusters": Data([1, 0, 1, 0], [0.5] * 4, [0.5] * 4, ["p", "p", "q", "q"]),
    "complete separation": Data([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], [0.2, 0.1, 0.9, 0.8]),
    "complete separation in clusters": Data(
        [0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], [0.2, 0.1, 0.9, 0.8], [1, 2, 1, 2]
    ),
    "wrong throughout": Data([1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9], [0.2, 0.1, 0.9, 0.8]),
    "empty cells": Data([1, 1, 1, 0, 0], [0.9, 0.8, 0.3, 0.2, 0.1], [0.9, 0.2, 0.1, 0.3, 0.4]),
    "never positive": Data([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.2], [0.2, 0.1, 0.1, 0.3]),
    "never negative": Data([1, 1, 0, 0], [0.9, 0.8, 0.7, 0.8], [0.8, 0.9, 0.9, 0.7]),
    "one participant": Data([1, 0, 1, 0], [0.4, 0.3, 0.6, 0.7], [0.2, 0.4, 0.9, 0.6], [7] * 4),
    "clusters of one": Data([1, 0, 1, 0], [0.4, 0.3, 0.6, 0.7], [0.2, 0.4, 0.9, 0.6],
                            [4, 3, 2, 1]),
    "one lesion in one of the classes": Data(
        [1, 0, 0, 0, 0], [0.6, 0.3, 0.7, 0.5, 0.2], [0.2, 0.4, 0.9, 0.6, 0.1], [1, 1, 2, 2, 3]
    ),
    "a site without a case": Data(
        [1, 0, 1, 0, 0, 0], [0.4, 0.6, 0.7, 0.2, 0.3, 0.5], [0.1, 0.4, 0.6, 0.7, 0.2, 0.3],
        site=["a"] * 4 + ["b"] * 2,
    ),
    "sites of one class each": Data(
        [1, 1, 0, 0], [0.4, 0.6, 0.7, 0.2], [0.1, 0.4, 0.6, 0.7], site=["a", "a", "b", "b"]
    ),
    "sites of one observation": Data(
        [1, 0, 1, 0], [0.4, 0.6, 0.7, 0.2], [0.1, 0.4, 0.6, 0.7], site=["a", "b", "c", "d"]
    ),
    "gaps": Data([1, NAN, 1, 0, 0], [0.4, 0.6, NAN, 0.2, 0.5], [0.1, 0.4, 0.6, NAN, 0.3],
                 [1, 1, 2, 2, 3]),
    "nothing but gaps": Data([NAN, 1], [0.5, NAN], [NAN, 0.5]),
    "gaps that empty a class": Data([1, 1, 0], [0.4, 0.6, NAN], [0.1, 0.4, NAN]),
    "risks of 0 and 1": Data([1, 0, 1, 0], [0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 1.0, 1.0]),
    "a test compared with itself": Data([1, 0, 1, 0], [0.4, 0.6, 0.7, 0.2], [0.4, 0.6, 0.7, 0.2]),
}  # fmt: skip


def _call(values):
    return [NAN if math.isnan(v) else float(v >= 0.5) for v in values]


def _unverified(data):
    return [NAN if k % 3 == 2 else y for k, y in enumerate(data.truth)]


FUNCTIONS = {
    "accuracy_table": lambda d: diagnostic.accuracy_table(
        d.truth, _call(d.a), cluster=d.cluster, prevalence=0.2
    ),
    "roc": lambda d: diagnostic.roc(
        d.truth, d.a, cluster=d.cluster, strata=d.site, partial=("specificity", 0.8, 1.0),
        bands=True,
    ),
    "roc over sensitivity": lambda d: diagnostic.roc(
        d.truth, d.b, cluster=d.cluster, strata=d.site, partial=("sensitivity", 0.5, 0.9)
    ),
    "compare_auc": lambda d: diagnostic.compare_auc(
        d.truth, d.a, d.b, cluster=d.cluster, strata=d.site
    ),
    "compare_auc unpaired": lambda d: diagnostic.compare_auc(
        d.truth, d.a, d.b, paired=False, cluster=d.cluster, strata=d.site
    ),
    "compare_paired": lambda d: diagnostic.compare_paired(
        d.truth, _call(d.a), _call(d.b), cluster=d.cluster
    ),
    "compare_paired generalised": lambda d: diagnostic.compare_paired(
        d.truth, _call(d.a), _call(d.b), predictive="generalised"
    ),
    "added_value": lambda d: diagnostic.added_value(
        d.truth, d.a, d.b, cutoffs=[0.5], cluster=d.cluster
    ),
    "added_value with a seed": lambda d: diagnostic.added_value(
        d.truth, d.a, d.b, cutoffs=[0.5], cluster=d.cluster, seed=1, replicates=20
    ),
    "net_benefit": lambda d: diagnostic.net_benefit(
        d.truth, d.a, thresholds=[0.1, 0.5], cluster=d.cluster
    ),
    "calibration": lambda d: diagnostic.calibration(d.truth, d.a, cluster=d.cluster, bins=2),
    "begg_greenes": lambda d: diagnostic.begg_greenes(
        _unverified(d), _call(d.a), cluster=d.cluster, strata=d.site
    ),
    "cluster_bootstrap": lambda d: diagnostic.cluster_bootstrap(
        "sensitivity", d.truth, _call(d.a), _call(d.b), cluster=d.cluster, strata=d.site, seed=1,
        replicates=20,
    ),
    "cluster_bootstrap of areas": lambda d: diagnostic.cluster_bootstrap(
        "auc", d.truth, d.a, cluster=d.cluster, strata=d.site, seed=1, replicates=20
    ),
    "non_inferiority": lambda d: diagnostic.non_inferiority(
        diagnostic.compare_auc(d.truth, d.a, d.b, cluster=d.cluster), margin=0.1
    ),
}  # fmt: skip


def _estimates(result):
    if isinstance(result, Estimate):
        yield result
    elif isinstance(result, tuple):
        for part in result:
            yield from _estimates(part)
    elif dataclasses.is_dataclass(result):
        for field in dataclasses.fields(result):
            yield from _estimates(getattr(result, field.name))


def _fault(e):
    """Return what is wrong with an estimate; empty when nothing is."""
    names = ("value", "lower", "upper", "statistic", "p_value")
    numbers = {name: getattr(e, name, None) for name in names}
    if any(v is not None and not math.isfinite(v) for v in numbers.values()):
        return "a number is not finite"
    value, lower, upper = e.value, e.lower, e.upper
    if None in (value, lower, upper):
        if not e.reason:
            return "nothing says why a number is missing"
    elif lower == upper:
        return "an interval of width zero"
    if value is not None and lower is not None and lower > value + 1e-12:
        return "the lower bound is above the value"
    if value is not None and upper is not None and upper < value - 1e-12:
        return "the upper bound is below the value"
    return ""


@pytest.mark.parametrize("situation", SITUATIONS)
def test_poor_data_gives_a_number_or_a_reason(situation):
    faults = [
        f"{name}: {fault}: {e}"
        for name, function in FUNCTIONS.items()
        for e in _estimates(function(SITUATIONS[situation]))
        if (fault := _fault(e))
    ]
    assert not faults, "\n".join(faults)


def test_every_function_returns_estimates_to_look_at():
    data = SITUATIONS["clusters of one"]
    assert all(list(_estimates(function(data))) for function in FUNCTIONS.values())


@pytest.mark.parametrize("situation", [s for s in SITUATIONS if SITUATIONS[s].site is None])
def test_points_of_a_curve_are_numbers_or_the_curve_says_why(situation):
    data = SITUATIONS[situation]
    points = diagnostic.roc(data.truth, data.a, cluster=data.cluster, bands=True).points
    arrays = (
        points.sensitivity, points.specificity, points.sensitivity_lower, points.sensitivity_upper,
        points.specificity_lower, points.specificity_upper,
    )  # fmt: skip
    finite = [a is not None and bool(np.isfinite(a).all()) for a in arrays]
    assert all(finite) or points.reason


LABELLED = {
    "roc": lambda **o: diagnostic.roc([1, 0], [0.1, 0.2], **o),
    "compare_auc": lambda **o: diagnostic.compare_auc([1, 0], [0.1, 0.2], [0.2, 0.1], **o),
    "compare_paired": lambda **o: diagnostic.compare_paired([1, 0], [1, 0], [0, 1], **o),
    "accuracy_table": lambda **o: diagnostic.accuracy_table([1, 0], [1, 0], **o),
    "calibration": lambda **o: diagnostic.calibration([1, 0], [0.1, 0.2], **o),
    "net_benefit": lambda **o: diagnostic.net_benefit([1, 0], [0.1, 0.2], thresholds=[0.1], **o),
    "added_value": lambda **o: diagnostic.added_value([1, 0], [0.1, 0.2], [0.2, 0.1],
                                                      cutoffs=[0.1], **o),
    "begg_greenes": lambda **o: diagnostic.begg_greenes([1, 0], [1, 0], **o),
    "cluster_bootstrap": lambda **o: diagnostic.cluster_bootstrap("auc", [1, 0], [1, 0], seed=1,
                                                                  **o),
}  # fmt: skip


@pytest.mark.parametrize("function", LABELLED)
@pytest.mark.parametrize(
    ("cluster", "message"),
    [(["p"], "one label for each"), (["p", None], "missing"), ([1.0, NAN], "missing")],
)
def test_labels_of_participants_must_be_complete(function, cluster, message):
    with pytest.raises(ValueError, match=message):
        LABELLED[function](cluster=cluster)


@pytest.mark.parametrize("function", LABELLED)
@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_levels_outside_0_and_1_are_refused(function, level):
    with pytest.raises(ValueError, match="level"):
        LABELLED[function](level=level)
