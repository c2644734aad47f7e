import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaluation.agreement import correlation, equivalence, lin_ccc, weighted_ccc, within_tolerance
from evaluation.statistics import bootstrap, clustered_mean

_RNG = np.random.default_rng(8)
_X = np.round(_RNG.normal(5, 2, 40), 1)
_Y = np.round(_X + _RNG.normal(0, 1, 40), 1)


@pytest.mark.parametrize("method", ["pearson", "spearman", "kendall"])
def test_a_correlation_equals_scipy(method):
    peer = {"pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall": stats.kendalltau}
    expected = peer[method](_X, _Y).statistic
    assert correlation(_X, _Y, method=method).value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("method", "variance"),
    [
        ("pearson", lambda r, n: 1 / (n - 3)),
        ("spearman", lambda r, n: (1 + r * r / 2) / (n - 3)),
        ("kendall", lambda r, n: 0.437 / (n - 4)),
    ],
)
def test_a_correlation_has_the_interval_of_bonett_and_wright(method, variance):
    e = correlation(_X, _Y, method=method)
    half = 1.959963984540054 * math.sqrt(variance(e.value, 40))
    assert (e.lower, e.upper) == pytest.approx(
        (math.tanh(math.atanh(e.value) - half), math.tanh(math.atanh(e.value) + half))
    )


@settings(max_examples=15)
@given(st.sampled_from(["spearman", "kendall"]), st.integers(0, 100))
def test_rank_correlations_do_not_change_under_monotone_maps(method, seed):
    x, y = np.random.default_rng(seed).normal(0, 1, (2, 15))
    one, other = correlation(x, y, method=method), correlation(np.exp(x), y**3, method=method)
    assert other.value == pytest.approx(one.value)


@pytest.mark.parametrize("method", ["pearson", "spearman", "kendall"])
def test_a_perfect_correlation_has_no_interval_and_says_why(method):
    e = correlation([1.0, 2, 3, 4, 5, 6], [2.0, 4, 6, 8, 10, 12], method=method)
    assert (e.value, e.lower) == (pytest.approx(1.0), None)
    assert "perfect" in e.reason


def test_too_few_pairs_are_counted_by_method():
    assert "four pairs" in correlation([1.0, 2, 3], [1.0, 3, 2]).reason
    assert "five pairs" in correlation([1.0, 2, 3, 4], [1.0, 3, 2, 4], method="kendall").reason


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_clustered_correlation_resamples_participants(method):
    who = np.arange(40) // 4
    e = correlation(_X, _Y, method=method, subject=who, seed=3)
    assert e.value == pytest.approx(correlation(_X, _Y, method=method).value)
    assert (e.n, e.clusters) == (40, 10)
    assert e.lower < e.value < e.upper
    assert e == correlation(_X, _Y, method=method, subject=who, seed=3)


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_the_weighted_correlation_of_a_draw_is_that_of_the_drawn_pairs(method):
    # One replicate by hand: the interval of one repeated draw is that draw.
    seen = []
    who = np.arange(40) // 4
    child = np.random.SeedSequence(3).spawn(2)
    for seed in child:
        uniform = np.random.default_rng(seed).random(10)
        counts = np.bincount((uniform * 10).astype(int), minlength=10)
        drawn = np.repeat(np.arange(40), counts[who])
        peer = stats.pearsonr if method == "pearson" else stats.spearmanr
        seen.append(peer(_X[drawn], _Y[drawn]).statistic)
    e = correlation(_X, _Y, method=method, subject=who, seed=3, replicates=2, level=0.999999)
    assert sorted(seen) == pytest.approx([e.lower, e.upper], abs=1e-5)


def test_an_unknown_correlation_is_refused():
    with pytest.raises(ValueError, match="choose one of pearson, spearman, kendall"):
        correlation(_X, _Y, method="phi")


def test_clustered_pairs_need_a_seed_and_another_method_than_kendall():
    who = np.arange(40) // 4
    with pytest.raises(ValueError, match="seed"):
        correlation(_X, _Y, subject=who)
    with pytest.raises(ValueError, match="one pair per participant"):
        correlation(_X, _Y, method="kendall", subject=who, seed=1)


def test_clustered_concordance_is_the_bootstrap_of_weighted_concordance():
    who = np.arange(40) // 4
    e = lin_ccc(_X, _Y, subject=who, seed=3)
    plain = bootstrap(lambda w: weighted_ccc(_X, _Y, w), who, seed=3)
    assert (e.value, e.lower, e.upper) == pytest.approx((plain.value, plain.lower, plain.upper))
    assert e.method == "Lin CCC, bca cluster bootstrap"


@settings(max_examples=20)
@given(shift=st.floats(-5, 5), scale=st.floats(0.1, 10))
def test_concordance_does_not_change_when_both_move_together(shift, scale):
    one, other = lin_ccc(_X, _Y), lin_ccc(scale * _X + shift, scale * _Y + shift)
    assert [other.value, other.lower] == pytest.approx([one.value, one.lower], rel=1e-7)


def test_a_shift_alone_lowers_concordance_and_keeps_a_finite_interval():
    e = lin_ccc(np.arange(10.0), np.arange(10.0) + 3)
    assert e.lower <= e.value <= e.upper < 1
    assert e.value == pytest.approx(2 * 8.25 / (2 * 8.25 + 9))


def test_one_constant_variable_has_no_concordance_and_no_interval():
    e = lin_ccc([1.0, 2, 3, 4], [2.0] * 4)
    assert (e.value, e.lower) == (0.0, None)
    assert e.reason


def test_equivalence_of_means_equals_two_t_tests():
    e = equivalence(_X, _Y, margin=0.6)
    lower = stats.ttest_1samp(_X - _Y, -0.6, alternative="greater")
    upper = stats.ttest_1samp(_X - _Y, 0.6, alternative="less")
    assert e.p_value == pytest.approx(max(lower.pvalue, upper.pvalue), rel=1e-9)
    assert e.statistic == pytest.approx(min(lower.statistic, -upper.statistic))
    interval = stats.ttest_1samp(_X - _Y, 0).confidence_interval(0.90)
    assert (e.lower, e.upper) == pytest.approx((interval.low, interval.high))
    assert e.level == pytest.approx(0.90)


@settings(max_examples=25)
@given(margin=st.floats(0.05, 1.5))
def test_the_interval_lies_inside_the_margin_exactly_when_both_tests_reject(margin):
    e = equivalence(_X, _Y, margin=margin)
    assert (-margin < e.lower and e.upper < margin) == (e.p_value < 0.05)


def test_equivalence_of_ratios_is_that_of_logarithms():
    x, y = _X + 10, _Y + 10
    ratio = equivalence(x, y, margin=1.25, log=True)
    plain = equivalence(np.log(x), np.log(y), margin=math.log(1.25))
    assert (ratio.value, ratio.lower) == pytest.approx(
        (math.exp(plain.value), math.exp(plain.lower))
    )
    assert (ratio.p_value, ratio.unit) == (pytest.approx(plain.p_value), "ratio")


def test_equivalence_of_clusters_takes_the_cluster_robust_error():
    who = np.arange(40) // 4
    e, mean = equivalence(_X, _Y, margin=0.6, subject=who), clustered_mean(_X - _Y, who)
    se = (mean.upper - mean.value) / stats.t.ppf(0.975, 9)
    t = (0.6 - abs(mean.value)) / se
    assert (e.statistic, e.p_value) == pytest.approx((t, stats.t.sf(t, 9)))
    assert (e.n, e.clusters) == (40, 10)


def test_a_margin_may_be_given_by_both_bounds():
    both = equivalence(_X, _Y, margin=(-0.6, 0.6))
    assert both == equivalence(_X, _Y, margin=0.6)
    assert equivalence(_X, _Y, margin=(-0.1, 2.0)).p_value > both.p_value


def test_ratios_that_do_not_exist_are_missing():
    e = equivalence([1.0, 0.0, 2, 3], [1.1, 1.0, 2.2, np.nan], margin=1.5, log=True)
    assert (e.n, e.missing) == (2, 2)


def test_equal_differences_are_not_tested_and_say_so():
    e = equivalence([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], margin=1.0)
    assert (e.value, e.p_value) == (0.0, None)
    assert "all differences are equal" in e.reason


def test_one_participant_is_not_tested_and_says_so():
    assert "one participant" in equivalence([1.0], [1.1], margin=1.0).reason
    assert equivalence([], [], margin=1.0).value is None


@pytest.mark.parametrize(
    "bad",
    [
        {"margin": 0.0},
        {"margin": -1.0},
        {"margin": math.nan},
        {"margin": (0.1, 0.5)},
        {"margin": (0.0, 0.5)},
        {"margin": (-0.5, 0.0)},
        {"margin": 0.8, "log": True},
        {"margin": 0.0, "log": True},
        {"margin": (-0.1, 1.2), "log": True},
        {"margin": 1.0, "level": 0.4},
    ],
)
def test_a_margin_without_no_difference_is_refused(bad):
    with pytest.raises(ValueError, match=r"margin|level"):
        equivalence(_X, _Y, **bad)


@pytest.mark.parametrize(
    "bad", [{}, {"absolute": 1.0, "relative": 0.1}, {"absolute": -1.0}, {"relative": math.nan}]
)
def test_a_tolerance_must_be_one_number(bad):
    with pytest.raises(ValueError, match=r"tolerance|exactly one"):
        within_tolerance(_X, _Y, **bad)


def test_the_share_within_a_tolerance_counts_participants_as_clusters():
    e = within_tolerance([1.0, 1, 1, 1], [1.05, 1.2, 1.0, 1.0], absolute=0.1, subject=[1, 1, 2, 3])
    assert (e.value, e.n, e.clusters) == (0.75, 4, 3)


@pytest.mark.parametrize(("difference", "inside"), [(0.1, 1.0), (0.1000001, 0.0)])
def test_a_difference_at_the_tolerance_is_inside(difference, inside):
    assert within_tolerance([0.0], [difference], absolute=0.1).value == inside


def test_a_relative_tolerance_follows_the_size_of_the_first_value():
    e = within_tolerance([-10.0, 10.0, 1.0, 0.0], [-12.0, 8.0, 1.3, 0.0], relative=0.2)
    assert e.value == 0.75


def test_the_largest_one_sided_p_value_is_that_of_the_nearer_margin():
    x = _X - _Y
    shifted = equivalence(_X, _Y, margin=(x.mean() - 0.2, x.mean() + 5))
    assert shifted.statistic == pytest.approx(0.2 / (x.std(ddof=1) / math.sqrt(40)))
    other = equivalence(_X, _Y, margin=(x.mean() - 5, x.mean() + 0.3))
    assert other.statistic == pytest.approx(0.3 / (x.std(ddof=1) / math.sqrt(40)))
