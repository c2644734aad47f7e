import numpy as np
import pytest
from scipy import stats

from evaluation.statistics import SumStatistic, bootstrap, mean_interval, resampling
from evaluation.statistics.acceleration import ResamplingDesign, bca_tails, jackknife_groups


def _mean(weights):
    return np.einsum("rn,n->r", weights, _DRAWN) / weights.sum(axis=1)


_DRAWN = np.random.default_rng(3).normal(5, 2, 80)


def test_bootstrap_does_not_depend_on_how_the_work_is_shared_out(monkeypatch):
    results = set()
    for block in (1, 7, 500):
        monkeypatch.setattr(resampling, "BLOCK", block)
        results.add(bootstrap(_mean, np.arange(80), seed=9, replicates=500))
    assert len(results) == 1


def test_bootstrap_of_a_mean_is_close_to_student():
    e, t = bootstrap(_mean, np.arange(80), seed=9), mean_interval(_DRAWN)
    assert (e.lower, e.upper) == pytest.approx((t.lower, t.upper), abs=0.08)


def test_bootstrap_resamples_whole_clusters():
    group = np.repeat(np.arange(20), 4)
    values = np.repeat(np.random.default_rng(1).normal(0, 1, 20), 4)

    def mean(weights):
        return weights @ values / weights.sum(axis=1)

    clustered = bootstrap(mean, group, seed=1, method="percentile")
    naive = bootstrap(mean, np.arange(80), seed=1, method="percentile")
    assert clustered.upper - clustered.lower > 1.6 * (naive.upper - naive.lower)
    assert clustered.clusters == 20


def test_bca_corrects_the_skew_that_percentile_leaves():
    values = np.random.default_rng(5).exponential(1, 40)

    def variance(weights):
        total = weights.sum(axis=1)
        return weights @ values**2 / total - (weights @ values / total) ** 2

    bca = bootstrap(variance, np.arange(40), seed=2)
    percentile = bootstrap(variance, np.arange(40), seed=2, method="percentile")
    assert bca.upper > percentile.upper
    assert bca.lower > percentile.lower


def _sums(values):
    terms = np.stack([np.ones(len(values)), values], axis=1)
    return SumStatistic(terms, lambda s: s[:, 1] / s[:, 0])


@pytest.mark.parametrize("statistic", [_mean, _sums(_DRAWN)])
@pytest.mark.parametrize("strata", [None, np.arange(80) % 3])
def test_bootstrap_does_not_depend_on_the_number_of_workers(statistic, strata):
    one, three = (
        bootstrap(statistic, np.arange(80) // 2 * 6 + np.arange(80) // 2 % 3, seed=4,
                  strata=None if strata is None else np.arange(80) // 2 % 3, workers=workers)
        for workers in (1, 3)
    )  # fmt: skip
    assert one == three


def test_sums_of_clusters_give_what_weights_of_observations_give():
    group, site = np.arange(80) // 2, np.arange(80) // 20
    expanded = bootstrap(_mean, group, seed=4, strata=site)
    summed = bootstrap(_sums(_DRAWN), group, seed=4, strata=site)
    assert (summed.value, summed.lower, summed.upper) == pytest.approx(
        (expanded.value, expanded.lower, expanded.upper), rel=1e-12
    )
    assert summed.clusters == 40


def test_strata_take_the_variation_between_sites_out_of_the_interval():
    site = np.repeat([0, 1], 40)
    values = _DRAWN + 20 * site
    within = bootstrap(_sums(values), np.arange(80), seed=1, strata=site)
    across = bootstrap(_sums(values), np.arange(80), seed=1)
    assert across.upper - across.lower > 4 * (within.upper - within.lower)


def test_strata_with_one_cluster_are_merged_and_named():
    e = bootstrap(_sums(_DRAWN), np.arange(80), seed=1, strata=[0] * 40 + [1] * 39 + [2])
    assert e.flags == ("merged_strata",)


def test_a_participant_at_two_sites_is_refused_by_name():
    with pytest.raises(ValueError, match="cluster P7 has observations in more than one stratum"):
        bootstrap(_sums(_DRAWN[:4]), ["P6", "P7", "P7", "P8"], seed=1, strata=[1, 1, 2, 2])


def test_leaving_out_groups_of_clusters_hardly_moves_the_interval(monkeypatch):
    def second_moment(weights):
        return np.einsum("rn,n->r", weights, _DRAWN**3) / weights.sum(axis=1)

    exact = bootstrap(second_moment, np.arange(80), seed=3)
    monkeypatch.setattr("evaluation.statistics.acceleration.JACKKNIFE_GROUPS", 20)
    grouped = bootstrap(second_moment, np.arange(80), seed=3)
    assert grouped.upper == pytest.approx(exact.upper, abs=0.1 * (exact.upper - exact.lower))
    assert grouped != exact


def test_replicates_without_a_value_are_counted_in_the_flags():
    def rare(weights):
        return np.where(weights[:, 0] > 0, weights[:, 0] / weights.sum(axis=1), np.nan)

    e = bootstrap(rare, np.arange(10), seed=1, method="percentile")
    assert "undefined_replicates" in e.flags


def test_a_constant_statistic_has_no_bias_to_correct_and_says_so():
    e = bootstrap(_sums(np.ones(5)), np.arange(5), seed=1)
    assert (e.lower, e.upper) == (1.0, 1.0)


def test_one_cluster_gives_a_value_and_the_reason_for_no_interval():
    e = bootstrap(_sums(_DRAWN), np.zeros(80), seed=1)
    assert e.value == pytest.approx(_DRAWN.mean())
    assert (e.lower, e.reason) == (None, "fewer than two participants: no interval")


@pytest.mark.parametrize(
    "bad", [{"replicates": 0}, {"workers": 0}, {"method": "basic"}, {"level": 1}]
)
def test_impossible_requests_are_refused(bad):
    with pytest.raises(ValueError, match=r"replicates|method|level"):
        bootstrap(_mean, np.arange(80), seed=1, **bad)


def test_a_statistic_may_not_write_to_the_weights():
    def rude(weights):
        weights[:, 0] = 0
        return weights.sum(axis=1)

    with pytest.raises(ValueError, match="read-only"):
        bootstrap(rude, np.arange(5), seed=1)


def test_replicates_all_below_the_estimate_have_no_bias_correction_and_say_so():
    def distinct(weights):
        return (weights > 0).sum(axis=1).astype(float)

    e = bootstrap(distinct, np.arange(40), seed=1, replicates=200)
    plain = bootstrap(distinct, np.arange(40), seed=1, replicates=200, method="percentile")
    assert e.flags == ("bca_undefined",)
    assert (e.lower, e.upper) == (plain.lower, plain.upper)


def test_an_extreme_level_of_a_skewed_statistic_has_no_bca_interval_and_says_so():
    skewed = np.zeros(50)
    skewed[0] = 1.0
    e = bootstrap(_sums(skewed), np.arange(50), seed=1, level=1 - 1e-12)
    assert e.flags == ("bca_undefined",)


def test_left_out_clusters_without_a_value_are_named():
    def rare(weights):
        total = weights[:, :2].sum(axis=1)
        with np.errstate(invalid="ignore"):
            return np.where(weights[:, 0] > 0, weights[:, 0] / total, np.nan)

    assert "undefined_jackknife" in bootstrap(rare, np.arange(10), seed=1).flags


def test_the_acceleration_is_a_sixth_of_the_skewness_of_the_jackknife():
    # Two strata by hand: Davison and Hinkley's influence values divided by the size of the stratum.
    x, site = np.random.default_rng(2).exponential(1, 12), np.repeat([0, 1], [5, 7])
    design = ResamplingDesign.of(_sums(x), np.arange(12), site)
    draws = x.mean() + np.linspace(-1, 1, 200)
    tails, flags = bca_tails(design, float(x.mean()), draws, 0.95)
    left = np.array([np.delete(x, i).mean() for i in range(12)])
    influence = np.concatenate([
        (len(part) - 1) / len(part) * (part.mean() - part) for part in (left[:5], left[5:])
    ])  # fmt: skip
    a = np.sum(influence**3) / (6 * np.sum(influence**2) ** 1.5)
    z = stats.norm.ppf([0.025, 0.975])
    assert tails == pytest.approx(stats.norm.cdf(z / (1 - a * z)), rel=1e-9)
    assert flags == ()


def test_groups_of_clusters_never_cross_strata_and_are_nearly_equal():
    strata = np.repeat([0, 1, 2], [50, 30, 20])
    groups = jackknife_groups(strata, 10)
    assert all(len(set(strata[groups == g])) == 1 for g in range(10))
    assert np.bincount(groups).tolist() == [10] * 10
    assert jackknife_groups(strata, 100).tolist() == list(range(100))


def test_the_number_left_out_before_is_carried_through():
    assert bootstrap(_sums(_DRAWN), np.arange(80), seed=1, missing=4, replicates=50).missing == 4


def test_no_observation_gives_a_reason():
    assert bootstrap(_mean, [], seed=1).reason == "no observation"
    nothing = bootstrap(lambda w: np.full(len(w), np.nan), np.arange(4), seed=1)
    assert (nothing.value, nothing.reason) == (None, "the statistic is undefined")


def test_clusters_may_come_in_any_order():
    order = np.random.default_rng(1).permutation(80)
    group = np.arange(80) // 2
    one = bootstrap(_sums(_DRAWN), group, seed=5)
    other = bootstrap(_sums(_DRAWN[order]), group[order], seed=5)
    assert (one.lower, one.upper) == pytest.approx((other.lower, other.upper), rel=1e-12)


@pytest.mark.parametrize("labels", [["a", None], [1.0, np.nan]])
def test_a_missing_label_is_refused_by_place(labels):
    with pytest.raises(ValueError, match="the cluster of observation 1 is missing"):
        bootstrap(_mean, labels, seed=1)
