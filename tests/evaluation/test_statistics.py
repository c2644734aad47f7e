import doctest
import importlib
import math
import pkgutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_every_docstring_example_is_true():
    failed = 0
    for module in pkgutil.walk_packages(evaluation.__path__, "evaluation."):
        if module.name.split(".")[1] in {"statistics", "agreement", "diagnostic", "report"}:
            failed += doctest.testmod(importlib.import_module(module.name)).failed
    assert failed == 0
