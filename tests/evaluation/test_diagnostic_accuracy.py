import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaluation.diagnostic import INDETERMINATE, accuracy_table
from tests.evaluation.reference_cases import reference_json

RATIOS = ("lr_positive", "lr_negative", "diagnostic_odds_ratio", "youden")


def _units(tp, fp, fn, tn):
    truth = [1] * tp + [0] * fp + [1] * fn + [0] * tn
    call = [1] * (tp + fp) + [0] * (fn + tn)
    return np.array(truth), np.array(call)


def _scott(**options):
    case = reference_json("diagnostic_2x2_scott_2008.json")
    units = _units(case["tp"], case["fp"], case["fn"], case["tn"])
    return case, accuracy_table(*units, **options)


@pytest.mark.real_data
def test_proportions_equal_scott_2008():
    case, table = _scott(method="clopper_pearson")
    assert (table.tp, table.fp, table.fn, table.tn) == (670, 202, 74, 640)
    for name, key in (("sensitivity", "se"), ("specificity", "sp"), ("ppv", "ppv"),
                      ("npv", "npv"), ("accuracy", "accuracy")):  # fmt: skip
        e = table.estimates()[name]
        assert [e.value, e.lower, e.upper] == pytest.approx(case[key], rel=1e-9)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "key"),
    [("lr_positive", "lr_pos"), ("lr_negative", "lr_neg"), ("diagnostic_odds_ratio", "dor")],
)
def test_ratios_equal_scott_2008(name, key):
    case, table = _scott()
    e = table.estimates()[name]
    assert [e.value, e.lower, e.upper] == pytest.approx(case[key], rel=1e-9)


@pytest.mark.real_data
def test_youden_interval_lies_within_the_sum_of_limits_that_epir_prints():
    case, table = _scott(method="clopper_pearson")
    value, low, high = case["youden"]
    parts = (table.sensitivity, table.specificity)
    assert sum(e.lower for e in parts) - 1 == pytest.approx(low, rel=1e-9)
    assert sum(e.upper for e in parts) - 1 == pytest.approx(high, rel=1e-9)
    assert table.youden.value == pytest.approx(value, rel=1e-9)
    assert low < table.youden.lower < value < table.youden.upper < high


def test_youden_interval_squares_and_adds():
    table = accuracy_table(*_units(40, 12, 10, 60))
    se, sp, youden = table.sensitivity, table.specificity, table.youden
    low = math.hypot(se.value - se.lower, sp.value - sp.lower)
    high = math.hypot(se.upper - se.value, sp.upper - sp.value)
    assert [youden.lower, youden.upper] == pytest.approx([youden.value - low, youden.value + high])


def test_missing_reference_and_missing_call_are_counted_apart():
    table = accuracy_table([1, np.nan, 0, 0], [1, 1, np.nan, 0])
    assert (table.missing_reference, table.missing_index) == (1, 1)
    assert (table.accuracy.n, table.accuracy.missing, table.lr_positive.missing) == (2, 2, 2)


@pytest.mark.parametrize(
    ("handling", "cells", "missing"),
    [
        ("excluded", (1, 0, 1, 1), 4),
        ("positive", (3, 1, 1, 1), 1),
        ("negative", (1, 0, 3, 2), 1),
        ("wrong", (1, 1, 3, 1), 1),
    ],
)
def test_indeterminate_calls_are_counted_and_handled_as_asked(handling, cells, missing):
    truth = [1, 1, 1, 1, 0, 0, np.nan]
    call = [1, 0, INDETERMINATE, INDETERMINATE, INDETERMINATE, 0, INDETERMINATE]
    table = accuracy_table(truth, call, indeterminate=handling)
    assert (table.tp, table.fp, table.fn, table.tn) == cells
    assert (table.indeterminate_with_condition, table.indeterminate_without_condition) == (2, 1)
    assert (table.indeterminate, table.handling) == (3, handling)
    assert (table.missing_reference, table.missing_index) == (1, 0)
    assert table.accuracy.missing == missing


@pytest.mark.parametrize("prevalence", [0.03, 0.2, 0.9])
def test_predictive_values_at_a_prevalence_follow_mercaldo(prevalence):
    tp, fp, fn, tn = 45, 15, 5, 85
    table = accuracy_table(*_units(tp, fp, fn, tn), prevalence=prevalence)
    se, sp, n1, n0 = tp / 50, tn / 100, 50, 100
    z = 1.959963984540054
    for e, odds, variance in (
        (table.ppv, se * prevalence / ((1 - sp) * (1 - prevalence)),
         (1 - se) / se / n1 + sp / (1 - sp) / n0),
        (table.npv, sp * (1 - prevalence) / ((1 - se) * prevalence),
         se / (1 - se) / n1 + (1 - sp) / sp / n0),
    ):  # fmt: skip
        bounds = [math.log(odds) + k * z * math.sqrt(variance) for k in (-1, 0, 1)]
        expected = [1 / (1 + math.exp(-b)) for b in bounds]
        assert [e.lower, e.value, e.upper] == pytest.approx(expected)
        assert f"prevalence {1 - prevalence if e is table.npv else prevalence:g}" in e.method


def test_at_the_observed_prevalence_predictive_values_are_the_plain_ones():
    units = _units(30, 8, 10, 52)
    plain, at = accuracy_table(*units), accuracy_table(*units, prevalence=0.4)
    assert [at.ppv.value, at.npv.value] == pytest.approx([plain.ppv.value, plain.npv.value])
    assert at.prevalence == plain.prevalence


def test_no_false_positive_leaves_a_lower_bound_and_no_value():
    table = accuracy_table(*_units(18, 0, 2, 30))
    e = table.lr_positive
    # Clopper-Pearson: sensitivity at least .683, false positive rate at most .116.
    bound = stats.beta.ppf(0.025, 18, 3) / stats.beta.ppf(0.975, 1, 30)
    assert (e.value, e.upper, e.flags) == (None, None, ("not_estimable", "one_sided"))
    assert e.lower == pytest.approx(bound)
    assert f"at least {bound:.3g}" in e.reason
    assert "95%" in e.reason
    odds = stats.beta.ppf(0.025, 18, 3)
    fall = stats.beta.ppf(0.975, 1, 30)
    expected = odds / (1 - odds) / (fall / (1 - fall))
    assert table.diagnostic_odds_ratio.lower == pytest.approx(expected)
    assert table.diagnostic_odds_ratio.value is None


def test_no_false_negative_leaves_an_upper_bound_of_a_ratio_of_0():
    e = accuracy_table(*_units(20, 4, 0, 26)).lr_negative
    bound = stats.beta.ppf(0.975, 1, 20) / stats.beta.ppf(0.025, 26, 5)
    assert (e.value, e.lower, e.flags, e.reason) == (0.0, 0.0, ("one_sided",), "")
    assert e.upper == pytest.approx(bound)


def test_zero_cells_of_one_participant_leave_no_bound():
    none = accuracy_table([1, 1, 0, 0], [1, 1, 1, 0], cluster=[7] * 4).lr_negative
    assert (none.value, none.lower, none.upper) == (0.0, 0.0, None)
    assert "one participant only" in none.reason
    infinite = accuracy_table([1, 1, 0, 0], [1, 0, 0, 0], cluster=[7] * 4).lr_positive
    assert (infinite.value, infinite.lower) == (None, None)
    assert "no upper bound" in infinite.reason


@pytest.mark.parametrize(
    ("cells", "name", "word"),
    [
        ((0, 0, 5, 9), "lr_positive", "never positive"),
        ((5, 9, 0, 0), "lr_negative", "never negative"),
        ((0, 0, 5, 9), "diagnostic_odds_ratio", "0/0"),
        ((0, 9, 5, 0), "lr_positive", ""),
    ],
)
def test_empty_rows_and_columns_are_told_apart(cells, name, word):
    e = accuracy_table(*_units(*cells)).estimates()[name]
    assert (e.value is None) == bool(word)
    assert word in e.reason


def test_a_predictive_value_of_1_keeps_its_lower_bound():
    table = accuracy_table(*_units(18, 0, 2, 30), prevalence=0.1)
    bound = table.lr_positive.lower
    assert (table.ppv.value, table.ppv.upper, table.ppv.reason) == (1.0, 1.0, "")
    assert table.ppv.lower == pytest.approx(bound / (9 + bound))


def test_one_sided_bounds_err_no_more_often_than_they_say():
    n, p1, p0 = 15, 0.8, 0.08
    weight = [stats.binom.pmf(np.arange(n + 1), n, p) for p in (p1, p0)]
    wrong = 0.0
    for tp in range(n + 1):
        e = accuracy_table(*_units(tp, 0, n - tp, n)).lr_positive
        if e.lower is not None and e.lower > p1 / p0:
            wrong += weight[0][tp] * weight[1][0]
    assert wrong <= 0.05


def test_without_a_negative_case_specificity_and_npv_say_why():
    table = accuracy_table([1, 1, 1], [1, 0, 1])
    for name in ("specificity", "npv", *RATIOS):
        e = table.estimates()[name]
        assert (e.value, e.lower, e.upper) == (None, None, None)
        assert "no negative case" in e.reason
    assert table.sensitivity.value == pytest.approx(2 / 3)
    assert (table.ppv.value, table.ppv.flags[-1]) == (1.0, "by_construction")
    assert "by construction" in table.ppv.reason


def test_without_a_positive_case_sensitivity_and_ppv_say_why():
    table = accuracy_table([0, 0, 0], [1, 0, 0])
    for name in ("sensitivity", "ppv", *RATIOS):
        e = table.estimates()[name]
        assert e.value is None
        assert "no observation has the target condition" in e.reason
    assert "by_construction" in table.npv.flags
    assert table.specificity.value == pytest.approx(2 / 3)


def test_a_single_case_has_only_the_measures_of_its_class():
    table = accuracy_table([1], [1])
    assert "by_construction" in table.ppv.flags
    assert "no negative case" in table.npv.reason


def test_no_case_at_all_is_not_estimable():
    table = accuracy_table([], [])
    assert all(e.value is None and e.reason for e in table.estimates().values())


def test_clustered_accuracy_counts_participants():
    table = accuracy_table([1, 1, 0, 1], [1, 0, 0, 1], cluster=["a", "a", "b", "c"])
    assert (table.sensitivity.n, table.sensitivity.clusters) == (3, 2)


def _clustered(seed, clusters=60, size=3):
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(clusters), size)
    own = rng.normal(size=clusters)[group]
    truth = (rng.random(len(group)) < 0.5).astype(int)
    call = (rng.normal(truth * 1.2 + own) > 0.6).astype(int)
    return truth, call, group


def test_clustered_ratio_equals_the_delta_method_written_out():
    truth, call, group = _clustered(2)
    e = accuracy_table(truth, call, cluster=group).lr_positive
    x = np.array([[(call * truth)[group == g].sum(), truth[group == g].sum(),
                   (call * (1 - truth))[group == g].sum(), (1 - truth)[group == g].sum()]
                  for g in np.unique(group)], dtype=float)  # fmt: skip
    k, total = len(x), x.sum(axis=0)
    covariance = k * np.cov(x.T, ddof=1)  # of the four sums
    gradient = np.array([1, -1, -1, 1]) / total
    half = stats.t.ppf(0.975, k - 1) * math.sqrt(gradient @ covariance @ gradient)
    assert [math.log(e.lower), math.log(e.upper)] == pytest.approx(
        [math.log(e.value) - half, math.log(e.value) + half]
    )


@pytest.mark.parametrize("name", ["diagnostic_odds_ratio", "youden"])
def test_clustered_odds_ratio_and_youden_equal_the_delta_method(name):
    truth, call, group = _clustered(5)
    e = accuracy_table(truth, call, cluster=group).estimates()[name]
    x = np.array([[(call * truth)[group == g].sum(), ((1 - call) * truth)[group == g].sum(),
                   (call * (1 - truth))[group == g].sum(),
                   ((1 - call) * (1 - truth))[group == g].sum()]
                  for g in np.unique(group)], dtype=float)  # fmt: skip
    k, (tp, fn, fp, tn) = len(x), x.sum(axis=0)
    covariance = k * np.cov(x.T, ddof=1)
    if name == "youden":
        positives, negatives = tp + fn, fp + tn
        gradient = (
            np.array([fn, -tp, 0, 0]) / positives**2 + np.array([0, 0, -tn, fp]) / negatives**2
        )
    else:
        gradient = np.array([1 / tp, -1 / fn, -1 / fp, 1 / tn])
    half = stats.t.ppf(0.975, k - 1) * math.sqrt(gradient @ covariance @ gradient)
    bounds = [e.lower, e.value, e.upper]
    if name == "diagnostic_odds_ratio":
        bounds = [math.log(v) for v in bounds]
    assert bounds == pytest.approx([bounds[1] - half, bounds[1], bounds[1] + half])
    assert "cluster-robust t" in e.method


def test_clusters_of_one_give_the_plain_table():
    truth, call, _ = _clustered(3)
    alone = accuracy_table(truth, call, cluster=np.arange(len(truth)))
    assert alone == accuracy_table(truth, call)


def test_duplicated_members_leave_clustered_ratios_unchanged():
    truth, call, group = _clustered(4)
    once = accuracy_table(truth, call, cluster=group)
    twice = accuracy_table(*(np.tile(v, 2) for v in (truth, call)), cluster=np.tile(group, 2))
    for name in RATIOS:
        one, two = once.estimates()[name], twice.estimates()[name]
        assert [one.value, one.lower, one.upper] == pytest.approx([two.value, two.lower, two.upper])


def test_one_participant_has_ratios_without_interval():
    table = accuracy_table([1, 1, 0, 0], [1, 0, 1, 0], cluster=["a"] * 4)
    for name in RATIOS:
        e = table.estimates()[name]
        assert e.value is not None
        assert (e.lower, e.upper) == (None, None)
        assert "one participant only" in e.reason


cells = st.tuples(*[st.integers(0, 12)] * 4)


@settings(max_examples=25)
@given(cells)
def test_swapping_classes_and_calls_mirrors_the_table(counts):
    truth, call = _units(*counts)
    one, other = accuracy_table(truth, call), accuracy_table(1 - truth, 1 - call)
    assert one.sensitivity.value == other.specificity.value
    assert one.ppv.value == other.npv.value
    ratio, inverse = one.lr_positive, other.lr_negative
    if ratio.value and inverse.value and inverse.upper is not None:
        assert ratio.value == pytest.approx(1 / inverse.value)
        assert ratio.lower == pytest.approx(1 / inverse.upper)


@settings(max_examples=25)
@given(cells)
def test_every_measure_has_a_value_within_its_bounds_or_a_reason(counts):
    table = accuracy_table(*_units(*counts), prevalence=0.3)
    for e in table.estimates().values():
        numbers = [v for v in (e.lower, e.value, e.upper) if v is not None]
        assert all(math.isfinite(v) for v in numbers)
        assert all(a <= b + 1e-12 for a, b in itertools.pairwise(numbers))
        assert len(numbers) == 3 or e.reason


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([2, 1], [1, 1]), {}, "truth must be 0 or 1"),
        (([1, 0], [0.7, 1]), {}, "call must be 0, 1 or INDETERMINATE"),
        (([1, 0], [1]), {}, "same length"),
        (([1, 0], [1, 0]), {"cluster": ["a"]}, "cluster needs one label"),
        (([1, 0], [1, 0]), {"cluster": ["a", None]}, "cluster of observation 1 is missing"),
        (([1, 0], [1, 0]), {"prevalence": 1.0}, "prevalence"),
        (([1, 0], [1, 0]), {"indeterminate": "ignored"}, "excluded, positive, negative, wrong"),
        (([1, 0], [1, 0]), {"method": "wald"}, "unknown method"),
        (([1, 0], [1, 0]), {"level": 95}, "level"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        accuracy_table(*arguments, **options)


def test_clustered_bounds_of_youden_stay_within_1():
    truth, call = [1, 1, 0, 0, 1, 0], [1, 1, 0, 0, 0, 0]
    youden = accuracy_table(truth, call, cluster=["a", "a", "a", "b", "b", "c"]).youden
    assert (youden.upper, youden.value) == (1.0, pytest.approx(2 / 3))
    mirrored = accuracy_table(truth, np.subtract(1, call), cluster=[1, 1, 1, 2, 2, 3]).youden
    assert mirrored.lower == -1.0
