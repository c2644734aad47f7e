import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.statistics import adjusted_p_values, fixed_sequence, random_effects
from tests.evaluation.reference_cases import reference_csv, reference_json


@pytest.mark.real_data
@pytest.mark.parametrize("method", ["DL", "PM", "REML"])
@pytest.mark.parametrize("test", ["z", "knha"])
def test_random_effects_equal_metafor_on_bcg(method, test):
    rows = reference_csv("meta_bcg.csv")
    expected = reference_json("meta_bcg_expected.json")[f"{method}_{test}"]
    r = random_effects(
        [float(row["yi"]) for row in rows], [float(row["vi"]) for row in rows],
        method=method.lower(), knapp_hartung=test == "knha",
    )  # fmt: skip
    tolerance = {"DL": 1e-6, "REML": 2e-5, "PM": 3e-4}[method]  # metafor iterates to 1e-4 or so
    assert r.tau2 == pytest.approx(expected["tau2"], rel=tolerance)
    assert r.estimate.value == pytest.approx(expected["mu"], rel=tolerance)
    assert [r.estimate.lower, r.estimate.upper] == pytest.approx(expected["ci"], rel=tolerance)
    assert (r.i2_percent, r.q) == pytest.approx((expected["I2"], expected["Q"]), rel=tolerance)
    assert [r.prediction_lower, r.prediction_upper] == pytest.approx(expected["pi"], rel=tolerance)


@pytest.mark.real_data
def test_fixed_effect_equals_metafor_on_bcg():
    rows = reference_csv("meta_bcg.csv")
    expected = reference_json("meta_bcg_expected.json")["FE_z"]
    r = random_effects(
        [float(row["yi"]) for row in rows], [float(row["vi"]) for row in rows],
        method="fixed", knapp_hartung=False,
    )  # fmt: skip
    assert [r.estimate.value, r.estimate.lower, r.i2_percent, r.q_p_value] == pytest.approx(
        [expected["mu"], expected["ci"][0], expected["I2"], expected["Qp"]]
    )


def test_identical_sites_have_no_heterogeneity_and_pool_to_themselves():
    r = random_effects([0.8] * 5, [0.01, 0.02, 0.01, 0.04, 0.03], knapp_hartung=False)
    assert (r.tau2, r.i2_percent) == (0.0, 0.0)
    assert r.estimate.value == pytest.approx(0.8)


def test_one_site_is_not_pooled_and_says_why():
    assert random_effects([0.8], [0.01]).estimate.reason == "fewer than two sites"


@pytest.mark.parametrize("bad", [([1.0, 2.0], [0.1, 0.0]), ([1.0, 2.0], [0.1])])
def test_impossible_variances_are_refused(bad):
    with pytest.raises(ValueError, match=r"variance|length"):
        random_effects(*bad)


@pytest.mark.real_data
@pytest.mark.parametrize("method", ["holm", "hochberg", "bh"])
def test_adjusted_p_values_equal_r(method):
    case = reference_json("multiplicity_bh_1995.json")
    adjusted = adjusted_p_values(case["p"], method=method)
    assert adjusted == pytest.approx(case[method], abs=5e-7)
    assert int((adjusted <= 0.05).sum()) == case["rejections"][method]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.sampled_from(["bonferroni", "holm", "hochberg", "bh"]))  # fmt: skip
def test_adjusting_never_lowers_a_p_value_nor_changes_the_order(p, method):
    adjusted = adjusted_p_values(p, method=method)
    assert np.all(adjusted >= np.array(p) - 1e-15)
    assert np.all(np.diff(adjusted[np.argsort(p, kind="stable")]) >= -1e-15)


def test_a_gap_stops_the_fixed_sequence():
    assert fixed_sequence([0.01, None, 0.001]) == (True, False, False)
