import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from evaluation.diagnostic import accuracy_table, auc, roc
from evaluation.statistics import clustered_proportion, count_by_cluster, proportion_interval
from tests.evaluation.roc_cases import clustered, half_width, simulated

# Partial areas


@pytest.mark.parametrize("of", ["specificity", "sensitivity"])
@pytest.mark.parametrize("ties", [False, True])
def test_the_range_0_to_1_gives_the_whole_area(of, ties):
    truth, score = simulated(2, ties=ties)
    part, whole = roc(truth, score, partial=(of, 0.0, 1.0)).partial_auc, auc(truth, score)
    assert [part.value, part.lower, part.upper] == pytest.approx(
        [whole.value, whole.lower, whole.upper]
    )


@pytest.mark.parametrize("of", ["specificity", "sensitivity"])
def test_the_range_0_to_1_gives_the_whole_area_of_clusters_in_strata(of):
    truth, score, _, group = clustered(3)
    options = {"cluster": group, "strata": group % 2}
    part = roc(truth, score, partial=(of, 0.0, 1.0), **options).partial_auc
    whole = auc(truth, score, **options)
    assert [part.value, part.lower] == pytest.approx([whole.value, whole.lower])
    assert part.method == f"stratified Obuchowski 1997, {of} 0 to 1"


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=4, max_size=30),
    st.floats(0.05, 0.95),
    st.sampled_from(["specificity", "sensitivity"]),
)
def test_partial_areas_of_adjoining_ranges_add_up(pairs, cut, of):
    truth, score = np.array(pairs).T
    assume(0 < truth.sum() < len(truth))
    low, high = (
        roc(truth, score, partial=(of, *ends)).partial_auc.value for ends in ((0, cut), (cut, 1))
    )
    assert low + high == pytest.approx(auc(truth, score).value)


def test_partial_area_is_the_trapezoids_over_its_range():
    truth, score = simulated(7, 80, ties=True)
    curve = roc(truth, score, partial=("specificity", 0.7, 0.95))
    fpr = 1 - curve.points.specificity
    grid = np.union1d(fpr, [0.05, 0.3])
    grid = grid[(grid >= 0.05) & (grid <= 0.3)]
    expected = np.trapezoid(np.interp(grid, fpr, curve.points.sensitivity), grid)
    assert curve.partial_auc.value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("low", "high", "sign"),
    [(0.53, 0.91, 1), (0.71, 1.0, 1), (0.36, 0.97, 1), (0.04, 0.5, -1), (0.01, 0.99, -1)],
)
def test_partial_variance_with_ties_equals_the_placements_integrated_numerically(low, high, sign):
    truth, score = simulated(13, 40, ties=True)
    score = sign * score
    curve = roc(truth, score, partial=("specificity", low, high))
    fpr, tpr = 1 - curve.points.specificity, curve.points.sensitivity
    x, y, start, end = score[truth], score[~truth], 1 - high, 1 - low

    def spread_over(value):
        """Return the false positive rates over which a tie spreads a case, or its one rate."""
        a, b = (y > value).mean(), (y >= value).mean()
        return a + (b - a) * (np.arange(20_000) + 0.5) / 20_000

    u = [np.mean(end - np.clip(spread_over(value), start, end)) for value in x]
    v = [np.mean(np.interp(np.clip(spread_over(value), start, end), fpr, tpr)) for value in y]
    se = np.sqrt(np.var(u, ddof=1) / len(u) + np.var(v, ddof=1) / len(v))
    assert np.mean(u) == pytest.approx(curve.partial_auc.value, rel=1e-4)
    assert half_width(curve.partial_auc) == pytest.approx(1.959964 * se, rel=1e-3)


@pytest.mark.parametrize("of", ["specificity", "sensitivity"])
def test_partial_area_varies_as_the_jackknife_says(of):
    truth, score = simulated(11, 160)
    partial = (of, 0.75, 1.0)
    left_out = np.array(
        [
            roc(np.delete(truth, i), np.delete(score, i), partial=partial).partial_auc.value
            for i in range(160)
        ]
    )
    se = np.sqrt(159 / 160 * np.sum((left_out - left_out.mean()) ** 2))
    e = roc(truth, score, partial=partial).partial_auc
    assert half_width(e) / 1.96 == pytest.approx(se, rel=0.1)


def test_swapping_classes_exchanges_specificity_and_sensitivity():
    truth, score = simulated(12, ties=True)
    one = roc(truth, score, partial=("specificity", 0.6, 0.9)).partial_auc
    other = roc(~truth, -score, partial=("sensitivity", 0.6, 0.9)).partial_auc
    assert [one.value, one.lower] == pytest.approx([other.value, other.lower])


def test_standardised_area_of_a_useless_score_is_one_half():
    curve = roc([0, 1, 0, 1], [1, 1, 1, 1], partial=("specificity", 0.8, 1.0))
    assert curve.partial_auc.value == pytest.approx(0.02)
    assert curve.partial_auc_standardised.value == pytest.approx(0.5)
    assert "McClish" in curve.partial_auc_standardised.method


def test_standardised_area_of_a_perfect_score_is_1_without_interval():
    curve = roc([0, 0, 1, 1], [1, 2, 3, 4], partial=("specificity", 0.8, 1.0))
    assert curve.partial_auc.value == pytest.approx(0.2)
    assert curve.partial_auc_standardised.value == pytest.approx(1.0)
    assert curve.partial_auc.lower is None
    assert curve.partial_auc.reason


def test_bounds_of_a_high_partial_area_stay_within_its_range():
    truth = np.r_[np.zeros(40), np.ones(40)]
    score = np.r_[np.arange(40), np.arange(37, 77)].astype(float)
    e = roc(truth, score, partial=("specificity", 0.5, 1.0)).partial_auc
    assert 0 < e.lower < e.value < e.upper < 0.5
    assert "logit" in e.method


# Points and bands


def test_each_distinct_score_is_one_point_from_corner_to_corner():
    points = roc([1, 0, 1, 0, 1], [3, 3, 2, 1, 1]).points
    assert points.threshold.tolist() == [np.inf, 3.0, 2.0, 1.0]
    assert points.sensitivity.tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert points.specificity.tolist() == [1.0, 0.5, 0.5, 0.0]
    assert (points.sensitivity_lower, points.band, points.reason) == (None, "", "")


@pytest.mark.parametrize("level", [0.95, 0.8])
def test_pointwise_band_is_the_accuracy_table_at_each_threshold(level):
    truth, score = simulated(2, 40, ties=True)
    points = roc(truth, score, bands=True, level=level).points
    for k, t in enumerate(points.threshold):
        table = accuracy_table(truth, score >= t, level=level)
        for e, low, high in (
            (table.sensitivity, points.sensitivity_lower, points.sensitivity_upper),
            (table.specificity, points.specificity_lower, points.specificity_upper),
        ):
            assert [low[k], high[k]] == pytest.approx([e.lower, e.upper], abs=1e-12)
    assert points.band == "pointwise Wilson"


def test_one_participant_has_a_band_that_knows_nothing():
    points = roc([0, 1, 0, 1], [1, 2, 3, 4], cluster=[7] * 4, bands=True).points
    assert points.sensitivity_lower.tolist() == [0.0] * 5
    assert points.sensitivity_upper.tolist() == [1.0] * 5


def test_a_clustered_band_without_variance_takes_the_number_of_participants():
    # Each participant has one lesion called of two at the threshold 2: no variance between them.
    truth, score = [1] * 8 + [0], [2, 1] * 4 + [0]
    group = np.append(np.repeat(np.arange(4), 2), 9)
    points = roc(truth, score, cluster=group, bands=True).points
    e = proportion_interval(2, 4)
    assert points.sensitivity[1] == 0.5
    assert [points.sensitivity_lower[1], points.sensitivity_upper[1]] == [e.lower, e.upper]


def test_clustered_band_equals_the_clustered_proportion_at_each_threshold():
    truth, score, _, group = clustered(5, 30)
    score = np.round(score)
    points = roc(truth, score, cluster=group, bands="pointwise", level=0.9).points
    for k, t in enumerate(points.threshold):
        for at, called, low, high in (
            (truth, score >= t, points.sensitivity_lower, points.sensitivity_upper),
            (~truth, score < t, points.specificity_lower, points.specificity_upper),
        ):
            e = clustered_proportion(*count_by_cluster(called[at], group[at]), level=0.9)
            assert [low[k], high[k]] == pytest.approx([e.lower, e.upper], abs=1e-9)
    assert points.band == "pointwise cluster-robust logit"


def test_simultaneous_band_covers_the_whole_curve_as_often_as_it_says():
    rng = np.random.default_rng(1)
    truth = np.repeat([True, False], [40, 60])
    grid, covered = np.linspace(-2, 3, 40), 0
    for _ in range(20):
        points = roc(truth, rng.normal(truth * 1.0), bands="simultaneous").points
        at = np.searchsorted(-points.threshold, -grid, side="right") - 1
        sensitivity, specificity = stats.norm.sf(grid - 1), stats.norm.cdf(grid)
        covered += bool(
            (points.sensitivity_lower[at] <= sensitivity).all()
            and (sensitivity <= points.sensitivity_upper[at]).all()
            and (points.specificity_lower[at] <= specificity).all()
            and (specificity <= points.specificity_upper[at]).all()
        )
    assert covered >= 18
    assert points.band.startswith("simultaneous Kolmogorov-Smirnov")


def test_simultaneous_band_has_the_width_of_kolmogorov():
    truth, score = simulated(3, 100)
    points = roc(truth, score, bands="simultaneous").points
    width = stats.kstwo.ppf(np.sqrt(0.95), truth.sum())
    middle = np.argmin(np.abs(points.sensitivity - 0.5))
    assert points.sensitivity_upper[middle] - points.sensitivity[middle] == pytest.approx(width)
    assert points.sensitivity_lower.min() == 0.0


def test_simultaneous_bands_of_clusters_are_refused():
    with pytest.raises(ValueError, match="ask for the pointwise band"):
        roc([0, 1, 0, 1], [1, 2, 3, 4], cluster=["a", "a", "b", "b"], bands="simultaneous")


def test_simultaneous_bands_stay_within_0_and_1():
    points = roc(*simulated(4, 30), bands="simultaneous").points
    assert max(points.sensitivity_upper.max(), points.specificity_upper.max()) == 1.0
    assert min(points.sensitivity_lower.min(), points.specificity_lower.min()) == 0.0
