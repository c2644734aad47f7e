import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evaluation.diagnostic import auc, roc
from tests.evaluation.reference_cases import reference_csv, reference_json
from tests.evaluation.roc_cases import asah, clustered, half_width, simulated

Z = 1.959963984540054


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["wfns", "s100b", "ndka"])
def test_area_and_interval_equal_proc_on_asah(name):
    truth, scores = asah()
    expected = reference_json("roc_asah_expected.json")["roc"]["auc"][name]
    e = roc(truth, scores[name]).auc
    assert e.value == pytest.approx(expected["auc"], rel=1e-12)
    assert [e.lower, e.upper] == pytest.approx(expected["ci95"], rel=1e-9)
    assert (half_width(e) / Z) ** 2 == pytest.approx(expected["delong_var"], rel=1e-9)


@pytest.mark.real_data
def test_area_of_women_equals_proc_on_asah():
    rows = [row for row in reference_csv("roc_asah.csv") if row["gender"] == "Female"]
    expected = reference_json("roc_asah_expected.json")["female_only_ndka_ci"]
    e = auc([row["outcome"] == "Poor" for row in rows], [float(row["ndka"]) for row in rows])
    assert [e.lower, e.value, e.upper] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("ties", [False, True])
def test_delong_variance_equals_the_double_sum(ties):
    truth, score = simulated(8, ties=ties)
    x, y = score[truth], score[~truth]
    psi = (x[:, None] > y) + 0.5 * (x[:, None] == y)
    s10, s01 = psi.mean(axis=1).var(ddof=1), psi.mean(axis=0).var(ddof=1)
    se = np.sqrt(s10 / len(x) + s01 / len(y))
    e = auc(truth, score)
    assert e.value == pytest.approx(psi.mean())
    assert half_width(e) == pytest.approx(Z * se)


def test_clusters_of_one_give_delong():
    truth, score = simulated(3)
    assert auc(truth, score, cluster=np.arange(60)) == auc(truth, score)


def test_obuchowski_equals_the_formula_written_out():
    truth, score = simulated(5, 50, ties=True)
    group = np.arange(50) // 3
    x, y = score[truth], score[~truth]
    psi = (x[:, None] > y) + 0.5 * (x[:, None] == y)
    area, m, n = psi.mean(), len(x), len(y)
    clusters = np.unique(group)
    u = np.array([(psi.mean(axis=1)[group[truth] == g] - area).sum() for g in clusters])
    v = np.array([(psi.mean(axis=0)[group[~truth] == g] - area).sum() for g in clusters])
    i10, i01, i = len(set(group[truth])), len(set(group[~truth])), len(clusters)
    s10 = i10 / ((i10 - 1) * m) * (u**2).sum()
    s01 = i01 / ((i01 - 1) * n) * (v**2).sum()
    s11 = i / (i - 1) * (u * v).sum()
    se = np.sqrt(s10 / m + s01 / n + 2 * s11 / (m * n))
    e = auc(truth, score, cluster=group)
    assert half_width(e) == pytest.approx(Z * se)
    assert e.clusters == i


def test_duplicating_members_leaves_the_clustered_interval_nearly_unchanged():
    truth, score = simulated(6, 80)
    one = auc(truth, score)
    doubled = auc(np.tile(truth, 2), np.tile(score, 2), cluster=np.tile(np.arange(80), 2))
    naive = auc(np.tile(truth, 2), np.tile(score, 2))
    assert half_width(doubled) == pytest.approx(half_width(one), rel=0.03)
    assert half_width(naive) == pytest.approx(half_width(one) / np.sqrt(2), rel=0.03)


scores = st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=4, max_size=40)


@settings(max_examples=25)
@given(scores)
def test_area_is_kept_by_monotone_maps_and_mirrored_by_label_swaps(pairs):
    truth, score = np.array(pairs).T
    assume(0 < truth.sum() < len(truth))
    area = auc(truth, score).value
    assert auc(truth, np.exp(score / 3)).value == pytest.approx(area)
    assert auc(1 - truth, score).value == pytest.approx(1 - area)
    assert auc(truth, -score).value == pytest.approx(1 - area)


@settings(max_examples=25)
@given(scores)
def test_area_equals_the_trapezoids_under_the_curve(pairs):
    truth, score = np.array(pairs).T
    assume(0 < truth.sum() < len(truth))
    curve = roc(truth, score)
    area = np.trapezoid(curve.points.sensitivity, 1 - curve.points.specificity)
    assert area == pytest.approx(curve.auc.value)


@settings(max_examples=25)
@given(scores, st.integers(1, 5))
def test_the_order_of_observations_does_not_matter(pairs, seed):
    truth, score = np.array(pairs).T
    order = np.random.default_rng(seed).permutation(len(truth))
    one, other = auc(truth, score), auc(truth[order], score[order])
    assert (one.reason, one.n) == (other.reason, other.n)
    if one.lower is not None:
        assert [one.value, one.lower] == pytest.approx([other.value, other.lower])


def test_high_areas_use_the_logit_scale_and_stay_below_1():
    truth = np.r_[np.zeros(30), np.ones(30)]
    score = np.r_[np.arange(30), np.arange(28, 58)].astype(float)
    e = auc(truth, score)
    assert e.value > 0.95
    assert e.value < e.upper < 1
    assert "logit" in e.method


@pytest.mark.parametrize("sign", [1, -1])
def test_an_area_whose_wald_interval_would_leave_0_to_1_uses_the_logit_scale(sign):
    truth, score = [0, 0, 0, 1, 1, 1], sign * np.array([1, 2, 4, 3, 5, 6])
    e = auc(truth, score)
    assert e.value == pytest.approx(8 / 9 if sign == 1 else 1 / 9)
    assert 0 < e.lower < e.value < e.upper < 1
    assert e.method == "DeLong, logit"
    # On the logit scale the interval is symmetric, and as wide as DeLong's divided by A (1 - A).
    logits = np.log([v / (1 - v) for v in (e.lower, e.value, e.upper)])
    x, y = np.array([score[truth.index(1)], *score[4:]]), score[:3]
    psi = (x[:, None] > y).astype(float)
    se = np.sqrt(psi.mean(axis=1).var(ddof=1) / 3 + psi.mean(axis=0).var(ddof=1) / 3)
    half = Z * se / (e.value * (1 - e.value))
    assert logits == pytest.approx([logits[1] - half, logits[1], logits[1] + half])


def test_complete_separation_has_no_interval_and_says_so():
    e = auc([0, 0, 1, 1], [1, 2, 3, 4])
    assert (e.value, e.lower) == (1.0, None)
    assert "separates" in e.reason


def test_all_ties_have_half_the_area_without_interval():
    e = auc([0, 1, 0, 1], [2, 2, 2, 2])
    assert (e.value, e.lower) == (0.5, None)
    assert "tied" in e.reason


def test_a_single_positive_case_has_an_area_without_interval():
    e = auc([0, 0, 0, 1], [1, 3, 2, 2.5])
    assert e.value == pytest.approx(2 / 3)
    assert e.lower is None
    assert "single" in e.reason


def test_one_class_has_no_area_and_says_why():
    curve = roc([1, 1, 1], [3, 1, 2], partial=("specificity", 0.9, 1.0), bands=True)
    for e in (curve.auc, curve.partial_auc, curve.partial_auc_standardised):
        assert e.value is None
        assert "no negative case" in e.reason
    assert (curve.positives, curve.negatives) == (3, 0)
    assert "no negative case" in curve.points.reason
    assert "no observation has the target condition" in auc([0, 0], [1, 2]).reason
    assert auc([], []).value is None


def test_gaps_are_left_out_and_counted():
    e = auc([1, np.nan, 0, 1, 0], [2, 1, np.nan, 3, 1])
    assert (e.n, e.missing, e.value) == (3, 2, 1.0)


# Strata


def _sites(seed, *, shift=3.0):
    truth, score = simulated(seed, 120)
    site = np.repeat(["a", "b", "c"], 40)
    return truth, score + shift * (site == "b"), site


def test_pairs_across_sites_do_not_count_within_strata():
    truth, score, site = _sites(1, shift=0.0)
    moved = score + 50.0 * (site == "b")
    assert auc(truth, moved, strata=site) == auc(truth, score, strata=site)
    assert auc(truth, moved).value != pytest.approx(auc(truth, score).value)


def test_stratified_area_weighs_sites_by_their_positives():
    truth, score, site = _sites(2)
    parts = [auc(truth[site == s], score[site == s]) for s in "abc"]
    weights = np.array([truth[site == s].sum() for s in "abc"]) / truth.sum()
    e = auc(truth, score, strata=site)
    assert e.value == pytest.approx(sum(w * p.value for w, p in zip(weights, parts, strict=True)))
    half = np.sqrt(sum((w * half_width(p)) ** 2 for w, p in zip(weights, parts, strict=True)))
    assert half_width(e) == pytest.approx(half)
    assert e.method == "stratified DeLong"


def test_identical_sites_give_the_pooled_area():
    truth, score = simulated(4, 50, ties=True)
    site = np.repeat(["a", "b", "c"], 50)
    tiled = [np.tile(v, 3) for v in (truth, score)]
    within, pooled = auc(*tiled, strata=site), auc(*tiled)
    assert within.value == pytest.approx(pooled.value)
    assert half_width(within) == pytest.approx(half_width(pooled), rel=0.05)


def test_stratified_clusters_add_obuchowski_variances():
    truth, score, _, group = clustered(1, 60)
    site = np.where(group < 25, "a", "b")
    e = auc(truth, score, cluster=group, strata=site)
    parts = [auc(truth[site == s], score[site == s], cluster=group[site == s]) for s in "ab"]
    weights = np.array([truth[site == s].sum() for s in "ab"]) / truth.sum()
    half = np.hypot(*(w * half_width(p) for w, p in zip(weights, parts, strict=True)))
    assert half_width(e) == pytest.approx(half)
    assert (e.method, e.clusters) == ("stratified Obuchowski 1997", 60)


def test_a_site_without_a_case_is_left_out_and_named():
    truth, score, site = _sites(3)
    truth = truth & (site != "b")
    e = auc(truth, score, strata=site)
    rest = site != "b"
    alone = auc(truth[rest], score[rest], strata=site[rest])
    assert e.flags == ("without_value:b",)
    assert (e.value, e.lower, e.n) == (alone.value, alone.lower, 80)


def test_a_site_with_one_case_borrows_the_variance_of_the_others():
    truth, score, site = _sites(5)
    only = np.flatnonzero((site == "c") & truth)[0]
    truth[(site == "c") & (np.arange(120) != only)] = False
    e = auc(truth, score, strata=site)
    assert e.flags == ("variance_borrowed:c",)
    parts = {s: auc(truth[site == s], score[site == s]) for s in "abc"}
    m = {s: truth[site == s].sum() for s in "abc"}
    size = {s: m[s] * (40 - m[s]) / 40 for s in "abc"}
    variance = {s: (half_width(parts[s]) / Z) ** 2 for s in "ab"}
    variance["c"] = sum(variance[s] * size[s] for s in "ab") / 2 / size["c"]
    total = sum((m[s] / sum(m.values())) ** 2 * variance[s] for s in "abc")
    assert half_width(e) == pytest.approx(Z * np.sqrt(total))


def test_sites_of_one_class_each_have_no_pair():
    e = auc([1, 1, 0, 0], [3, 4, 1, 2], strata=["a", "a", "b", "b"])
    assert e.value is None
    assert "no stratum has both" in e.reason
    assert e.flags == ("not_estimable", "without_value:a", "without_value:b")


def test_strata_that_all_separate_have_no_interval():
    e = auc([1, 1, 0, 0] * 2, [3, 4, 1, 2] * 2, strata=["a"] * 4 + ["b"] * 4)
    assert (e.value, e.lower) == (1.0, None)
    assert "separates" in e.reason


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cluster": [1, 1, 2, 2], "strata": ["a", "b", "a", "a"]}, "two strata"),
        ({"strata": ["a", "a", "b", None]}, "stratum of observation 3 is missing"),
        ({"cluster": [1.0, 2.0, np.nan, 3.0]}, "cluster of observation 2 is missing"),
        ({"cluster": [1, 2, 3]}, "one label for each"),
        ({"partial": ("accuracy", 0.9, 1.0)}, "specificity or sensitivity"),
        ({"partial": ("specificity", 1.0, 0.9)}, "range of a partial area"),
        ({"bands": "bootstrap"}, "pointwise or simultaneous"),
        ({"level": 0}, "level"),
    ],
)
def test_bad_options_are_refused_with_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        roc([0, 1, 0, 1], [1, 2, 3, 4], **options)


@pytest.mark.parametrize(
    ("truth", "score", "message"),
    [
        ([2, 1], [1, 1], "0 or 1"),
        ([1, 0], [1], "same length"),
        ([[1, 0]], [[1, 2]], "same length"),
        ([1, 0], [np.inf, 1], "infinite"),
    ],
)
def test_bad_observations_are_refused_with_a_sentence(truth, score, message):
    with pytest.raises(ValueError, match=message):
        auc(truth, score)


def test_a_site_that_separates_borrows_the_variance_of_the_others():
    truth, score, site = _sites(6)
    score[site == "c"] = 10.0 * truth[site == "c"] + np.arange(40) / 100
    e = auc(truth, score, strata=site)
    assert e.flags == ("variance_borrowed:c",)
    assert e.lower is not None
