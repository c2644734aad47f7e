import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.agreement import (
    bland_altman,
    correlation,
    deming,
    icc,
    lin_ccc,
    passing_bablok,
    within_tolerance,
)
from tests.evaluation.reference_cases import reference_csv, reference_json


@pytest.mark.real_data
def test_bland_altman_equals_the_1986_paper():
    case = reference_json("agreement_pefr_1986.json")
    expected = case["expected_wright1_minus_mini1"]
    r = bland_altman(case["wright1"], case["mini1"], multiplier=2, limit_interval="sqrt3")
    assert r.bias.value == pytest.approx(expected["bias"])
    assert (r.bias.lower, r.bias.upper) == pytest.approx(expected["ci_bias"])
    assert r.sd == pytest.approx(expected["sd"])
    assert [r.lower_limit.value, r.upper_limit.value] == pytest.approx(expected["loa_2sd"])
    for limit, name in ((r.lower_limit, "ci_lower_loa_2sd"), (r.upper_limit, "ci_upper_loa_2sd")):
        assert [limit.lower, limit.upper] == pytest.approx(expected[name])
    plain = bland_altman(case["wright1"], case["mini1"])
    assert [plain.lower_limit.value, plain.upper_limit.value] == pytest.approx(expected["loa_196"])


@pytest.mark.real_data
def test_log_limits_equal_the_1999_paper():
    rows = reference_csv("agreement_plasma_volume_1999.csv")
    expected = reference_json("agreement_plasma_volume_1999_expected.json")
    nadler, hurley = ([float(r[name]) for r in rows] for name in ("Nadler", "Hurley"))
    log, raw = bland_altman(nadler, hurley, log=True), bland_altman(nadler, hurley)
    assert raw.bias.value == pytest.approx(expected["raw"]["bias"])
    assert raw.sd == pytest.approx(expected["raw"]["sd"])
    assert log.bias.value == pytest.approx(expected["natural_log"]["bias"])
    limits = [log.lower_limit.value, log.upper_limit.value]
    assert limits == pytest.approx(expected["natural_log"]["loa"])
    assert np.exp(limits) == pytest.approx(expected["natural_log"]["ratio_limits"])


@pytest.mark.real_data
def test_concordance_and_correlation_equal_r():
    case = reference_json("agreement_pefr_1986.json")
    x, y = case["wright1"], case["mini1"]
    c, r = lin_ccc(x, y), correlation(x, y)
    assert c.value == pytest.approx(case["lin"]["ccc"], rel=1e-12)
    assert [c.lower, c.upper] == pytest.approx(case["lin"]["z_ci"], rel=1e-9)
    assert r.value == pytest.approx(case["lin"]["pearson"])
    assert [r.lower, r.upper] == pytest.approx(case["lin"]["pearson_ci"])


@pytest.mark.real_data
def test_six_intraclass_forms_equal_shrout_and_fleiss():
    case = reference_json("icc_shrout_fleiss_1979.json")
    forms = icc(case["table_subjects_by_judges"])
    for expected in case["expected"]:
        form = forms[expected["type"]]
        e = form.estimate
        assert [e.value, e.lower, e.upper] == pytest.approx(
            [expected["icc"], expected["lower"], expected["upper"]], rel=1e-9
        )
        assert (form.f, form.df1, form.df2) == pytest.approx(
            (expected["F"], expected["df1"], expected["df2"])
        )


@pytest.mark.real_data
def test_two_way_single_forms_equal_irr():
    case = reference_json("agreement_pefr_1986.json")
    forms = icc(np.column_stack([case["wright1"], case["mini1"]]))
    for name, key in (("ICC3", "consistency"), ("ICC2", "agreement")):
        e = forms[name].estimate
        assert [e.value, e.lower, e.upper] == pytest.approx(case["icc_two_way_single"][key])


def _nested(seed, clusters, *, between, within, bias=0.0):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 6, clusters)
    subject = np.repeat(np.arange(clusters), sizes)
    shift = rng.normal(0, between, clusters)[subject] + rng.normal(0, within, len(subject))
    x = rng.normal(10, 3, len(subject))
    return x + bias + shift, x, subject


def test_replicates_recover_the_variance_components():
    x, y, subject = _nested(1, 3000, between=1.0, within=0.6, bias=0.5)
    r = bland_altman(x, y, subject=subject)
    assert r.between_sd == pytest.approx(1.0, abs=0.05)
    assert r.within_sd == pytest.approx(0.6, abs=0.03)
    assert r.upper_limit.value == pytest.approx(0.5 + 1.96 * np.sqrt(1.36), abs=0.08)
    assert r.bias.clusters == 3000


def test_variance_components_equal_a_hand_calculation():
    difference, subject = np.array([1.0, 3.0, 2.0, 6.0, 4.0, 5.0]), np.array([1, 1, 2, 3, 3, 3])
    r = bland_altman(difference, np.zeros(6), subject=subject)
    grand = 3.5
    between = (2 * (2 - grand) ** 2 + (2 - grand) ** 2 + 3 * (5 - grand) ** 2) / 2
    within = (1 + 1 + 1 + 1 + 0) / 3
    m0 = (36 - (4 + 1 + 9)) / (2 * 6)
    assert r.sd == pytest.approx(np.sqrt(within + (between - within) / m0))


def test_limits_with_replicates_cover_the_true_limit():
    hits = 0
    for seed in range(200):
        x, y, subject = _nested(seed, 60, between=1.0, within=0.6)
        limit = bland_altman(x, y, subject=subject).upper_limit
        hits += limit.lower <= 1.959964 * np.sqrt(1.36) <= limit.upper
    assert hits / 200 >= 0.91


def test_one_pair_per_participant_equals_no_clustering():
    x, y, _ = _nested(4, 30, between=1, within=1)
    assert bland_altman(x, y, subject=np.arange(len(x))) == bland_altman(x, y)


def test_pairs_that_are_not_positive_have_no_ratio_and_count_as_missing():
    r = bland_altman([1.0, 0.0, 2.0, 3.0, np.nan], [1.1, 1.0, 2.1, 2.9, 1.0], log=True)
    assert (r.bias.n, r.bias.missing) == (3, 2)


def test_two_participants_have_a_bias_but_no_limits():
    r = bland_altman([1.0, 2.0], [1.5, 2.2])
    assert r.bias.value == pytest.approx(-0.35)
    assert r.upper_limit.value is None
    assert "three participants" in r.upper_limit.reason


def test_no_pair_gives_reasons_and_no_crash():
    r = bland_altman([], [])
    assert r.bias.value is None
    assert r.bias.reason


@given(st.lists(st.tuples(st.floats(0.1, 50), st.floats(0.1, 50)), min_size=4, max_size=30))
def test_concordance_never_exceeds_correlation(pairs):
    x, y = np.array(pairs).T
    c, r = lin_ccc(x, y), correlation(x, y)
    if c.value is not None and r.value is not None:
        assert abs(c.value) <= abs(r.value) + 1e-9


def test_clustered_concordance_needs_a_seed_and_repeats_itself():
    x, y, subject = _nested(2, 40, between=1, within=1)
    with pytest.raises(ValueError, match="seed"):
        lin_ccc(x, y, subject=subject)
    assert lin_ccc(x, y, subject=subject, seed=5) == lin_ccc(x, y, subject=subject, seed=5)


def test_within_tolerance_includes_its_boundary():
    e = within_tolerance([10.0, 10.0, 10.0], [13.0, 13.1, 7.0], relative=0.3)
    assert e.value == pytest.approx(2 / 3)


def test_constant_values_are_not_estimable_with_a_reason():
    assert lin_ccc([1.0] * 5, [1.0] * 5).reason == "both variables are constant"
    assert correlation([1.0] * 5, [1, 2, 3, 4, 5]).reason == "one variable is constant"


@pytest.mark.real_data
def test_deming_and_passing_bablok_equal_mcr():
    rows = reference_csv("regression_creatinine.csv")
    expected = reference_json("regression_creatinine_expected.json")["expected"]
    x, y = ([float(row[name]) for row in rows] for name in ("serum", "plasma"))
    for fitted, name in (
        (deming(x, y), "deming_ratio1_jackknife"),
        (deming(x, y, error_ratio=4), "deming_ratio4_jackknife"),
        (passing_bablok(x, y), "paba_analytical"),
    ):
        for e, part in ((fitted.intercept, "intercept"), (fitted.slope, "slope")):
            assert [e.value, e.lower, e.upper] == pytest.approx(expected[name][part], rel=1e-6)


def test_a_line_without_error_is_found_by_both():
    x = np.arange(1.0, 12.0)
    for fitted in (deming(x, 2 * x + 1), passing_bablok(x, 2 * x + 1)):
        assert fitted.slope.value == pytest.approx(2)
        assert fitted.intercept.value == pytest.approx(1)


def test_too_few_pairs_for_a_line_say_so():
    assert "fewer than four" in deming([1, 2], [1, 2]).slope.reason
    assert "fewer than four" in passing_bablok([1, 2], [1, 2]).slope.reason
