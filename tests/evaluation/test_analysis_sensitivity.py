"""Each sensitivity analysis changes what it says, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.agreement import bland_altman
from evaluation.analysis import run
from evaluation.diagnostic import INDETERMINATE, accuracy_table, auc
from evaluation.statistics import mean_interval, worst_and_best_case
from tests.evaluation.full_study import (
    PLAN,
    QUICK,
    full_run,
    full_tables,
    narrowed,
    with_failures,
)
from tests.evaluation.row_lookup import everybody

NODAL = {"endpoint": "nodal_metastasis", "unit": "participant"}


@pytest.fixture(scope="module")
def tables():
    return full_run()[0]


@pytest.fixture(scope="module")
def result():
    return full_run()[1]


def _scores(result, test, condition="nodal_metastasis", unit="participant"):
    s = result.series["scores"]
    return s[(s["target_condition"] == condition) & (s["unit"] == unit) & (s["test"] == test)]


def test_every_analysis_of_the_plan_has_rows(result):
    found = {r.analysis for r in result.rows}
    assert found == {"main", *(s.id for s in PLAN.sensitivity)}


def test_leaving_the_sensitivity_analyses_out_changes_no_main_row(tables, result):
    plain = run(replace(PLAN, sensitivity=(), multiplicity=None), tables)
    named = [r for r in result.rows if r.endpoint not in {"multiplicity", "verification"}]
    kept = [replace(r, order=0) for r in named if r.analysis == "main"]
    own = [replace(r, order=0) for r in plain.rows if r.endpoint != "verification"]
    assert kept == own


def test_the_other_data_range_is_the_mean_of_its_own_measurements(tables, result):
    m = tables.measurements.query("quantity == 'ssim_l10'")
    row = everybody(result, "mean", endpoint="ssim", quantity="ssim", analysis="data_range")
    inside = result.series["similarity"].query("quantity == 'ssim'")["participant"]
    assert row.value == pytest.approx(m[m["participant"].isin(inside)]["value"].mean())


def test_indeterminate_readings_move_between_the_cells_and_no_further(tables, result):
    where = {**NODAL, "test": "reader_ct"}
    main = everybody(result, "sensitivity", **where)
    up, down = (
        everybody(result, "sensitivity", analysis=f"indeterminate_{way}", **where)
        for way in ("positive", "negative")
    )
    assert main.value == up.value > down.value
    assert up.n == down.n
    assert everybody(result, "indeterminate", **where).value > 0


def test_indeterminate_handling_equals_the_cross_tabulation_by_hand(tables, result):
    reads = tables.index_scores.query("test == 'reader_ct' and unit == 'participant'")
    own = _scores(result, "reader_ct").merge(
        reads[["participant", "reader", "indeterminate"]], on=["participant", "reader"]
    )
    call = np.where(own["indeterminate"], INDETERMINATE, own["score"] >= 3.0)
    table = accuracy_table(own["truth"], call, cluster=own["participant"], indeterminate="negative")
    row = everybody(
        result, "specificity", test="reader_ct", analysis="indeterminate_negative", **NODAL
    )
    assert (row.value, row.lower) == (table.specificity.value, table.specificity.lower)


def test_the_worst_case_counts_each_missing_result_as_wrong(result):
    where = {"endpoint": "malignancy", "unit": "lesion", "test": "spet_suvpeak"}
    names = ("tp", "fn", "missing_index")
    tp, fn, missing = (everybody(result, n, **where).value for n in names)
    worst = everybody(result, "sensitivity", analysis="worst_case", **where)
    assert missing == 0
    assert worst.value == tp / (tp + fn) == worst_and_best_case(int(tp), int(tp + fn), 0)[0].value


def test_a_missing_result_is_wrong_in_the_worst_case_and_left_out_in_the_main_one():
    tables = full_tables(participants=30)
    m = tables.measurements
    lost = m[(m["quantity"] == "suv_peak") & (m["image"] == "synthetic")
             & (m["region"] == "lesion:1")].index[:4]  # fmt: skip
    plan = narrowed(PLAN, conditions=("malignancy",))
    worst_case = tuple(s for s in plan.sensitivity if s.id == "worst_case")
    plan = replace(plan, sensitivity=worst_case, risk=None)
    result = run(plan, replace(tables, measurements=m.drop(lost)))
    where = {"endpoint": "malignancy", "unit": "lesion", "test": "spet_suvpeak"}
    main = everybody(result, "sensitivity", **where)
    worst = everybody(result, "sensitivity", analysis="worst_case", **where)
    gone = everybody(result, "missing_index", **where).value
    assert gone > 0
    assert worst.value == pytest.approx(main.value * main.n / worst.n)
    assert worst.n > main.n


def test_a_failed_synthetic_pet_counts_as_wrong_for_the_tests_that_read_it(tables):
    plan = narrowed(QUICK, conditions=("distant_metastasis",))
    failed = run(plan, with_failures(tables, 2))
    before = run(plan, tables)
    where = {"endpoint": "distant_metastasis", "unit": "participant"}
    assert everybody(failed, "failed_index", test="spet_suvpeak", **where).value == 2
    one, other = (
        everybody(r, "sensitivity", test="spet_suvpeak", **where) for r in (before, failed)
    )
    assert other.n == one.n
    assert other.value <= one.value
    assert everybody(failed, "failed_index", test="pet_suvpeak", **where).value == 0
    missing = replace(plan, methods=replace(plan.methods, failure="missing"))
    left_out = run(missing, with_failures(tables, 2))
    assert everybody(left_out, "sensitivity", test="spet_suvpeak", **where).n == one.n - 2


def test_complete_cases_have_everything(tables, result):
    row = everybody(result, "sensitivity", test="spet_suvpeak", analysis="complete_case", **NODAL)
    complete = tables.participants.query("reference_complete and synthesised")["participant"]
    own = _scores(result, "spet_suvpeak").dropna(subset=["truth", "score"])
    own = own[own["participant"].isin(complete) & (own["truth"] == 1)]
    assert row.n == len(own)
    assert row.analysis_set == "reference_complete"


def test_the_crude_mean_ignores_sites_and_keeps_the_value(result):
    values = result.series["similarity"].query("quantity == 'ssim'")["value"]
    row = everybody(result, "mean", endpoint="ssim", quantity="ssim", analysis="crude")
    e = mean_interval(values)
    assert (row.value, row.lower, row.upper) == pytest.approx((e.value, e.lower, e.upper))
    main = everybody(result, "mean", endpoint="ssim", quantity="ssim")
    assert main.value == pytest.approx(row.value)


def test_the_crude_area_compares_across_sites(result):
    own = _scores(result, "spet_suvpeak")
    row = everybody(result, "auc", test="spet_suvpeak", analysis="crude", **NODAL)
    assert row.value == auc(own["truth"], own["score"]).value
    assert row.value == everybody(result, "auc_crude", test="spet_suvpeak", **NODAL).value


def test_random_effects_repeat_the_pooled_row_of_the_sites(result):
    for statistic, where in (
        ("mean", {"endpoint": "psnr", "quantity": "psnr"}),
        ("bias_percent", {"quantity": "suv_peak", "region": "lesion"}),
    ):
        row = everybody(result, statistic, analysis="random_effects", **where)
        pooled = everybody(result, "sites_pooled", **where)
        assert (row.value, row.lower, row.upper) == (pooled.value, pooled.lower, pooled.upper)


def test_participants_first_weighs_each_participant_alike(result):
    pairs = result.series["agreement"].query("quantity == 'suv_peak' and group == 'lesion'")
    ratio = np.log(pairs["synthetic"].astype(float) / pairs["reference"].astype(float))
    means = ratio.groupby(pairs["participant"]).mean()
    row = everybody(
        result, "bias_percent", quantity="suv_peak", region="lesion", analysis="participant_first"
    )
    assert row.value == pytest.approx(100 * np.expm1(means.mean()))
    assert row.n == len(means)
    pooled = bland_altman(pairs["synthetic"], pairs["reference"], log=True).bias.value
    assert row.value != pytest.approx(100 * np.expm1(pooled))


def test_the_per_protocol_set_is_smaller_and_needs_its_columns(tables, result):
    row = everybody(result, "mean", endpoint="ssim", quantity="ssim", analysis="per_protocol")
    assert 0 < row.n < everybody(result, "mean", endpoint="ssim", quantity="ssim").n
    without = tables.participants.drop(columns=["glucose_mmol_l"])
    protocol = tuple(s for s in PLAN.sensitivity if s.id == "per_protocol")
    plan = replace(narrowed(PLAN, primary=("ssim",)), sensitivity=protocol)
    lacking = run(plan, replace(tables, participants=without))
    gap = everybody(lacking, "mean", endpoint="ssim", quantity="ssim", analysis="per_protocol")
    assert gap.value is None
    assert "no column 'glucose_mmol_l'" in gap.reason
    kept = everybody(lacking, "mean", endpoint="ssim", quantity="ssim")
    assert kept.value is not None


def test_begg_and_greenes_correct_towards_the_unverified(result):
    row = everybody(result, "sensitivity", test="spet_suvpeak", analysis="begg_greenes", **NODAL)
    share = everybody(
        result, "verified_share", endpoint="verification", unit="participant",
        target_condition="nodal_metastasis",
    )  # fmt: skip
    assert 0 < share.value < 1
    assert row.lower < row.value < row.upper
