import math

import numpy as np
import pytest
from scipy import optimize

from evaluation.diagnostic import (
    accuracy_table,
    clustered_mcnemar,
    compare_paired,
    mcnemar,
    tango_interval,
)
from tests.evaluation.reference_cases import reference_json


def _units(cell):
    counts = (cell["both_pos"], cell["t1pos_t2neg"], cell["t1neg_t2pos"], cell["both_neg"])
    return np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], counts, axis=0)


@pytest.mark.real_data
def test_paired_differences_equal_dtcompair():
    case = reference_json("paired_binary_paired1.json")
    calls = np.vstack([_units(case["diseased"]), _units(case["nondiseased"])])
    truth = np.repeat([1, 0], [451, 261])
    r = compare_paired(truth, calls[:, 0], calls[:, 1])
    for e, name in ((r.sensitivity, "sensitivity"), (r.specificity, "specificity")):
        expected = case["mcnemar"][name]
        assert e.value == pytest.approx(-expected["diff"])
        assert e.statistic == pytest.approx(expected["test.statistic"])
        assert e.p_value == pytest.approx(expected["p.value"])
        assert e.lower < e.value < e.upper
    cell = case["diseased"]
    exact = mcnemar(cell["t1pos_t2neg"], cell["t1neg_t2pos"], method="exact")[1]
    assert exact == pytest.approx(case["exact"]["sensitivity"]["p.value"])


def _paired1():
    case = reference_json("paired_binary_paired1.json")
    calls = np.vstack([_units(case["diseased"]), _units(case["nondiseased"])])
    return case, np.repeat([1, 0], [451, 261]), *calls.T


@pytest.mark.real_data
@pytest.mark.parametrize("score", ["weighted", "generalised"])
@pytest.mark.parametrize("name", ["ppv", "npv"])
def test_score_tests_of_predictive_values_equal_dtcompair(name, score):
    case, truth, a, b = _paired1()
    e = compare_paired(truth, a, b, predictive=score).estimates()[name]
    expected = case[f"pv_{'weighted_' if score == 'weighted' else ''}generalized_score"][name]
    assert e.value == pytest.approx(-expected["diff"])
    assert e.statistic == pytest.approx(expected["test.statistic"])
    assert e.p_value == pytest.approx(expected["p.value"])
    assert e.lower < e.value < e.upper


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["ppv", "npv"])
def test_relative_predictive_values_equal_dtcompair(name):
    case, truth, a, b = _paired1()
    e = compare_paired(truth, a, b).estimates()[f"{name}_ratio"]
    # The package divides the second test by the first.
    expected = case["relative_pv"][name]
    assert 1 / e.value == pytest.approx(expected[f"r{name}"])
    assert 1 / e.upper == pytest.approx(expected[f"lcl.r{name}"])
    assert 1 / e.lower == pytest.approx(expected[f"ucl.r{name}"])
    assert -e.statistic == pytest.approx(expected["test.statistic"])
    assert e.p_value == pytest.approx(expected["p.value"])


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "key"), [("positive", "pdlr"), ("negative", "ndlr")])
def test_ratios_of_likelihood_ratios_equal_dtcompair(name, key):
    case, truth, a, b = _paired1()
    e = compare_paired(truth, a, b).estimates()[f"lr_{name}_ratio"]
    expected = case["dlr_regression"][key]
    assert [e.value, e.lower, e.upper] == pytest.approx(
        [expected["ratio"], expected["lcl"], expected["ucl"]]
    )
    assert [e.statistic, e.p_value] == pytest.approx(
        [expected["test.statistic"], expected["p.value"]]
    )


@pytest.mark.real_data
@pytest.mark.parametrize("which", [1, 2])
def test_measures_of_each_test_equal_dtcompair(which):
    case, truth, *calls = _paired1()
    table = accuracy_table(truth, calls[which - 1]).estimates()
    expected = case[f"test{which}"]
    for name in ("sensitivity", "specificity", "ppv", "npv"):
        assert table[name].value == pytest.approx(expected[name]["est"])
    for name, key in (("lr_positive", "pdlr"), ("lr_negative", "ndlr")):
        e = table[name]
        assert [e.value, e.lower, e.upper] == pytest.approx(
            [expected[key][k] for k in ("est", "lcl", "ucl")]
        )


def _psychiatry():
    case = reference_json("clustered_mcnemar_psychiatry.json")
    first, second, cluster = [], [], []
    for i, (both, one, other, neither) in enumerate(case["clusters"]):
        first += [1] * (both + one) + [0] * (other + neither)
        second += [1] * both + [0] * one + [1] * other + [0] * neither
        cluster += [i] * (both + one + other + neither)
    return case, np.array(first), np.array(second), np.array(cluster)


@pytest.mark.real_data
@pytest.mark.parametrize("method", ["eliasziw", "obuchowski", "durkalski", "yang"])
def test_clustered_mcnemar_equals_the_published_statistics(method):
    case, first, second, cluster = _psychiatry()
    statistic, p = clustered_mcnemar(first - second, cluster, method=method, first=first)
    assert statistic == pytest.approx(case["chi2"][method])
    assert p == pytest.approx(case["p"][method])


@pytest.mark.real_data
@pytest.mark.parametrize("method", ["eliasziw", "obuchowski", "durkalski", "yang"])
def test_the_clustered_test_of_a_comparison_can_be_chosen(method):
    case, first, second, cluster = _psychiatry()
    truth = np.ones(len(first))
    e = compare_paired(truth, first, second, cluster=cluster, test=method).sensitivity
    assert e.statistic == pytest.approx(case["chi2"][method])
    assert method.capitalize() in e.method


def _score_statistic(b, c, n, difference):
    """The same test by maximising the restricted likelihood numerically."""

    def minus_log_likelihood(q21):
        q12 = q21 + difference
        rest = 1 - q12 - q21
        terms = ((b, q12), (c, q21), (n - b - c, rest))
        return -sum(k * math.log(max(p, 1e-300)) for k, p in terms if k)

    low, high = max(0.0, -difference), (1 - difference) / 2
    q21 = optimize.minimize_scalar(
        minus_log_likelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-12}
    ).x
    variance = n * (2 * q21 + difference * (1 - difference))
    return (b - c - n * difference) / math.sqrt(variance)


@pytest.mark.parametrize(("b", "c", "n"), [(12, 2, 50), (9, 1, 30), (5, 5, 40), (3, 0, 25)])
def test_tango_limits_are_where_the_score_test_reaches_1_96(b, c, n):
    lower, upper = tango_interval(b, c, n)
    assert _score_statistic(b, c, n, lower) == pytest.approx(1.959964, abs=1e-4)
    assert _score_statistic(b, c, n, upper) == pytest.approx(-1.959964, abs=1e-4)


def test_tango_interval_mirrors_when_the_tests_are_swapped():
    one, other = tango_interval(7, 3, 40), tango_interval(3, 7, 40)
    assert one == pytest.approx((-other[1], -other[0]))


@pytest.mark.parametrize(("b", "c"), [(0, 0), (10, 0), (0, 10)])
def test_tango_interval_stands_at_the_edges(b, c):
    lower, upper = tango_interval(b, c, 10)
    assert -1 <= lower <= (b - c) / 10 <= upper <= 1
    assert upper - lower > 0.1


def test_few_discordant_pairs_are_tested_exactly():
    assert mcnemar(1, 7)[0] is None
    assert mcnemar(1, 7)[1] == pytest.approx(2 * (1 + 8) / 2**8)
    assert mcnemar(1, 7, method="mid_p")[1] == pytest.approx((2 * 9 - 8) / 2**8)


def test_gaps_are_counted_and_one_class_says_why():
    r = compare_paired([1, 1, np.nan, 1], [1, 0, 1, np.nan], [0, 0, 1, 1])
    assert (r.sensitivity.n, r.sensitivity.missing) == (2, 2)
    assert r.specificity.value is None
    assert "no negative case" in r.specificity.reason


def test_a_test_compared_with_itself_differs_by_nothing():
    call = [1, 0, 1, 1, 0]
    r = compare_paired([1, 1, 1, 0, 0], call, call)
    assert (r.sensitivity.value, r.sensitivity.p_value) == (0.0, 1.0)


def test_clusters_widen_the_interval_of_a_difference():
    rng = np.random.default_rng(4)
    a, b = (np.repeat(rng.integers(0, 2, 40), 3) for _ in range(2))
    truth, group = np.ones(120), np.repeat(np.arange(40), 3)
    clustered = compare_paired(truth, a, b, cluster=group).sensitivity
    naive = compare_paired(truth, a, b).sensitivity
    assert clustered.upper - clustered.lower > 1.4 * (naive.upper - naive.lower)
    assert clustered.clusters == 40


def test_clusters_without_a_discordant_pair_have_no_interval_of_width_zero():
    e = compare_paired([1, 1, 1], [1, 1, 0], [1, 1, 0], cluster=["a", "a", "b"]).sensitivity
    assert (e.value, e.lower, e.upper) == (0.0, None, None)
    assert "discordant" in e.reason


def test_participants_who_all_differ_alike_have_no_interval_of_width_zero():
    e = compare_paired([1] * 4, [1] * 4, [0] * 4, cluster=["a", "a", "b", "b"]).sensitivity
    assert (e.value, e.lower) == (1.0, None)
    assert "differ alike" in e.reason


@pytest.mark.parametrize(("b", "c", "n"), [(-1, 0, 5), (3, 3, 5), (0, 0, 0)])
def test_impossible_discordant_counts_are_refused(b, c, n):
    with pytest.raises(ValueError, match="discordant counts"):
        tango_interval(b, c, n)


@pytest.mark.real_data
def test_eliasziw_of_specificity_takes_the_first_call_as_it_is_right():
    _, first, second, cluster = _psychiatry()
    e = compare_paired(np.zeros(len(first)), first, second, cluster=cluster, test="eliasziw")
    right = 1 - first
    expected = clustered_mcnemar(second - first, cluster, method="eliasziw", first=right)
    assert (e.specificity.statistic, e.specificity.p_value) == expected


def test_participants_with_the_same_share_of_differences_have_no_interval():
    e = compare_paired([1] * 4, [1] * 4, [0, 1] * 2, cluster=["a", "a", "b", "b"]).sensitivity
    assert (e.value, e.lower) == (0.5, None)
    assert "participants all differ alike" in e.reason
