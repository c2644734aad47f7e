import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evaluation.diagnostic import accuracy_table, auc, compare_auc, roc
from tests.evaluation.reference_cases import reference_csv, reference_json


def _asah():
    rows = reference_csv("roc_asah.csv")
    truth = [row["outcome"] == "Poor" for row in rows]
    return truth, {name: [float(row[name]) for row in rows] for name in ("wfns", "s100b", "ndka")}


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["wfns", "s100b", "ndka"])
def test_area_and_interval_equal_proc_on_asah(name):
    truth, scores = _asah()
    expected = reference_json("roc_asah_expected.json")["roc"]["auc"][name]
    e = auc(truth, scores[name])
    assert e.value == pytest.approx(expected["auc"], rel=1e-12)
    assert [e.lower, e.upper] == pytest.approx(expected["ci95"], rel=1e-9)


@pytest.mark.real_data
def test_paired_comparison_equals_proc_on_asah():
    truth, scores = _asah()
    for pair, expected in reference_json("roc_asah_expected.json")["roc"]["pairs"].items():
        a, b = pair.split("_minus_")
        e = compare_auc(truth, scores[a], scores[b])
        assert e.statistic == pytest.approx(expected["z"])
        assert e.p_value == pytest.approx(expected["p"])
        assert [e.lower, e.upper] == pytest.approx(expected["diff_ci95"])


@pytest.mark.real_data
def test_accuracy_table_equals_scott_2008():
    case = reference_json("diagnostic_2x2_scott_2008.json")
    truth = [1] * case["tp"] + [0] * case["fp"] + [1] * case["fn"] + [0] * case["tn"]
    called = [1] * (case["tp"] + case["fp"]) + [0] * (case["fn"] + case["tn"])
    table = accuracy_table(truth, called, method="clopper_pearson")
    assert (table.tp, table.fp, table.fn, table.tn) == (670, 202, 74, 640)
    for name, key in (("sensitivity", "se"), ("specificity", "sp"), ("ppv", "ppv"),
                      ("npv", "npv"), ("accuracy", "accuracy")):  # fmt: skip
        e = table.estimates()[name]
        assert [e.value, e.lower, e.upper] == pytest.approx(case[key], rel=1e-9)


def test_missing_reference_and_missing_call_are_counted_apart():
    table = accuracy_table([1, np.nan, 0, 0], [1, 1, np.nan, 0])
    assert (table.missing_reference, table.missing_index) == (1, 1)
    assert table.accuracy.n == 2


def test_without_a_negative_case_specificity_says_why():
    table = accuracy_table([1, 1, 1], [1, 0, 1])
    assert table.specificity.value is None
    assert "no negative case" in table.specificity.reason
    assert table.sensitivity.value == pytest.approx(2 / 3)
    assert "no negative case" in auc([1, 1, 1], [3, 1, 2]).reason


def test_no_case_at_all_is_not_estimable():
    assert accuracy_table([], []).accuracy.value is None
    assert auc([], []).value is None
    assert compare_auc([], [], []).value is None


def test_other_codes_of_truth_are_refused():
    with pytest.raises(ValueError, match="0 or 1"):
        accuracy_table([2, 1], [1, 1])
    with pytest.raises(ValueError, match="0 or 1"):
        auc([2, 1], [1, 1])


def _simulated(seed, n=60, *, ties=False):
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.4
    score = rng.normal(truth * 1.0, 1)
    return truth, np.round(score * 2) / 2 if ties else score


@pytest.mark.parametrize("ties", [False, True])
def test_delong_variance_equals_the_double_sum(ties):
    truth, score = _simulated(8, ties=ties)
    x, y = score[truth], score[~truth]
    psi = (x[:, None] > y) + 0.5 * (x[:, None] == y)
    s10, s01 = psi.mean(axis=1).var(ddof=1), psi.mean(axis=0).var(ddof=1)
    se = np.sqrt(s10 / len(x) + s01 / len(y))
    e = auc(truth, score)
    assert e.value == pytest.approx(psi.mean())
    assert (e.upper - e.lower) / 2 == pytest.approx(1.959963984540054 * se)


def test_clusters_of_one_give_delong():
    truth, score = _simulated(3)
    assert auc(truth, score, cluster=np.arange(60)) == auc(truth, score)


def test_obuchowski_equals_the_formula_written_out():
    truth, score = _simulated(5, 50, ties=True)
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
    assert (e.upper - e.lower) / 2 == pytest.approx(1.959963984540054 * se)
    assert e.clusters == i


def test_duplicating_members_leaves_the_clustered_interval_nearly_unchanged():
    truth, score = _simulated(6, 80)
    group = np.arange(80)
    one = auc(truth, score)
    doubled = auc(np.tile(truth, 2), np.tile(score, 2), cluster=np.tile(group, 2))
    assert doubled.upper - doubled.lower == pytest.approx(one.upper - one.lower, rel=0.03)


scores = st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=4, max_size=40)


@given(scores)
def test_area_is_kept_by_monotone_maps_and_mirrored_by_label_swaps(pairs):
    truth, score = np.array(pairs).T
    assume(0 < truth.sum() < len(truth))
    area = auc(truth, score).value
    assert auc(truth, np.exp(score / 3)).value == pytest.approx(area)
    assert auc(1 - truth, score).value == pytest.approx(1 - area)


@given(scores)
def test_area_equals_the_trapezoids_under_the_curve(pairs):
    truth, score = np.array(pairs).T
    assume(0 < truth.sum() < len(truth))
    curve = roc(truth, score).points
    area = np.trapezoid(curve.sensitivity, 1 - curve.specificity)
    assert area == pytest.approx(auc(truth, score).value)


def test_a_score_compared_with_itself_has_p_1():
    truth, score = _simulated(9)
    e = compare_auc(truth, score, score)
    assert (e.value, e.p_value) == (0.0, 1.0)


def test_high_areas_use_the_logit_scale_and_stay_below_1():
    truth = np.r_[np.zeros(30), np.ones(30)]
    score = np.r_[np.arange(30), np.arange(28, 58)].astype(float)
    e = auc(truth, score)
    assert e.value > 0.95
    assert e.value < e.upper < 1
    assert "logit" in e.method


def test_complete_separation_has_no_interval_and_says_so():
    e = auc([0, 0, 1, 1], [1, 2, 3, 4])
    assert (e.value, e.lower) == (1.0, None)
    assert "separates" in e.reason


def test_a_single_positive_case_has_an_area_without_interval():
    e = auc([0, 0, 0, 1], [1, 3, 2, 2.5])
    assert e.value == pytest.approx(2 / 3)
    assert e.lower is None
    assert "single" in e.reason


def test_clustered_accuracy_counts_participants():
    table = accuracy_table([1, 1, 0, 1], [1, 0, 0, 1], cluster=["a", "a", "b", "c"])
    assert (table.sensitivity.n, table.sensitivity.clusters) == (3, 2)
