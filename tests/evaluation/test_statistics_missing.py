import math

import numpy as np
import pytest

from evaluation.statistics import (
    Estimate,
    clustered_proportion,
    proportion_interval,
    rubin,
    tipping_point,
    worst_and_best_case,
)


def _pool(values, variances, **more):
    return rubin(values, variances, n=100, clusters=100, missing=10, **more)


def test_rubin_pools_as_the_formulas_written_out():
    q, u = [1.0, 1.4, 1.2, 1.6], [0.10, 0.12, 0.08, 0.10]
    p = _pool(q, u, complete_df=97)
    between = float(np.var(q, ddof=1))
    total = 0.1 + 1.25 * between
    share = 1.25 * between / total
    old, observed = 3 / share**2, 98 / 100 * 97 * (1 - share)
    df = old * observed / (old + observed)
    r = 1.25 * between / 0.1
    assert (p.estimate.value, p.within, p.between) == pytest.approx((1.3, 0.1, between))
    assert (p.df, p.relative_increase) == pytest.approx((df, r))
    assert p.fraction_missing == pytest.approx((r + 2 / (df + 3)) / (1 + r))
    assert p.estimate.missing == 10


def test_without_a_complete_df_the_degrees_of_freedom_are_rubins():
    assert _pool([1.0, 2.0], [1.0, 1.0]).df == pytest.approx(1 / (0.75 / 1.75) ** 2)


def test_imputations_that_agree_add_nothing():
    p = _pool([0.5] * 5, [0.01] * 5)
    assert (p.relative_increase, p.df) == (0.0, math.inf)
    assert p.estimate.upper == pytest.approx(0.5 + 1.959963985 * 0.1)


def test_more_imputations_of_the_same_spread_narrow_the_interval():
    few, many = (_pool([0.4, 0.6] * k, [0.01] * 2 * k).estimate for k in (1, 20))
    assert many.upper - many.lower < few.upper - few.lower


def test_one_imputation_has_no_interval_and_says_why():
    e = _pool([0.5], [0.01]).estimate
    assert (e.value, e.lower) == (0.5, None)
    assert "one imputation" in e.reason


def test_no_variance_within_nor_between_is_flagged():
    p = _pool([0.5, 0.5], [0.0, 0.0])
    assert p.estimate.flags == ("no_variation",)
    assert p.fraction_missing == pytest.approx(0.0)


def test_no_variance_within_leaves_all_information_missing():
    p = _pool([0.4, 0.6], [0.0, 0.0])
    assert (p.relative_increase, p.fraction_missing) == (math.inf, 1.0)


@pytest.mark.parametrize(
    "bad", [([], []), ([1.0], [1.0, 2.0]), ([math.nan, 1.0], [1, 1]), ([1.0, 1.0], [1, -1])]
)
def test_impossible_imputations_are_refused(bad):
    with pytest.raises(ValueError, match=r"length|finite"):
        _pool(*bad)


def test_a_complete_df_of_zero_is_refused():
    with pytest.raises(ValueError, match="complete_df"):
        _pool([1.0, 2.0], [1.0, 1.0], complete_df=0)


def test_worst_and_best_case_count_every_unknown_outcome():
    worst, best = worst_and_best_case(80, 90, 10)
    assert (worst.lower, worst.upper) == (
        proportion_interval(80, 100).lower,
        proportion_interval(80, 100).upper,
    )
    assert best.value == 0.9
    assert (worst.flags, best.flags) == (("worst_case",), ("best_case",))


def test_worst_and_best_case_of_clusters_keep_the_cluster_interval():
    worst, best = worst_and_best_case([1, 2, 0], [2, 2, 1], [1, 0, 2])
    by_hand = clustered_proportion([2, 2, 2], [3, 2, 3])
    assert (best.lower, best.upper) == (by_hand.lower, by_hand.upper)
    assert (worst.value, worst.n, worst.clusters) == (3 / 8, 8, 3)


@pytest.mark.parametrize("bad", [(1, 2, -1), (3, 2, 1), ([1], [2], [1, 1])])
def test_impossible_unknown_outcomes_are_refused(bad):
    with pytest.raises(ValueError, match=r"negative|between|length"):
        worst_and_best_case(*bad)


def _shifted(delta):
    return Estimate(0.9 - delta, 0.85 - delta, 0.95 - delta, 0.95, 10, 10, 0, "shifted")


def test_the_tipping_point_is_the_first_delta_that_reaches_the_bound():
    t = tipping_point(_shifted, [0.0, 0.02, 0.05, 0.1], bound=0.80, side="lower")
    assert t.delta == 0.05
    assert (len(t.estimates), t.deltas) == (4, (0.0, 0.02, 0.05, 0.1))


@pytest.mark.parametrize(("side", "bound"), [("lower", 0.85), ("upper", 0.95)])
def test_an_interval_that_touches_the_bound_has_tipped(side, bound):
    assert tipping_point(_shifted, [0.0], bound=bound, side=side).delta == 0.0


def test_the_upper_end_is_watched_for_a_conclusion_from_above():
    t = tipping_point(_shifted, [0.0, -0.02, -0.06], bound=1.0, side="upper")
    assert t.delta == -0.06


def test_a_conclusion_that_never_tips_says_up_to_where():
    t = tipping_point(_shifted, [0.0, 0.01], bound=0.5, side="lower")
    assert t.delta is None
    assert "from 0 to 0.01" in t.reason


def test_a_delta_without_an_interval_ends_the_search():
    def lost(delta):
        return Estimate(0.9, 0.85 if delta < 1 else None, None, 0.95, 10, 10, 0, "x")

    t = tipping_point(lost, [0.0, 1.0, 2.0], bound=0.5, side="lower")
    assert (t.delta, t.reason) == (None, "no interval at delta 1")


@pytest.mark.parametrize(
    "bad",
    [
        {"deltas": []},
        {"deltas": [0.0, 0.0]},
        {"deltas": [0.0, 2.0, 1.0]},
        {"deltas": [math.nan]},
        {"side": "both"},
        {"bound": math.inf},
    ],
)
def test_impossible_searches_are_refused(bad):
    request = {"deltas": [0.0, 1.0], "bound": 0.5, "side": "lower"} | bad
    deltas = request.pop("deltas")
    with pytest.raises(ValueError, match=r"delta|side"):
        tipping_point(_shifted, deltas, **request)


def test_tables_without_a_variance_of_their_own_have_a_value_and_no_interval():
    p = rubin([0.1, 0.2, 0.3], [0.0] * 3, n=6, clusters=2, missing=2, complete_df=1)
    assert (p.estimate.lower, p.estimate.upper, p.df) == (None, None, 0.0)
    assert "no degree of freedom" in p.estimate.reason
