import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.statistics import clustered_mean, mean_interval, stratified, stratified_mean


def test_stratified_sum_equals_the_formula_by_hand():
    e = stratified([0.8, 0.9], [0.0016, 0.0009], sizes=[100, 300], level=0.95)
    se = math.sqrt(0.25**2 * 0.0016 + 0.75**2 * 0.0009)
    assert e.value == pytest.approx(0.875)
    assert (e.lower, e.upper) == pytest.approx((0.875 - 1.959963985 * se, 0.875 + 1.959963985 * se))
    assert (e.n, e.clusters) == (400, 400)


def test_degrees_of_freedom_of_strata_combine_by_satterthwaite():
    equal = stratified([1.0, 1.0], [0.5, 0.5], sizes=[5, 5], df=[4, 4])
    pooled = stratified([1.0, 1.0], [0.5, 0.5], sizes=[5, 5], df=8)
    assert (equal.lower, equal.upper) == pytest.approx((pooled.lower, pooled.upper))
    assert equal.method == "stratified, t"


def test_a_stratum_without_a_variance_borrows_it_and_is_named():
    e = stratified([1.0, 2.0, 3.0], [0.04, 0.04, math.nan], sizes=[100, 100, 50], names="ABC")
    full = stratified([1.0, 2.0, 3.0], [0.04, 0.04, 0.08], sizes=[100, 100, 50])
    assert e.flags == ("variance_borrowed:C",)
    assert (e.value, e.lower) == pytest.approx((full.value, full.lower))


def test_a_stratum_without_a_value_is_left_out_and_named():
    e = stratified([1.0, math.nan], [0.04, math.nan], sizes=[100, 50], names=["A", "B"])
    assert (e.value, e.flags) == (1.0, ("without_value:B",))


def test_no_stratum_with_a_variance_gives_a_value_and_a_reason():
    e = stratified([1.0, 2.0], [math.nan, math.nan], sizes=[1, 1])
    assert (e.value, e.lower, e.reason) == (1.5, None, "no stratum has a variance")


def test_no_stratum_with_a_value_gives_a_reason():
    assert stratified([math.nan], [1.0], sizes=[1]).reason == "no stratum has a value"
    assert stratified([], [], sizes=[]).value is None


@pytest.mark.parametrize(
    "bad",
    [
        ([1.0], [1.0, 2.0], [1.0], None),
        ([1.0], [-1.0], [1.0], None),
        ([1.0], [1.0], [0.0], None),
        ([math.inf], [1.0], [1.0], None),
        ([1.0], [1.0], [math.nan], None),
        ([1.0], [1.0], [1.0], 0.0),
    ],
)
def test_impossible_strata_are_refused(bad):
    values, variances, sizes, df = bad
    with pytest.raises(ValueError, match=r"length|variances|size|finite|degrees"):
        stratified(values, variances, sizes=sizes, df=df)


def test_one_stratum_is_the_plain_mean():
    x = np.random.default_rng(1).normal(0, 1, 20)
    e, plain = stratified_mean(x, ["A"] * 20), mean_interval(x)
    assert (e.value, e.lower, e.upper) == pytest.approx((plain.value, plain.lower, plain.upper))


def test_one_stratum_with_clusters_is_the_clustered_mean():
    x, who = np.random.default_rng(1).normal(0, 1, 20), np.arange(20) // 3
    e, plain = stratified_mean(x, ["A"] * 20, cluster=who), clustered_mean(x, who)
    assert (e.value, e.lower, e.upper) == pytest.approx((plain.value, plain.lower, plain.upper))
    assert (e.n, e.clusters) == (20, 7)


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), sites=st.integers(1, 5), shift=st.floats(-50, 50))
def test_shifting_a_site_moves_the_mean_but_not_the_width(seed, sites, shift):
    rng = np.random.default_rng(seed)
    site = np.arange(6 * sites) % sites
    x = rng.normal(0, 1, 6 * sites)
    one, other = stratified_mean(x, site), stratified_mean(x + shift * (site == 0), site)
    assert other.upper - other.lower == pytest.approx(one.upper - one.lower, rel=1e-9)


def test_identical_sites_give_nearly_the_pooled_interval():
    x = np.tile(np.random.default_rng(2).normal(0, 1, 400), 5)
    e, pooled = stratified_mean(x, np.repeat(np.arange(5), 400)), mean_interval(x)
    assert e.value == pytest.approx(pooled.value)
    assert e.upper - e.lower == pytest.approx(pooled.upper - pooled.lower, rel=0.003)


def test_duplicating_every_member_leaves_the_stratified_interval_unchanged():
    x = np.random.default_rng(2).normal(0, 1, 12)
    site, who = np.arange(12) % 2, np.arange(12)
    one = stratified_mean(x, site, cluster=who)
    two = stratified_mean(np.repeat(x, 2), np.repeat(site, 2), cluster=np.repeat(who, 2))
    assert (two.lower, two.upper) == pytest.approx((one.lower, one.upper))


def test_single_clusters_are_merged_with_each_other():
    e = stratified_mean([1.0, 2.0, 4.0, 6.0], ["A", "A", "B", "C"])
    by_hand = stratified_mean([1.0, 2.0, 4.0, 6.0], ["A", "A", "B", "B"])
    assert (e.lower, e.upper) == (by_hand.lower, by_hand.upper)
    assert e.flags == ("merged_strata",)


def test_a_lone_single_cluster_joins_the_smallest_other_stratum():
    e = stratified_mean([1.0, 2.0, 3.0, 4.0, 6.0, 9.0], ["A", "A", "A", "B", "B", "C"])
    by_hand = stratified_mean([1.0, 2.0, 3.0, 4.0, 6.0, 9.0], ["A", "A", "A", "B", "B", "B"])
    assert (e.lower, e.upper) == (by_hand.lower, by_hand.upper)


def test_one_participant_has_a_mean_but_no_interval():
    e = stratified_mean([1.0, 3.0], ["A", "A"], cluster=[1, 1])
    assert (e.value, e.lower) == (2.0, None)
    assert "one participant" in e.reason


def test_missing_values_are_counted_and_infinite_ones_refused():
    e = stratified_mean([1.0, math.nan, 3.0], ["A", "A", "A"])
    assert (e.n, e.missing) == (2, 1)
    with pytest.raises(ValueError, match="infinite"):
        stratified_mean([1.0, math.inf], ["A", "A"])


def test_equal_values_have_no_variation_and_say_so():
    e = stratified_mean([1.0] * 4, ["A", "A", "B", "B"])
    assert (e.lower, e.upper) == (1.0, 1.0)
    assert "no_variation" in e.flags


def test_the_method_says_whether_observations_were_clustered():
    x, site = [1.0, 2.0, 3.0, 4.0], ["A", "A", "B", "B"]
    assert stratified_mean(x, site).method == "stratified, t"
    clustered = stratified_mean(x + x, site + site, cluster=[1, 2, 3, 4, 1, 2, 3, 4])
    assert clustered.method == "stratified, cluster-robust t"
