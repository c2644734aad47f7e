import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaluation.diagnostic import clustered_mcnemar, compare_paired, mcnemar

PREDICTIVE = ("ppv", "npv", "ppv_ratio", "npv_ratio", "lr_positive_ratio", "lr_negative_ratio")


def _calls(seed, clusters=60, size=3):
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(clusters), size)
    own = rng.normal(size=clusters)[group]
    truth = (rng.random(len(group)) < 0.45).astype(int)
    a, b = ((rng.normal(truth * s + 0.8 * own) > 0.5).astype(int) for s in (1.5, 1.0))
    return truth, a, b, group


def test_clustered_difference_of_predictive_values_equals_the_sums_written_out():
    truth, a, b, group = _calls(1)
    e = compare_paired(truth, a, b, cluster=group).ppv
    p, q = truth[a == 1].mean(), truth[b == 1].mean()
    influence = a * (truth - p) / a.sum() - b * (truth - q) / b.sum()
    sums = np.array([influence[group == g].sum() for g in range(60)])
    half = stats.t.ppf(0.975, 59) * math.sqrt(60 / 59 * np.sum(sums**2))
    assert [e.value, e.lower, e.upper] == pytest.approx([p - q, p - q - half, p - q + half])
    pooled = (truth[a == 1].sum() + truth[b == 1].sum()) / (a.sum() + b.sum())
    share = b.sum() / (a.sum() + b.sum())
    score = (truth - pooled) * (b - share * (a + b))
    sums = np.array([score[group == g].sum() for g in range(60)])
    assert e.statistic == pytest.approx(sums.sum() ** 2 / np.sum(sums**2))
    assert e.p_value == pytest.approx(stats.chi2.sf(e.statistic, 1))
    assert "Leisenring" in e.method
    assert (e.n, e.clusters) == (180, 60)


@pytest.mark.parametrize("name", PREDICTIVE)
def test_duplicated_members_leave_clustered_comparisons_unchanged(name):
    truth, a, b, group = _calls(2)
    once = compare_paired(truth, a, b, cluster=group).estimates()[name]
    twice = compare_paired(*(np.tile(v, 2) for v in (truth, a, b)), cluster=np.tile(group, 2))
    twice = twice.estimates()[name]
    assert [once.lower, once.upper, once.statistic] == pytest.approx(
        [twice.lower, twice.upper, twice.statistic]
    )


@pytest.mark.parametrize("name", PREDICTIVE)
def test_clusters_of_one_give_the_plain_comparison(name):
    truth, a, b, _ = _calls(3)
    alone = compare_paired(truth, a, b, cluster=np.arange(len(truth))).estimates()[name]
    assert alone == compare_paired(truth, a, b).estimates()[name]


@pytest.mark.parametrize("name", ["sensitivity", "specificity", *PREDICTIVE])
@pytest.mark.parametrize("clustered", [False, True])
def test_a_test_compared_with_itself_has_no_difference_and_p_1(name, clustered):
    truth, a, _, group = _calls(4)
    options = {"cluster": group} if clustered else {}
    e = compare_paired(truth, a, a, **options).estimates()[name]
    assert e.value == (1.0 if "ratio" in name else 0.0)
    if clustered and name in {"sensitivity", "specificity"}:
        assert (e.statistic, e.p_value) == (None, None)
    else:
        assert e.p_value == 1.0
    if name in PREDICTIVE:
        assert (e.lower, e.flags) == (None, ("no_interval",))
        assert e.reason


@settings(max_examples=25)
@given(st.lists(st.tuples(*[st.integers(0, 1)] * 3), min_size=4, max_size=40))
def test_swapping_tests_turns_every_comparison_around(rows):
    truth, a, b = np.array(rows).T
    one, other = (compare_paired(truth, *pair).estimates() for pair in ((a, b), (b, a)))
    for name, e in one.items():
        turned = other[name]
        assert (e.value is None) == (turned.value is None)
        if e.value is not None and "ratio" in name:
            assert e.value == pytest.approx(1 / turned.value)
        elif e.value is not None:
            assert e.value == pytest.approx(-turned.value)
        if e.p_value is not None:
            assert e.p_value == pytest.approx(turned.p_value)


@settings(max_examples=25)
@given(st.lists(st.tuples(*[st.integers(0, 1)] * 3), min_size=1, max_size=30))
def test_every_comparison_has_a_finite_value_or_a_reason(rows):
    truth, a, b = np.array(rows).T
    for e in compare_paired(truth, a, b).estimates().values():
        numbers = [v for v in (e.lower, e.value, e.upper, e.p_value) if v is not None]
        assert all(math.isfinite(v) for v in numbers)
        assert e.reason or len(numbers) == 4


def test_a_test_that_is_never_positive_says_so():
    r = compare_paired([1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 1, 0])
    for name in ("ppv", "ppv_ratio", "lr_positive_ratio"):
        e = r.estimates()[name]
        assert e.value is None
        assert "first test was never positive" in e.reason
    assert "second test was never negative" in compare_paired([1, 0], [0, 1], [1, 1]).npv.reason


def test_a_test_that_is_never_right_has_no_ratio():
    r = compare_paired([1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0])
    assert r.ppv.value == pytest.approx(-0.5)
    assert "never right when positive" in r.ppv_ratio.reason
    assert "a cell of a test's table is empty" in r.lr_positive_ratio.reason


@pytest.mark.parametrize(("truth", "word"), [(1, "no negative case"), (0, "no observation has")])
def test_one_class_has_no_comparison_of_predictive_values(truth, word):
    r = compare_paired([truth] * 4, [1, 1, 0, 0], [1, 0, 1, 0])
    assert all(word in r.estimates()[name].reason for name in PREDICTIVE)
    assert all(r.estimates()[name].value is None for name in PREDICTIVE)


def test_bounds_of_a_difference_of_predictive_values_stay_within_1():
    e = compare_paired([1, 1, 0, 0, 0], [1, 1, 0, 0, 0], [0, 1, 1, 1, 0]).ppv
    assert e.upper == 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"predictive": "wald"}, "weighted or generalised"),
        ({"test": "fisher"}, "unknown test"),
        ({"test": "chi2", "cluster": ["a", "a", "b", "b"]}, "one unit per participant"),
        ({"level": 2}, "level"),
    ],
)
def test_bad_options_are_refused_with_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        compare_paired([1, 0, 1, 0], [1, 0, 1, 1], [0, 0, 1, 1], **options)


def test_the_plain_test_can_be_chosen():
    truth, a, b = np.ones(10), np.r_[np.ones(7), np.zeros(3)], np.r_[np.ones(2), np.zeros(8)]
    for test in ("exact", "mid_p", "chi2"):
        e = compare_paired(truth, a, b, test=test).sensitivity
        assert e.p_value == mcnemar(5, 0, method=test)[1]
    assert compare_paired(truth, a, b, test="mid_p").sensitivity.method == "Tango, McNemar mid-p"


# Clustered McNemar


def test_mcnemar_refuses_unknown_methods_and_negative_counts():
    with pytest.raises(ValueError, match="unknown method"):
        mcnemar(0, 0, method="yates")
    with pytest.raises(ValueError, match="negative"):
        mcnemar(-1, 3)


def test_eliasziw_without_correlation_is_mcnemar():
    first = np.tile([1, 1, 0, 0, 1, 0], 8)
    second = np.tile([1, 0, 1, 0, 0, 0], 8)
    # Every cluster alike: no variation between them, so the correlation is below 0.
    group = np.repeat(np.arange(8), 6)
    found = clustered_mcnemar(first - second, group, method="eliasziw", first=first)
    assert found[0] == pytest.approx((16 - 8) ** 2 / 24)


def test_eliasziw_of_single_units_is_mcnemar():
    first, second = np.array([1, 1, 1, 0, 1]), np.array([0, 0, 1, 1, 0])
    found = clustered_mcnemar(first - second, np.arange(5), method="eliasziw", first=first)
    assert found[0] == pytest.approx((3 - 1) ** 2 / 4)


def test_eliasziw_of_fully_alike_members_divides_by_their_number():
    # Whole clusters in one cell: correlation 1, so n pairs count as one.
    first = np.repeat([1, 1, 1, 0, 1, 0, 0], 4)
    second = np.repeat([0, 0, 1, 1, 0, 0, 0], 4)
    found = clustered_mcnemar(
        first - second, np.repeat(np.arange(7), 4), method="eliasziw", first=first
    )
    assert found[0] == pytest.approx((12 - 4) ** 2 / 16 / 4)


def test_eliasziw_stands_with_one_discordant_cluster():
    first, second = np.array([1, 1, 0, 0, 1, 1]), np.array([0, 0, 0, 0, 1, 1])
    group = np.array([0, 0, 1, 1, 2, 2])
    found = clustered_mcnemar(first - second, group, method="eliasziw", first=first)
    assert found[0] == pytest.approx(2.0 / 2)


@pytest.mark.parametrize("method", ["obuchowski", "yang", "durkalski", "eliasziw"])
def test_no_discordant_pair_and_one_participant_have_no_statistic(method):
    assert clustered_mcnemar([0, 0, 0], [1, 1, 2], method=method, first=[1, 0, 1]) == (None, None)
    assert clustered_mcnemar([1, 0], [1, 1], method=method, first=[1, 0]) == (None, None)


@pytest.mark.parametrize(
    ("difference", "first", "message"),
    [
        ([1, 0, 2], None, "-1, 0 or 1"),
        ([1, 0, -1], None, "eliasziw needs the first call"),
        ([1, 0, -1], [1, 1], "first call must be 0 or 1"),
        ([1, 0, -1], [0, 1, 0], "contradict"),
    ],
)
def test_clustered_mcnemar_refuses_what_is_no_pair_of_calls(difference, first, message):
    with pytest.raises(ValueError, match=message):
        clustered_mcnemar(difference, [1, 1, 2], method="eliasziw", first=first)


def test_clustered_mcnemar_refuses_unknown_methods_and_lengths():
    with pytest.raises(ValueError, match="durkalski, eliasziw, obuchowski, yang"):
        clustered_mcnemar([1], [1], method="gee")
    with pytest.raises(ValueError, match="same length"):
        clustered_mcnemar([1, 0], [1])


def test_a_ratio_of_1_of_one_participant_is_no_test():
    e = compare_paired([1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], cluster=[7] * 4).ppv_ratio
    assert (e.value, e.p_value, e.lower) == (1.0, None, None)
    assert "one participant only" in e.reason


def test_a_first_call_with_one_bad_code_is_refused():
    with pytest.raises(ValueError, match="first call must be 0 or 1"):
        clustered_mcnemar([1, 0, -1], [1, 1, 2], method="eliasziw", first=[1, 0.5, 0])
