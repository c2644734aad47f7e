import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.statistics import (
    adjusted_p_values,
    fixed_sequence,
    hierarchical,
    leave_one_out,
    random_effects,
)
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


@pytest.mark.parametrize(
    ("bad", "options"),
    [
        (([1.0, 2.0], [0.1, 0.0]), {}),
        (([1.0, 2.0], [0.1]), {}),
        (([1.0, 2.0], [0.1, np.nan]), {}),
        (([1.0, 2.0], [0.1, np.inf]), {}),
        (([1.0, np.nan], [0.1, 0.1]), {}),
        (([1.0, 2.0], [0.1, 0.1]), {"method": "ml"}),
        (([1.0, 2.0], [0.1, 0.1]), {"knapp_hartung": "adhoc"}),
    ],
)
def test_impossible_sites_are_refused(bad, options):
    for pool in (random_effects, leave_one_out):
        with pytest.raises(ValueError, match=r"variance|length|method|knapp"):
            pool(*bad, **options)


def test_prediction_needs_a_degree_of_freedom():
    with pytest.raises(ValueError, match="prediction_df"):
        random_effects([1.0, 2.0], [0.1, 0.1], prediction_df=0)


def test_two_sites_leave_one_that_is_not_pooled():
    left = leave_one_out([1.0, 2.0], [0.1, 0.1])
    assert [e.reason for e in left] == ["fewer than two sites"] * 2


def _bcg():
    rows = reference_csv("meta_bcg.csv")
    return [float(row["yi"]) for row in rows], [float(row["vi"]) for row in rows]


@pytest.mark.real_data
def test_the_interval_of_the_variance_between_sites_equals_metafor():
    r = random_effects(*_bcg())
    assert (r.tau2_lower, r.tau2_upper) == pytest.approx((0.1197183611, 1.1114790841), abs=5e-11)


@pytest.mark.real_data
@pytest.mark.parametrize(("method", "tau2"), [("pm", 0.31806845220502), ("reml", 0.31324325813648)])
def test_the_variance_between_sites_equals_metafor_iterated_to_the_end(method, tau2):
    assert random_effects(*_bcg(), method=method).tau2 == pytest.approx(tau2, rel=1e-12)


@pytest.mark.real_data
def test_leaving_out_each_site_equals_metafor():
    left = leave_one_out(*_bcg(), method="dl", knapp_hartung=False)
    expected = [
        -0.70512520, -0.65451588, -0.68484175, -0.61869687, -0.76403570, -0.71272734, -0.65569395,
        -0.79008660, -0.73926336, -0.65258520, -0.76069417, -0.76001282, -0.77892374,
    ]  # fmt: skip
    assert [e.value for e in left] == pytest.approx(expected, abs=5e-9)
    assert (left[3].lower, left[3].upper) == pytest.approx((-0.94027418, -0.29711956), abs=5e-9)


def test_the_modified_interval_of_sites_that_agree_equals_metafor():
    y, v = [0.1, 0.11, 0.105, 0.102], [0.01, 0.02, 0.015, 0.01]
    modified = random_effects(y, v, knapp_hartung="modified").estimate
    plain = random_effects(y, v).estimate
    assert (modified.lower, modified.upper) == pytest.approx((-0.07557488544, 0.28210120123))
    assert (plain.lower, plain.upper) == pytest.approx((0.0969870408, 0.1095392750))
    assert (modified.flags, plain.flags) == ((), ("below_usual_variance",))


def test_prediction_may_take_two_degrees_of_freedom_fewer_than_sites():
    y, v = [0.1, 0.5, 0.3, 0.9], [0.01] * 4
    higgins = random_effects(y, v, knapp_hartung=False, prediction_df=2)
    usual = random_effects(y, v, knapp_hartung=False)
    widen = 4.30265273 / 1.95996398
    middle = usual.estimate.value
    assert higgins.prediction_upper - middle == pytest.approx(
        widen * (usual.prediction_upper - middle), rel=1e-8
    )
    assert (higgins.estimate.lower, higgins.tau2) == (usual.estimate.lower, usual.tau2)


@settings(max_examples=20)
@given(shift=st.floats(-5, 5), scale=st.floats(0.1, 10))
def test_pooling_moves_with_shift_and_scale(shift, scale):
    y, v = np.array([0.1, 0.5, 0.3, 0.9]), np.array([0.02, 0.01, 0.04, 0.01])
    one, other = random_effects(y, v), random_effects(scale * y + shift, scale**2 * v)
    assert other.estimate.value == pytest.approx(
        scale * one.estimate.value + shift, rel=1e-6, abs=1e-6
    )
    assert other.tau2 == pytest.approx(scale**2 * one.tau2, rel=1e-6)
    assert other.i2_percent == pytest.approx(one.i2_percent, rel=1e-6)


@pytest.mark.real_data
@pytest.mark.parametrize("method", ["holm", "hochberg", "bh"])
def test_adjusted_p_values_equal_r(method):
    case = reference_json("multiplicity_bh_1995.json")
    adjusted = adjusted_p_values(case["p"], method=method)
    assert adjusted == pytest.approx(case[method], abs=5e-7)
    assert int((adjusted <= 0.05).sum()) == case["rejections"][method]


@settings(max_examples=25)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.sampled_from(["bonferroni", "holm", "hochberg", "bh", "by"]))  # fmt: skip
def test_adjusting_never_lowers_a_p_value_nor_changes_the_order(p, method):
    adjusted = adjusted_p_values(p, method=method)
    assert np.all(adjusted >= np.array(p) - 1e-15)
    assert np.all(np.diff(adjusted[np.argsort(p, kind="stable")]) >= -1e-15)


def test_a_gap_stops_the_fixed_sequence():
    assert fixed_sequence([0.01, None, 0.001]) == (True, False, False)


def test_bonferroni_and_benjamini_yekutieli_follow_their_formulas():
    p = [0.01, 0.02, 0.3]
    assert adjusted_p_values(p, method="bonferroni") == pytest.approx([0.03, 0.06, 0.9])
    by = np.array([0.01 * 3, 0.02 * 3 / 2, 0.3]) * (1 + 1 / 2 + 1 / 3)
    assert adjusted_p_values(p, method="by") == pytest.approx(np.minimum(by, 1))


@pytest.mark.parametrize(
    "bad", [([1.2], "holm"), ([np.nan], "bh"), ([-0.1], "holm"), ([0.1], "sidak")]
)
def test_impossible_p_values_and_methods_are_refused(bad):
    with pytest.raises(ValueError, match=r"p-value|method"):
        adjusted_p_values(bad[0], method=bad[1])


def test_an_impossible_p_value_does_not_pass_the_fixed_sequence():
    with pytest.raises(ValueError, match="p-value"):
        fixed_sequence([-1.0, 0.01])


def test_a_family_is_reached_only_when_all_before_it_were_rejected():
    first, second = hierarchical([[0.01, 0.04], [0.001]])
    assert [t.rejected for t in first] == [True, True]
    assert second[0].rejected
    first, second = hierarchical([[0.01, 0.06], [0.001]])
    assert [t.rejected for t in first] == [True, False]
    assert (second[0].reached, second[0].rejected) == (False, False)
    assert second[0].adjusted == pytest.approx(0.06)


def test_adjusted_p_values_of_a_hierarchy_never_fall():
    tested = hierarchical([[0.02], [0.001, 0.01], [0.04]])
    assert [t.adjusted for family in tested for t in family] == [0.02, 0.02, 0.02, 0.04]


def test_a_test_that_is_not_estimable_closes_the_hierarchy():
    first, second, third = hierarchical([[0.01, None], [0.001], [0.001]])
    assert (first[0].rejected, first[1].rejected) == (True, False)
    assert (first[1].adjusted, second[0].adjusted, third[0].adjusted) == (None, None, None)
    assert not second[0].reached
    assert not third[0].reached


def test_a_p_value_at_alpha_rejects():
    assert fixed_sequence([0.05, 0.05]) == (True, True)


@pytest.mark.parametrize(
    "bad",
    [{"families": [[]]}, {"alpha": 0.0}, {"alpha": 1.0}, {"method": "bh"}, {"families": [[2.0]]}],
)
def test_impossible_hierarchies_are_refused(bad):
    request = {"families": [[0.1]]} | bad
    families = request.pop("families")
    with pytest.raises(ValueError, match=r"family|alpha|method|p-value"):
        hierarchical(families, **request)
