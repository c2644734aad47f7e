import doctest
import importlib
import math
import pkgutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import evaluation
from evaluation.statistics import (
    clustered_mean,
    clustered_proportion,
    count_by_cluster,
    mean_interval,
    proportion_interval,
    quantile_intervals,
)
from tests.evaluation.reference_cases import reference_json


@pytest.mark.real_data
@pytest.mark.parametrize("method", ["wilson", "wilson_cc", "clopper_pearson"])
def test_proportion_intervals_equal_r(method):
    for case in reference_json("proportion_ci.json")["expected"]:
        e = proportion_interval(case["x"], case["n"], method=method)
        assert (e.lower, e.upper) == pytest.approx(case[method], rel=1e-9)


def test_wilson_interval_equals_newcombe_1998():
    e = proportion_interval(81, 263)
    assert (round(e.lower, 4), round(e.upper, 4)) == (0.2553, 0.3662)


@given(n=st.integers(1, 400), share=st.floats(0, 1), method=st.sampled_from(["wilson", "wilson_cc", "clopper_pearson"]))  # fmt: skip
def test_interval_holds_its_estimate_and_stays_within_0_and_1(n, share, method):
    e = proportion_interval(round(share * n), n, method=method)
    assert 0 <= e.lower <= e.value <= e.upper <= 1


@given(n=st.integers(1, 200), share=st.floats(0, 1))
def test_interval_of_failures_mirrors_interval_of_successes(n, share):
    x = round(share * n)
    one, other = proportion_interval(x, n), proportion_interval(n - x, n)
    assert (one.lower, one.upper) == pytest.approx((1 - other.upper, 1 - other.lower), abs=1e-12)


def test_an_empty_denominator_gives_no_number_but_a_reason():
    e = proportion_interval(0, 0)
    assert e.value is None
    assert e.reason == "no observation"
    assert not e.estimable


@pytest.mark.parametrize("bad", [(3, 2, "wilson"), (-1, 2, "wilson"), (1, 2, "wald")])
def test_impossible_counts_and_unknown_methods_are_refused(bad):
    with pytest.raises(ValueError, match=r"successes|method"):
        proportion_interval(bad[0], bad[1], method=bad[2])


def test_clusters_of_one_give_the_wilson_interval():
    assert clustered_proportion([1, 0, 1, 1], [1, 1, 1, 1]) == proportion_interval(3, 4)


def test_cluster_variance_equals_the_ratio_estimator_written_out():
    x, m = np.array([3, 0, 2, 1]), np.array([4, 1, 2, 3])
    e = clustered_proportion(x, m)
    p = 6 / 10
    se = math.sqrt(4 / 3 * ((3 - 4 * p) ** 2 + p**2 + (2 - 2 * p) ** 2 + (1 - 3 * p) ** 2)) / 10
    half = 3.182446305284263 * se / (p * (1 - p))  # t with 3 degrees of freedom
    logit = math.log(p / (1 - p))
    expected = [1 / (1 + math.exp(-(logit + sign * half))) for sign in (-1, 1)]
    assert [e.lower, e.upper] == pytest.approx(expected, rel=1e-9)
    assert (e.n, e.clusters) == (10, 4)


def test_duplicating_every_member_leaves_the_cluster_interval_unchanged():
    x, m = np.array([1, 2, 0, 3, 2]), np.array([2, 2, 3, 3, 4])
    one, doubled = clustered_proportion(x, m), clustered_proportion(2 * x, 2 * m)
    assert (one.lower, one.upper) == pytest.approx((doubled.lower, doubled.upper))


def test_all_positive_clusters_fall_back_to_the_number_of_participants():
    e = clustered_proportion([2, 3, 1], [2, 3, 1])
    exact = proportion_interval(3, 3, method="clopper_pearson")
    assert (e.value, e.lower, e.n, e.clusters) == (1.0, exact.lower, 6, 3)
    assert "boundary" in e.flags


def test_equal_proportions_in_all_clusters_do_not_give_an_interval_of_width_zero():
    e = clustered_proportion([1, 1], [2, 2])
    assert e.lower < 0.5 < e.upper
    assert "no_between_cluster_variance" in e.flags


def test_one_cluster_has_a_value_but_no_interval():
    e = clustered_proportion([2], [3])
    assert e.value == pytest.approx(2 / 3)
    assert e.lower is None
    assert "one participant" in e.reason


def test_clustered_interval_covers_the_truth_about_as_often_as_it_says():
    rng, hits = np.random.default_rng(11), 0
    for _ in range(400):
        sizes = rng.integers(1, 5, 60)
        x = rng.binomial(sizes, rng.beta(6, 3, 60))
        e = clustered_proportion(x, sizes)
        hits += e.lower <= 6 / 9 <= e.upper
    assert 0.91 <= hits / 400 <= 0.985


def test_count_by_cluster_counts_each_label():
    x, m = count_by_cluster([True, False, True], ["b", "a", "b"])
    assert (x.tolist(), m.tolist()) == ([0, 2], [1, 2])


def test_mean_interval_equals_student_by_hand():
    e = mean_interval([1.0, 2.0, 3.0, 4.0, float("nan")])
    half = 3.182446305284263 * math.sqrt(5 / 3) / 2
    assert (e.value, e.lower, e.upper) == pytest.approx((2.5, 2.5 - half, 2.5 + half))
    assert (e.n, e.missing) == (4, 1)


def test_infinite_values_are_refused():
    with pytest.raises(ValueError, match="infinite"):
        mean_interval([1.0, float("inf")])


def test_clustered_mean_of_single_members_is_the_plain_mean():
    values = [1.0, 4.0, 2.0]
    one, plain = clustered_mean(values, [1, 2, 3]), mean_interval(values)
    assert (one.lower, one.upper) == (plain.lower, plain.upper)


def test_clustered_mean_widens_when_members_agree():
    values = np.repeat([1.0, 4.0, 2.0, 7.0], 3)
    clustered = clustered_mean(values, np.repeat(np.arange(4), 3))
    assert clustered.upper - clustered.lower > 1.5 * (
        mean_interval(values).upper - mean_interval(values).lower
    )


def test_median_interval_takes_the_order_statistics_of_conover():
    e = quantile_intervals(np.arange(1.0, 21.0), [0.5])[0]
    assert (e.value, e.lower, e.upper) == (10.5, 6.0, 15.0)


def test_extreme_quantile_of_few_values_has_no_interval_and_says_why():
    e = quantile_intervals([1.0, 2.0, 3.0], [0.975])[0]
    assert e.lower is None
    assert "too few" in e.reason


def test_duplicating_members_halves_the_naive_variance_but_not_that_of_clusters():
    values = np.random.default_rng(6).normal(0, 1, 200)
    twice, who = np.repeat(values, 2), np.repeat(np.arange(200), 2)
    naive, once, clustered = mean_interval(twice), mean_interval(values), clustered_mean(twice, who)
    assert clustered.upper - clustered.lower == pytest.approx(once.upper - once.lower)
    assert ((naive.upper - naive.lower) / (once.upper - once.lower)) ** 2 == pytest.approx(
        0.5, rel=0.02
    )


def test_clustered_mean_equals_its_formula_by_hand():
    e = clustered_mean([1.0, 3.0, 2.0, 6.0, np.nan], ["a", "a", "b", "c", "c"])
    se = math.sqrt(3 / 2 * ((1 + 3 - 6) ** 2 + (2 - 3) ** 2 + (6 - 3) ** 2)) / 4
    half = 4.302652729911275 * se  # t with 2 degrees of freedom
    assert (e.value, e.lower, e.upper) == pytest.approx((3.0, 3 - half, 3 + half))
    assert (e.n, e.clusters, e.missing, e.method) == (4, 3, 1, "cluster-robust t")


def test_one_cluster_or_one_observation_has_a_mean_without_an_interval():
    assert clustered_mean([1.0, 3.0], ["a", "a"]).flags == ("one_cluster",)
    lone = mean_interval([4.0])
    assert (lone.value, lone.lower, lone.flags) == (4.0, None, ("one_observation",))
    assert mean_interval([math.nan]).reason == "no observation"


def test_equal_values_have_an_interval_of_no_length_and_say_so():
    assert mean_interval([0.1] * 7).flags == ("no_variation",)
    e = clustered_mean([0.1] * 7, [1, 1, 2, 2, 3, 3, 3])
    assert e.lower == e.upper == pytest.approx(0.1)
    assert e.flags == ("no_variation",)
    assert mean_interval([1.0, 2.0]).flags == ()


@pytest.mark.parametrize(
    ("values", "cluster"),
    [([1.0, 2.0], ["a"]), ([1.0, 2.0], ["a", None]), ([1.0, math.inf], ["a", "b"])],
)
def test_impossible_clusters_are_refused(values, cluster):
    with pytest.raises(ValueError, match=r"length|missing|infinite"):
        clustered_mean(values, cluster)


def test_quantile_intervals_hold_at_least_their_level():
    for n in (20, 57, 100):
        e = quantile_intervals(np.arange(1.0, n + 1), [0.3])[0]
        low, high = round(e.lower), round(e.upper)
        assert stats.binom.cdf(high - 1, n, 0.3) - stats.binom.cdf(low - 1, n, 0.3) >= 0.95
        assert e.value == pytest.approx(np.quantile(np.arange(1.0, n + 1), 0.3))


@pytest.mark.parametrize("p", [0.0, 1.0, -0.1])
def test_a_quantile_outside_0_and_1_is_refused(p):
    with pytest.raises(ValueError, match="probabilities"):
        quantile_intervals([1.0, 2.0], [p])


def test_the_logit_interval_is_normal_on_its_scale():
    e = proportion_interval(81, 263, method="logit")
    half = 1.959963984540054 / math.sqrt(263 * 81 / 263 * 182 / 263)
    centre = math.log(81 / 182)
    expected = [1 / (1 + math.exp(-(centre + sign * half))) for sign in (-1, 1)]
    assert [e.lower, e.upper] == pytest.approx(expected)


@pytest.mark.parametrize("x", [0, 9])
def test_the_logit_interval_does_not_exist_at_the_boundary_and_says_so(x):
    e = proportion_interval(x, 9, method="logit")
    assert (e.value, e.lower, e.upper) == (x / 9, None, None)
    assert e.flags == ("boundary", "no_interval")
    assert "infinite" in e.reason


@pytest.mark.parametrize(
    "bad",
    [([1, 2], [2]), ([-1], [2]), ([3], [2]), ([0.5], [2]), ([1], [math.nan]), ([1], [math.inf])],
)
def test_impossible_counts_of_clusters_are_refused(bad):
    with pytest.raises(ValueError, match=r"length|cluster|whole"):
        clustered_proportion(*bad)


@pytest.mark.parametrize(
    "bad", [([2, 0], ["a", "b"]), ([math.nan, 1.0], ["a", "b"]), ([1], ["a", "b"])]
)
def test_outcomes_must_be_0_or_1_with_a_cluster_each(bad):
    with pytest.raises(ValueError, match=r"0 or 1|one label"):
        count_by_cluster(*bad)


def test_empty_clusters_are_ignored():
    assert clustered_proportion([1, 0, 2], [2, 0, 3]) == clustered_proportion([1, 2], [2, 3])


def test_every_docstring_example_is_true():
    failed = 0
    for module in pkgutil.walk_packages(evaluation.__path__, "evaluation."):
        if module.name.split(".")[1] in {"statistics", "agreement", "diagnostic", "report"}:
            failed += doctest.testmod(importlib.import_module(module.name)).failed
    assert failed == 0
