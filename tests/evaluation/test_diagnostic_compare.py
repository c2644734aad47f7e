import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from evaluation.diagnostic import auc, compare_auc, roc
from tests.evaluation.reference_cases import reference_json
from tests.evaluation.roc_cases import asah, clustered, half_width, simulated


@pytest.mark.real_data
def test_paired_comparison_equals_proc_on_asah():
    truth, scores = asah()
    for pair, expected in reference_json("roc_asah_expected.json")["roc"]["pairs"].items():
        a, b = pair.split("_minus_")
        e = compare_auc(truth, scores[a], scores[b])
        assert e.statistic == pytest.approx(expected["z"])
        assert e.p_value == pytest.approx(expected["p"])
        assert [e.lower, e.upper] == pytest.approx(expected["diff_ci95"])


@pytest.mark.real_data
def test_unpaired_comparison_equals_proc_on_asah():
    truth, scores = asah()
    for pair, expected in reference_json("roc_asah_expected.json")["unpaired_test"].items():
        a, b = pair.split("_vs_")
        e = compare_auc(truth, scores[a], scores[b], paired=False)
        assert [e.statistic, e.p_value] == pytest.approx([expected["D"], expected["p"]])
        assert e.method == "unpaired DeLong, Welch t"


@pytest.mark.real_data
@pytest.mark.parametrize("side", ["greater", "less"])
def test_one_sided_comparison_equals_proc_on_asah(side):
    truth, scores = asah()
    expected = reference_json("roc_asah_expected.json")["one_sided_wfns_s100b"][f"{side}_p"]
    e = compare_auc(truth, scores["wfns"], scores["s100b"], alternative=side)
    assert e.p_value == pytest.approx(expected)


def test_a_score_compared_with_itself_has_p_1():
    truth, score = simulated(9)
    e = compare_auc(truth, score, np.exp(score))
    assert (e.value, e.statistic, e.p_value, e.lower) == (0.0, 0.0, 1.0, None)
    assert "rank the observations alike" in e.reason
    assert compare_auc(truth, score, score, alternative="less").p_value == 0.5


@settings(max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 5)), min_size=6))
def test_swapping_scores_turns_the_difference_around(rows):
    truth, a, b = np.array(rows).T
    assume(0 < truth.sum() < len(truth))
    one, other = compare_auc(truth, a, b), compare_auc(truth, b, a)
    assert one.value == pytest.approx(-other.value)
    assert one.value == pytest.approx(auc(truth, a).value - auc(truth, b).value)
    if one.lower is not None:
        assert [one.lower, one.upper] == pytest.approx([-other.upper, -other.lower])
        assert one.p_value == pytest.approx(other.p_value)


def test_the_two_spellings_of_two_sided_are_one():
    truth, one, two, _ = clustered(1)
    assert compare_auc(truth, one, two, alternative="two-sided") == compare_auc(truth, one, two)


def test_clustered_difference_equals_areas_with_their_covariance():
    truth, one, two, group = clustered(1)
    e = compare_auc(truth, one, two, cluster=group)
    # Var(a - b) by polarisation: the variance of each area is that of `auc`.
    variances = [(half_width(auc(truth, s, cluster=group)) / 1.959963984540054) ** 2
                 for s in (one, two)]  # fmt: skip
    naive = compare_auc(truth, one, two, paired=False, cluster=group)
    assert (e.value / naive.statistic) ** 2 == pytest.approx(sum(variances))
    assert half_width(e) < half_width(naive)
    assert (e.method, e.clusters, e.n) == ("paired Obuchowski 1997", 50, 150)


def test_unpaired_samples_use_welch_degrees_of_freedom():
    truth, score = simulated(1, 40)
    other_truth, other = simulated(2, 70)
    e = compare_auc(truth, score, other, paired=False, truth_b=other_truth)
    v = [(half_width(auc(t, s)) / 1.959963984540054) ** 2
         for t, s in ((truth, score), (other_truth, other))]  # fmt: skip
    df = sum(v) ** 2 / (v[0] ** 2 / 39 + v[1] ** 2 / 69)
    assert half_width(e) == pytest.approx(stats.t.ppf(0.975, df) * np.sqrt(sum(v)))
    assert e.n == 110


def test_an_unpaired_second_sample_brings_its_own_clusters_and_strata():
    truth, one, two, group = clustered(2)
    options = {"cluster": group, "strata": group % 2}
    again = compare_auc(truth, one, two, paired=False, **options)
    given_twice = compare_auc(
        truth, one, two, paired=False, truth_b=truth, cluster_b=group, strata_b=group % 2, **options
    )
    assert given_twice == again
    assert again.method == "unpaired stratified Obuchowski 1997, Welch t"


def test_stratified_difference_ignores_pairs_across_sites():
    truth, one, two, group = clustered(3)
    site = group % 3
    e = compare_auc(truth, one, two, strata=site, cluster=group)
    moved = compare_auc(truth, one + 10 * site, two - 10 * site, strata=site, cluster=group)
    assert [moved.value, moved.lower] == pytest.approx([e.value, e.lower])


@pytest.mark.parametrize("paired", [True, False])
def test_partial_areas_are_compared_over_their_range(paired):
    truth, one, two, _ = clustered(4)
    partial = ("specificity", 0.7, 1.0)
    e = compare_auc(truth, one, two, paired=paired, partial=partial)
    parts = [roc(truth, s, partial=partial).partial_auc for s in (one, two)]
    assert e.value == pytest.approx(parts[0].value - parts[1].value)
    apart = np.hypot(*(half_width(p) for p in parts))
    assert half_width(e) == pytest.approx(apart, rel=0.03) if not paired else half_width(e) < apart
    assert e.method.endswith("specificity 0.7 to 1")
    whole = compare_auc(truth, one, two, paired=paired, partial=("sensitivity", 0, 1))
    plain = compare_auc(truth, one, two, paired=paired)
    assert [whole.lower, whole.p_value] == pytest.approx([plain.lower, plain.p_value])


def test_an_observation_without_one_score_is_left_out_of_both():
    e = compare_auc([1, 0, 1, 0, 1], [3, 1, 2, 2, np.nan], [1, 2, 3, 1, 9])
    assert (e.n, e.missing) == (4, 1)


@pytest.mark.parametrize("paired", [True, False])
def test_one_class_says_why(paired):
    e = compare_auc([1, 1], [1, 2], [2, 1], paired=paired, level=0.9)
    assert (e.value, e.p_value, e.flags, e.level) == (None, None, ("not_estimable",), 0.9)
    assert "no negative case" in e.reason
    assert compare_auc([], [], []).value is None


def test_sites_of_one_class_each_say_why():
    e = compare_auc([1, 1, 0, 0], [3, 4, 1, 2], [1, 2, 3, 4], strata=["a", "a", "b", "b"])
    assert "no stratum has both" in e.reason


def test_a_single_case_has_a_difference_without_interval():
    e = compare_auc([1, 0, 0, 0], [2, 1, 3, 4], [4, 1, 2, 3])
    assert (e.value, e.lower, e.p_value) == (pytest.approx(-2 / 3), None, None)
    assert "single case" in e.reason


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alternative": "better"}, "two_sided, greater, less"),
        ({"truth_b": [1, 0]}, "paired=False"),
        ({"level": 1.0}, "level"),
    ],
)
def test_bad_options_are_refused_with_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        compare_auc([0, 1], [1, 2], [2, 1], **options)


def test_a_second_sample_does_not_inherit_the_sites_of_the_first():
    truth, one, _, group = clustered(5, 30)
    other_truth, other = simulated(2, 40)
    options = {"paired": False, "truth_b": other_truth, "cluster": group, "strata": group % 2}
    e = compare_auc(truth, one, other, **options)
    first = auc(truth, one, cluster=group, strata=group % 2)
    assert e.value == pytest.approx(first.value - auc(other_truth, other).value)
    assert e.clusters == 30 + 40


def test_unpaired_sites_of_one_class_each_say_why():
    e = compare_auc([1, 1, 0, 0], [3, 4, 1, 2], [1, 2, 3, 4], paired=False, strata=[1, 1, 2, 2])
    assert e.reason == "first sample: no stratum has both a positive and a negative case"
