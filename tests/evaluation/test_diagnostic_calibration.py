import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from evaluation.diagnostic import calibration, cross_validated_risk
from evaluation.diagnostic.logistic import fit_logistic
from evaluation.statistics import proportion_interval


def _risks(seed, n=400, slope=1.0, shift=0.0):
    rng = np.random.default_rng(seed)
    logit = rng.normal(-0.5, 1.2, n)
    truth = (rng.random(n) < special.expit(shift + slope * logit)).astype(int)
    return truth, special.expit(logit)


def test_recalibration_recovers_slope_and_intercept():
    truth, risk = _risks(1, 40_000, slope=0.7, shift=0.3)
    found = calibration(truth, risk)
    assert found.slope.lower < 0.7 < found.slope.upper
    assert found.intercept.lower < 0.3 < found.intercept.upper


def test_after_recalibration_slope_is_1_and_intercepts_are_0():
    truth, risk = _risks(2, slope=0.6, shift=0.4)
    first = calibration(truth, risk)
    again = special.expit(first.intercept.value + first.slope.value * special.logit(risk))
    found = calibration(truth, again)
    assert [found.slope.value, found.intercept.value, found.in_the_large.value] == pytest.approx(
        [1, 0, 0], abs=1e-8
    )
    assert found.observed_expected.value == pytest.approx(1.0)


def test_intervals_of_a_right_model_are_those_of_the_information():
    truth, risk = _risks(3, 20_000)
    x = np.column_stack([np.ones(20_000), special.logit(risk)])
    information = (x * (risk * (1 - risk))[:, None]).T @ x
    se = np.sqrt(np.diag(np.linalg.inv(information)))
    found = calibration(truth, risk)
    for e, expected in ((found.intercept, se[0]), (found.slope, se[1])):
        assert (e.upper - e.lower) / 2 / 1.959964 == pytest.approx(expected, rel=0.05)


def test_observed_to_expected_uses_the_log_scale():
    truth, risk = np.array([1, 0, 1, 1, 0, 0]), np.array([0.5, 0.2, 0.6, 0.3, 0.1, 0.3])
    e = calibration(truth, risk, bins=1).observed_expected
    assert e.value == pytest.approx(1.5)
    se = math.sqrt(np.sum((truth / 3 - risk / 2) ** 2))
    assert [e.lower, e.upper] == pytest.approx(
        [1.5 * math.exp(-1.959964 * se), 1.5 * math.exp(1.959964 * se)], rel=1e-6
    )


def test_brier_score_is_the_sum_of_its_parts():
    truth, risk = _risks(4)
    found = calibration(truth, risk)
    parts = found.brier_parts
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within_bins
    assert found.brier.value == pytest.approx(np.mean((truth - risk) ** 2))
    assert total == pytest.approx(found.brier.value)
    assert parts.uncertainty == pytest.approx(truth.mean() * (1 - truth.mean()))


def test_with_one_risk_for_each_bin_nothing_varies_within():
    risk = np.repeat([0.1, 0.4, 0.8], 20)
    truth = np.r_[
        np.repeat([1, 0], [3, 17]), np.repeat([1, 0], [8, 12]), np.repeat([1, 0], [15, 5])
    ]
    parts = calibration(truth, risk, bins=10).brier_parts
    assert parts.within_bins == pytest.approx(0.0, abs=1e-15)
    assert parts.reliability == pytest.approx((0.05**2 + 0.0**2 + 0.05**2) / 3)
    mean = 26 / 60
    spread = [(p - mean) ** 2 for p in (0.15, 0.4, 0.75)]
    assert parts.resolution == pytest.approx(sum(spread) / 3)


def test_points_are_bins_of_equal_size_with_wilson_intervals():
    truth, risk = _risks(5, 200)
    points = calibration(truth, risk, bins=4).points
    order = np.argsort(risk)
    assert [p.observed.n for p in points] == [50] * 4
    first = order[:50]
    assert points[0].risk == pytest.approx(risk[first].mean())
    expected = proportion_interval(int(truth[first].sum()), 50)
    assert (points[0].observed.lower, points[0].observed.upper) == (expected.lower, expected.upper)


def test_equal_risks_share_a_bin():
    points = calibration([0, 1, 1, 0, 1, 0], [0.2, 0.2, 0.2, 0.2, 0.9, 0.3], bins=3).points
    assert [p.observed.n for p in points] == [4, 2]


def test_duplicated_members_leave_clustered_calibration_unchanged():
    truth, risk = _risks(6, 150)
    group = np.arange(150) // 3
    once = calibration(truth, risk, cluster=group).estimates()
    twice = calibration(np.tile(truth, 2), np.tile(risk, 2), cluster=np.tile(group, 2)).estimates()
    for name, e in once.items():
        assert [e.lower, e.upper] == pytest.approx([twice[name].lower, twice[name].upper])
        assert e.clusters == 50


@pytest.mark.parametrize(
    ("truth", "risk", "word"),
    [
        ([1, 1, 1], [0.2, 0.5, 0.7], "no negative case"),
        ([0, 0, 0], [0.2, 0.5, 0.7], "no observation has"),
        ([0, 0, 1, 1], [0.2, 0.3, 0.7, 0.8], "separates the classes"),
        ([0, 0, 1, 1], [0.2, 0.5, 0.5, 0.8], "separates the classes"),
        ([1, 1, 0, 0], [0.2, 0.3, 0.7, 0.8], "separates the classes"),
        ([0, 1, 0, 1], [0.4, 0.4, 0.4, 0.4], "constant"),
        ([0, 1, 0, 1], [0.4, 0.5, 1.0, 0.0], "2 risks are exactly 0 or 1"),
        ([], [], "no observation"),
    ],
)
def test_a_slope_that_does_not_exist_says_why(truth, risk, word):
    e = calibration(truth, risk).slope
    assert (e.value, e.lower, e.upper) == (None, None, None)
    assert word in e.reason


def test_separation_leaves_the_other_measures():
    found = calibration([0, 0, 1, 1], [0.2, 0.3, 0.7, 0.8])
    assert found.in_the_large.value == pytest.approx(0.0, abs=1e-9)
    assert found.observed_expected.value == pytest.approx(1.0)
    assert found.brier.value == pytest.approx((0.04 + 0.09) / 2)


def test_no_event_has_a_ratio_of_0_without_interval():
    e = calibration([0, 0], [0.1, 0.2]).observed_expected
    assert (e.value, e.lower) == (0.0, None)
    assert "no event" in e.reason
    assert "no event is expected" in calibration([0, 1], [0.0, 0.0]).observed_expected.reason


def test_gaps_are_left_out_and_counted():
    found = calibration([1, 0, np.nan, 1, 0], [0.5, 0.2, 0.3, np.nan, 0.4])
    assert (found.brier.n, found.brier.missing) == (3, 2)


@pytest.mark.parametrize(
    ("risk", "bins", "message"),
    [
        ([0.2, 1.2], 10, "1 do not, the first is 1.2 at place 1"),
        ([-0.1, 3.0], 10, "2 do not"),
        ([0.2, 0.3], 0, "at least one bin"),
    ],
)
def test_scores_that_are_no_risks_are_refused(risk, bins, message):
    with pytest.raises(ValueError, match=message):
        calibration([0, 1], risk, bins=bins)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 19)), min_size=2, max_size=30))
def test_every_estimate_is_finite_or_has_a_reason(rows):
    truth, risk = np.array(rows, dtype=float).T
    for e in calibration(truth, risk / 20).estimates().values():
        numbers = [v for v in (e.lower, e.value, e.upper) if v is not None]
        assert all(math.isfinite(v) for v in numbers)
        assert len(numbers) == 3 or e.reason


# Logistic regression and cross-validated risks


def test_the_fit_solves_the_likelihood_equations():
    truth, risk = _risks(7)
    x = np.column_stack([np.ones(400), special.logit(risk), risk])
    fit = fit_logistic(x, truth.astype(float))
    residual = truth - special.expit(x @ fit.coefficients)
    assert x.T @ residual == pytest.approx(np.zeros(3), abs=1e-7)
    assert fit.influence.shape == (400, 3)


@pytest.mark.parametrize("y", [[], [1.0, 1.0], [0.0, 0.0]])
def test_one_class_cannot_be_fitted(y):
    fit = fit_logistic(np.ones((len(y), 1)), np.array(y))
    assert "one class only" in fit.reason
    assert np.isnan(fit.coefficients).all()


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_the_fit_does_not_depend_on_the_unit_of_a_predictor(scale):
    truth, risk = _risks(8)
    x = np.column_stack([np.ones(400), special.logit(risk)])
    one = fit_logistic(x, truth.astype(float)).coefficients
    other = fit_logistic(x * [1.0, scale], truth.astype(float)).coefficients
    assert other * [1.0, scale] == pytest.approx(one)


def test_the_fit_stands_far_from_its_start():
    rng = np.random.default_rng(1)
    x = rng.normal(0, 1, 5000)
    truth = (rng.random(5000) < special.expit(-6 + 8 * x)).astype(float)
    fit = fit_logistic(np.column_stack([np.ones(5000), x]), truth)
    assert fit.coefficients == pytest.approx([-6, 8], rel=0.15)


def test_a_risk_never_saw_its_own_site():
    rng = np.random.default_rng(2)
    site = np.repeat(["a", "b", "c"], 60)
    score = rng.normal(size=180)
    truth = (rng.random(180) < special.expit(score)).astype(float)
    found = cross_validated_risk(truth, score, site)
    turned = np.where(site == "b", 1 - truth, truth)
    again = cross_validated_risk(turned, score, site)
    assert found.risk[site == "b"].tolist() == again.risk[site == "b"].tolist()
    assert set(found.coefficients) == {"a", "b", "c"}
    others = fit_logistic(np.column_stack([np.ones(120), score[site != "b"]]), truth[site != "b"])
    assert found.coefficients["b"] == pytest.approx(others.coefficients)
    expected = special.expit(others.coefficients[0] + others.coefficients[1] * score[site == "b"])
    assert found.risk[site == "b"] == pytest.approx(expected)


def test_observations_without_reference_get_a_risk_and_without_score_none():
    site = np.repeat(["a", "b"], 6)
    truth = np.array([0, 1, 0, 1, 0, np.nan] * 2)
    score = np.array([1, 2, 3, 4, np.nan, 5] * 2, dtype=float)
    risk = cross_validated_risk(truth, score, site).risk
    assert np.isnan(risk).tolist() == [False, False, False, False, True, False] * 2


def test_several_predictors_are_fitted_together():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(100, 2))
    truth = (rng.random(100) < special.expit(x.sum(axis=1))).astype(float)
    found = cross_validated_risk(truth, x, np.arange(100) % 2)
    assert all(len(c) == 3 for c in found.coefficients.values())


def test_a_site_whose_others_are_separated_has_no_risk_and_says_why():
    found = cross_validated_risk([0, 1, 0, 1, 1, 0], [1, 2, 1, 2, 1, 2], ["a"] * 4 + ["b"] * 2)
    assert np.isnan(found.risk[4:]).all()
    assert "separates" in found.reasons["b"]
    assert "a" in found.reasons


@pytest.mark.parametrize(
    ("truth", "score", "group", "message"),
    [
        ([0, 1], [1, 2], ["a", "a"], "two groups"),
        ([0, 1], [1, 2, 3], ["a", "b"], "same length"),
        ([0, 2], [1, 2], ["a", "b"], "0 or 1"),
        ([0, 1], [1, np.inf], ["a", "b"], "infinite"),
        ([0, 1], [1, 2], ["a", None], "group of observation 1 is missing"),
    ],
)
def test_what_cannot_be_cross_validated_is_refused(truth, score, group, message):
    with pytest.raises(ValueError, match=message):
        cross_validated_risk(truth, score, group)
