import math

import numpy as np
import pytest
from scipy import integrate, stats

from evaluation.statistics import (
    auc_detectable,
    auc_power,
    auc_precision,
    auc_variance,
    correlation_precision,
    design_effect,
    limits_precision,
    paired_proportion_detectable,
    pooled_precision,
    proportion_interval,
    proportion_precision,
    proportion_sample_size,
)
from tests.evaluation.reference_cases import reference_json


@pytest.mark.parametrize(
    ("n", "half", "digits"), [(10_000, 0.033, 3), (2000, 0.075, 3), (500, 0.15, 2), (200, 0.24, 2)]
)
def test_a_limit_of_agreement_is_as_precise_as_the_plan_says(n, half, digits):
    e = limits_precision(n)
    assert e.value == 1.96
    assert e.upper - e.value == pytest.approx(half, abs=0.6 * 10**-digits)


@pytest.mark.parametrize(
    ("n", "lower", "upper", "digits"),
    [(10_000, 0.8445, 0.8553, 4), (1000, 0.832, 0.866, 3), (200, 0.806, 0.884, 3)],
)
def test_a_correlation_is_as_precise_as_the_plan_says(n, lower, upper, digits):
    e = correlation_precision(0.85, n)
    assert (round(e.lower, digits), round(e.upper, digits)) == (lower, upper)


@pytest.mark.parametrize(
    ("n", "prevalence", "half"),
    [(10_000, 0.3, 0.009), (2000, 0.3, 0.021), (500, 0.3, 0.041), (10_000, 0.1, 0.015)],
)
def test_an_area_is_as_precise_as_the_plan_says(n, prevalence, half):
    e = auc_precision(0.85, round(prevalence * n), round((1 - prevalence) * n))
    assert round(e.upper - e.value, 3) == half


@pytest.mark.parametrize(
    ("n", "lower", "upper"), [(3000, 0.889, 0.910), (300, 0.861, 0.929), (100, 0.826, 0.945)]
)
def test_a_sensitivity_is_as_precise_as_the_plan_says(n, lower, upper):
    e = proportion_precision(0.90, n)
    assert (round(e.lower, 3), round(e.upper, 3)) == (lower, upper)


@pytest.mark.parametrize(("n", "points"), [(3000, 1.6), (1000, 2.8), (300, 5.1)])
def test_paired_sensitivity_differences_are_detected_as_the_plan_says(n, points):
    d = paired_proportion_detectable(n, 0.10)
    assert round(100 * d.difference, 1) == points


@pytest.mark.parametrize(("n", "difference"), [(10_000, 0.012), (2000, 0.026)])
def test_paired_area_differences_are_detected_as_the_plan_says(n, difference):
    d = auc_detectable(0.85, round(0.3 * n), round(0.7 * n), correlation=0.6)
    assert round(d.difference, 3) == difference


@pytest.mark.parametrize(("tau", "half"), [(0, 0.013), (0.01, 0.018), (0.02, 0.028), (0.03, 0.039)])
def test_five_sites_pool_as_precisely_as_the_plan_says(tau, half):
    p = pooled_precision(0.85, auc_variance(0.85, 600, 1400), 5, tau=tau)
    assert round(p.stratified.upper - 0.85, 3) == 0.009
    assert round(p.random_effects.upper - 0.85, 3) == half
    if tau == 0.02:
        assert round(p.prediction.upper - 0.85, 3) == 0.071


@pytest.mark.real_data
def test_power_of_an_area_equals_proc():
    case = reference_json("roc_asah_expected.json")["sample_size"]
    p = auc_power(case["auc"], case["ncases"], case["ncontrols"])
    assert round(p.power, 7) == case["power"]


def test_power_of_another_area_equals_proc():
    p = auc_power(0.8, 20, 35, alpha=0.01)
    assert p.power == pytest.approx(0.9147398665, abs=1e-10)
    assert (p.n, p.alpha) == (55, 0.01)


def test_power_does_not_depend_on_the_direction_of_the_score():
    assert auc_power(0.3, 40, 70).power == pytest.approx(auc_power(0.7, 40, 70).power)


def test_binormal_variance_equals_the_integral_of_its_definition():
    area, m, n = 0.8, 30, 50
    shift = math.sqrt(2) * stats.norm.ppf(area)
    q, _ = integrate.quad(lambda y: stats.norm.pdf(y) * stats.norm.sf(y - shift) ** 2, -9, 9)
    expected = (area * (1 - area) + (m + n - 2) * (q - area**2)) / (m * n)
    assert auc_variance(area, m, n, method="binormal") == pytest.approx(expected, rel=1e-9)


def test_binormal_variance_is_the_mean_of_delongs_variance():
    rng, shift = np.random.default_rng(1), math.sqrt(2) * stats.norm.ppf(0.8)
    areas = [
        (rng.normal(shift, 1, 20)[:, None] > rng.normal(0, 1, 30)[None, :]).mean()
        for _ in range(3000)
    ]
    expected = auc_variance(0.8, 20, 30, method="binormal")
    assert np.var(areas) == pytest.approx(expected, rel=0.08)


def test_the_smallest_sample_is_found_and_one_fewer_is_too_few():
    size = proportion_sample_size(0.90, 0.035)
    fewer = proportion_precision(0.90, size.n - 1)
    assert size.expected.upper - size.expected.lower <= 0.07
    assert fewer.upper - fewer.lower > 0.07


def test_a_planned_proportion_is_the_interval_it_will_be():
    planned, seen = (
        proportion_precision(0.9, 300, method="clopper_pearson"),
        proportion_interval(270, 300, method="clopper_pearson"),
    )
    assert (planned.lower, planned.upper) == pytest.approx((seen.lower, seen.upper))
    assert planned.flags == ("planned",)
    assert (planned.n, planned.clusters, planned.missing) == (300, 300, 0)


def test_a_design_effect_shrinks_the_sample():
    assert proportion_precision(0.9, 300, design_effect=1.5).lower == pytest.approx(
        proportion_precision(0.9, 200).lower
    )
    wide, plain = auc_precision(0.7, 50, 50, design_effect=4.0), auc_precision(0.7, 50, 50)
    assert wide.upper - 0.7 == pytest.approx(2 * (plain.upper - 0.7))


def test_design_effect_of_unequal_clusters_weights_by_observations():
    assert design_effect(0.2, [1, 3]) == pytest.approx(1 + (10 / 4 - 1) * 0.2)
    assert design_effect(0.5, [1, 1, 1]) == 1.0


def test_too_few_discordant_pairs_detect_nothing_and_say_so():
    d = paired_proportion_detectable(20, 0.05)
    assert d.difference is None
    assert "discordant" in d.reason


def test_an_interval_of_an_area_is_symmetric_until_it_is_cut_at_0_and_1():
    e, cut = auc_precision(0.7, 40, 60), auc_precision(0.98, 5, 5)
    assert e.value - e.lower == pytest.approx(e.upper - e.value)
    assert cut.upper == 1.0
    assert auc_precision(0.02, 5, 5).lower == 0.0
    assert e.n == auc_detectable(0.7, 40, 60, correlation=0.5).n == 100


@pytest.mark.parametrize(
    "bad",
    [
        lambda: proportion_precision(1.0, 10),
        lambda: proportion_precision(0.5, 0),
        lambda: proportion_precision(0.5, 10, method="wald"),
        lambda: proportion_precision(0.5, 10, design_effect=0.0),
        lambda: proportion_sample_size(0.5, 0.0),
        lambda: limits_precision(2),
        lambda: limits_precision(20, sd=-1.0),
        lambda: correlation_precision(1.0, 20),
        lambda: correlation_precision(0.5, 3),
        lambda: auc_precision(0.8, 0, 5),
        lambda: auc_precision(1.0, 5, 5),
        lambda: auc_variance(0.8, 5, 5, method="delong"),
        lambda: auc_power(0.8, 0, 5),
        lambda: auc_power(0.8, 5, 5, alpha=0.0),
        lambda: auc_detectable(0.8, 5, 5, correlation=1.0),
        lambda: paired_proportion_detectable(0, 0.1),
        lambda: paired_proportion_detectable(10, 0.0),
        lambda: pooled_precision(0.8, 0.0, 5),
        lambda: pooled_precision(0.8, 0.1, 2),
        lambda: pooled_precision(0.8, 0.1, 5, tau=-1.0),
        lambda: design_effect(0.5, []),
        lambda: design_effect(2.0, [1, 2]),
        lambda: design_effect(0.5, [0, 2]),
    ],
)
def test_impossible_plans_are_refused(bad):
    with pytest.raises(ValueError, match=r"must|needed|choose|cannot|size|least"):
        bad()
