"""The parts of the packaged plan beyond the main estimates."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from evaluation.analysis import Tables, run
from evaluation.diagnostic import calibration, cross_validated_risk
from evaluation.readers import obuchowski_rockette
from tests.evaluation.full_study import PLAN, full_run, full_tables, narrowed
from tests.evaluation.row_lookup import everybody, only

NODAL = {"endpoint": "nodal_metastasis", "unit": "participant"}


@pytest.fixture(scope="module")
def tables():
    return full_run()[0]


@pytest.fixture(scope="module")
def result():
    return full_run()[1]


def _scores(result, test):
    s = result.series["scores"]
    return s[(s["target_condition"] == "nodal_metastasis") & (s["unit"] == "participant")
             & (s["test"] == test)]  # fmt: skip


# the whole


def test_shuffled_tables_give_the_same_bytes(tables, result):
    shuffled = Tables(
        **{
            name: frame if name == "sites" else frame.sample(frac=1, random_state=3)
            for name, frame in vars(tables).items()
        }
    )
    again = run(PLAN, shuffled)
    assert again.rows == result.rows
    for name, frame in result.series.items():
        assert frame.to_csv() == again.series[name].to_csv(), name


def test_every_row_of_the_whole_plan_is_finite_or_has_a_reason(result):
    for row in result.rows:
        for number in (row.value, row.lower, row.upper):
            assert number is None or (type(number) is float and math.isfinite(number)), row
        if row.value is None or (row.lower is None) != (row.upper is None):
            assert row.reason, row


def test_no_two_rows_of_the_whole_plan_are_about_the_same_thing(result):
    names = ["analysis", "endpoint", "quantity", "test", "target_condition", "unit", "region",
             "analysis_set", "subgroup", "statistic"]  # fmt: skip
    assert not result.frame().duplicated(names).any()


def test_names_are_short_enough_for_the_portal(result):
    for row in result.rows:
        assert max(len(row.endpoint), len(row.quantity), len(row.test), len(row.statistic)) <= 60
        assert max(len(row.region), len(row.analysis), len(row.analysis_set)) <= 40
        assert max(len(row.family), len(row.unit), len(row.unit_of_value)) <= 20


# subgroups


def test_subgroups_have_levels_in_the_order_of_the_plan_and_one_interaction(result):
    own = [r for r in result.rows if r.endpoint == "ssim" and r.quantity == "ssim"]
    levels = [r.subgroup for r in own if r.statistic == "mean" and r.analysis == "main"
              and ":" in r.subgroup and not r.subgroup.startswith("site:")]  # fmt: skip
    assert levels == ["sex:F", "sex:M", "age:<65", "age:65+", "bmi:<24", "bmi:24-<28", "bmi:28+",
                      "stage:I", "stage:II", "stage:III", "stage:IV"]  # fmt: skip
    row = only(result, endpoint="ssim", quantity="ssim", subgroup="age", statistic="interaction_p")
    assert 0 <= row.value <= 1


def test_interaction_of_two_levels_is_the_square_of_their_z(tables, result):
    values = result.series["similarity"].query("quantity == 'psnr'")
    sex = values["participant"].map(tables.participants.set_index("participant")["sex"])
    groups = [values["value"][sex == code].astype(float) for code in ("F", "M")]
    variance = sum(g.var(ddof=1) / len(g) for g in groups)
    q = (groups[0].mean() - groups[1].mean()) ** 2 / variance
    row = only(result, endpoint="psnr", quantity="psnr", subgroup="sex", statistic="interaction_p")
    assert row.value == pytest.approx(stats.chi2.sf(q, 1))


def test_a_subgroup_counts_the_units_of_its_participants(tables, result):
    where = {**NODAL, "test": "spet_suvpeak", "analysis": "main"}
    cells = {
        s: [only(result, subgroup=s, statistic=name, **where).value for name in ("tp", "fn")]
        for s in ("all", "sex:F", "sex:M")
    }
    assert cells["all"] == [a + b for a, b in zip(cells["sex:F"], cells["sex:M"], strict=True)]


# tables of what is missing, flow, baseline


def test_the_stard_flow_adds_up_to_the_units_and_counts_the_indeterminate(result):
    rows = [r for r in result.rows if r.endpoint == "stard_flow" and r.test == "reader_ct"
            and r.unit == "participant"]  # fmt: skip
    assert sum(r.value for r in rows) == rows[0].n
    unclear = sum(r.value for r in rows if r.statistic.startswith("indeterminate:"))
    assert unclear > 0
    gone = everybody(
        result, "indeterminate", endpoint="missingness", test="reader_ct", unit="participant"
    )
    assert gone.value == unclear


def test_baseline_is_given_with_and_without_each_condition(tables, result):
    r = tables.reference_standard.query(
        "target_condition == 'distant_metastasis' and unit == 'participant' and status == 'positive'"
    )
    enrolled = tables.participants.query("enrolled")
    own = enrolled[enrolled["participant"].isin(r["participant"])]
    where = {"endpoint": "baseline", "subgroup": "distant_metastasis:positive"}
    assert only(result, statistic="participants", **where).value == len(own)
    row = only(result, statistic="count:III", quantity="stage", **where)
    assert row.value == (own["stage"] == "III").sum()
    assert row.missing == (own["stage"] == "").sum()
    mean = only(result, statistic="mean", quantity="body_mass_index", **where)
    assert mean.value == pytest.approx(own["body_mass_index"].mean())


def test_a_column_that_is_not_there_is_said_to_be_absent():
    tables = full_tables(participants=20)
    less = replace(tables, participants=tables.participants.drop(columns=["scanner", "stage"]))
    result = run(replace(narrowed(PLAN, primary=("ssim",)), sensitivity=()), less)
    for row in (
        everybody(result, "known", endpoint="baseline", quantity="scanner"),
        everybody(result, "missing", endpoint="missingness", quantity="stage"),
        only(result, endpoint="ssim", quantity="ssim", subgroup="stage", statistic="interaction_p"),
    ):
        assert row.value is None
        assert "has no column" in row.reason


# controls and uptake


def test_controls_stand_beside_the_synthetic_pet_with_their_difference(tables, result):
    m = tables.measurements.query("quantity == 'ssim' and region == 'body'")
    wide = m.pivot_table(index="participant", columns="image", values="value")
    inside = result.series["similarity"].query("quantity == 'ssim'")["participant"]
    wide = wide.loc[inside]
    where = {"endpoint": "negative_controls", "quantity": "ssim", "test": "control:zero"}
    row = everybody(result, "mean_difference", **where)
    assert row.value == pytest.approx((wide["pair"] - wide["control:zero"]).mean())
    assert everybody(result, "mean", **where).value == pytest.approx(wide["control:zero"].mean())


def test_the_uptake_trend_follows_the_strata(result):
    own = result.series["uptake"].query("quantity == 'bias'")
    assert own["low"].tolist() == [0, 1, 2.5, 5, 10]
    assert own["mean"].is_monotonic_decreasing


# prediction and readers


def test_calibration_is_that_of_risks_fitted_on_the_other_sites(result):
    own = _scores(result, "reader_ct")
    truth, score = own["truth"].to_numpy(float), own["score"].to_numpy(float)
    risk = cross_validated_risk(truth, score, own["site"].to_numpy(str)).risk
    direct = calibration(truth, risk, cluster=own["participant"].to_numpy(str))
    where = {"unit": "participant", "target_condition": "nodal_metastasis", "test": "reader_ct"}
    row = everybody(result, "slope", endpoint="calibration", **where)
    assert (row.value, row.lower) == pytest.approx((direct.slope.value, direct.slope.lower))
    assert "fitted on the other sites" in row.method


def test_net_benefit_of_treating_everybody_falls_with_the_threshold(result):
    curve = result.series["net_benefit"].query(
        "test == 'spet_suvpeak' and unit == 'participant'"
        " and target_condition == 'nodal_metastasis'"
    )
    assert curve["treat_all"].is_monotonic_decreasing
    assert len(curve) == len(PLAN.risk.net_benefit_thresholds)


def test_added_value_gives_events_and_nonevents_apart(result):
    where = {"endpoint": "added_value", "unit": "participant", "test": "reader_ct_spet - reader_ct",
             "target_condition": "nodal_metastasis"}  # fmt: skip
    events, nonevents = (
        everybody(result, name, **where) for name in ("nri_events", "nri_nonevents")
    )
    assert events.value is not None
    assert nonevents.n != events.n
    assert not [r for r in result.rows if r.statistic == "nri"]


def test_the_reader_study_takes_the_cases_that_every_reader_read_both_ways(result):
    frames = []
    for test in ("reader_ct", "reader_ct_spet"):
        own = _scores(result, test).dropna(subset=["truth", "score"])
        frames.append(own[["reader", "test", "participant", "truth", "score"]])
    long = pd.concat(frames).set_axis(["reader", "test", "case", "truth", "rating"], axis=1)
    full = long.groupby("case")["rating"].transform("size") == 4
    study = obuchowski_rockette(long[full])
    where = {"endpoint": "mrmc", "unit": "participant", "target_condition": "nodal_metastasis"}
    row = everybody(result, "auc_difference", test="reader_ct_spet - reader_ct", **where)
    found = study.differences.get(("reader_ct", "reader_ct_spet"))
    assert row.value == pytest.approx(-found.value)
    assert (row.lower, row.upper) == pytest.approx((-found.upper, -found.lower))


# comparisons, hypotheses, precision


def test_paired_differences_come_with_every_measure_and_its_p(result):
    where = {**NODAL, "test": "spet_suvpeak - pet_suvpeak"}
    for name in ("auc", "sensitivity", "specificity", "ppv", "npv"):
        row = everybody(result, f"{name}_difference", **where)
        single = [
            everybody(result, name, **NODAL, test=t).value for t in ("spet_suvpeak", "pet_suvpeak")
        ]
        if row.value is not None:
            assert row.value == pytest.approx(single[0] - single[1], abs=0.05)
    verdict = everybody(result, "auc_non_inferior", **where)
    difference = everybody(result, "auc_difference", **where)
    if verdict.value is not None:
        assert verdict.value == float(difference.lower > -0.05)


def test_a_hypothesis_of_a_mean_has_the_p_value_of_its_t_test():
    tables = full_tables(seed=5, participants=40)
    plan = replace(narrowed(PLAN, primary=("ssim", "psnr")), sensitivity=(),
                   methods=replace(PLAN.methods, pooling="crude"))  # fmt: skip
    first = PLAN.multiplicity.hypothesis[0]
    claims = tuple(
        replace(first, id=f"H{i}", order=i, null=null)
        for i, null in ((1, 0.87), (2, 0.95), (3, 0.5))
    )
    plan = replace(plan, multiplicity=replace(PLAN.multiplicity, hypothesis=claims))
    result = run(plan, tables)
    values = result.series["similarity"].query("quantity == 'ssim'")["value"].astype(float)
    t = stats.ttest_1samp(values, 0.87)
    where = {"endpoint": "multiplicity", "test": "H1"}
    assert everybody(result, "raw_p", **where).value == pytest.approx(t.pvalue, rel=1e-4)
    assert everybody(result, "raw_p", endpoint="multiplicity", test="H2").value == 1.0
    # The third claim is plain, yet the second was not shown: the sequence has stopped.
    third = everybody(result, "adjusted_p", endpoint="multiplicity", test="H3")
    assert third.value == 1.0
    assert everybody(result, "rejected", endpoint="multiplicity", test="H3").value == 0.0


def test_limits_are_within_only_when_both_of_their_intervals_are(result):
    lower, upper = (
        everybody(result, f"estimate_{side}", endpoint="multiplicity", test="P2.limits")
        for side in ("lower", "upper")
    )
    p = everybody(result, "raw_p", endpoint="multiplicity", test="P2.limits")
    inside = lower.lower > -30 and upper.upper < 30
    assert (p.value <= 0.05) == inside


def test_precision_puts_the_plan_beside_what_was_reached(result):
    where = {"endpoint": "precision", "quantity": "suv_peak", "test": "ccc"}
    planned = everybody(result, "planned_half_width", **where)
    assert planned.value == pytest.approx(0.0054, abs=1e-4)
    ccc = everybody(result, "ccc", endpoint="metabolic_consistency", quantity="suv_peak")
    reached = everybody(result, "achieved_half_width", **where)
    assert reached.value == pytest.approx((ccc.upper - ccc.lower) / 2)


def test_organs_are_judged_in_each_demographic_subgroup(tables, result):
    where = {"endpoint": "subgroup_concordance", "quantity": "suv_mean", "region": "organ:liver"}
    parts = [only(result, subgroup=s, statistic="ratio", **where) for s in ("sex:F", "sex:M")]
    whole = everybody(result, "ratio", **where)
    assert sum(row.n for row in parts) == whole.n
    logs = np.average([math.log(r.value) for r in parts], weights=[r.n for r in parts])
    assert math.exp(logs) == pytest.approx(whole.value)


def test_false_negatives_are_listed_with_their_place(result):
    missed = result.series["false_negatives"]
    own = missed[(missed["test"] == "spet_suvpeak") & (missed["unit"] == "participant")
                 & (missed["target_condition"] == "nodal_metastasis")]  # fmt: skip
    assert len(own) == everybody(result, "fn", **NODAL, test="spet_suvpeak").value
    assert "pet_suvpeak" not in set(missed["test"])
