import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaluation.agreement import bland_altman
from evaluation.analysis import (
    COLUMNS,
    Tables,
    TablesError,
    empty_table,
    run,
)
from evaluation.diagnostic import accuracy_table
from evaluation.statistics import random_effects
from tests.evaluation.full_study import QUICK as PLAN
from tests.evaluation.row_lookup import everybody, only
from tests.evaluation.simulated_study import SITES, Truth, simulated_tables


@pytest.fixture(scope="module")
def tables():
    return simulated_tables()


@pytest.fixture(scope="module")
def result(tables):
    return run(PLAN, tables)


# tables


def test_a_missing_column_is_refused_by_name(tables):
    with pytest.raises(TablesError, match="participants: column 'sex' is missing"):
        run(PLAN, replace(tables, participants=tables.participants.drop(columns="sex")))


def test_a_repeated_measurement_is_refused(tables):
    twice = pd.concat([tables.measurements, tables.measurements.head(1)])
    with pytest.raises(TablesError, match="two rows for"):
        run(PLAN, replace(tables, measurements=twice))


def test_two_releases_need_a_plan_that_names_one(tables):
    synthetic = tables.measurements[tables.measurements["image"] != "reference"]
    other = synthetic.assign(release="unet-2", value=synthetic["value"] * 0.5)
    both = replace(tables, measurements=pd.concat([tables.measurements, other]))
    with pytest.raises(TablesError, match="pix2pix-1, unet-2"):
        run(PLAN, both)
    named = run(replace(PLAN, release="pix2pix-1"), both)
    assert named.rows == run(PLAN, tables).rows


def test_an_infinite_value_is_refused_with_its_place(tables):
    m = tables.measurements.copy()
    m.loc[m.index[m["quantity"] == "psnr"][0], "value"] = float("inf")
    with pytest.raises(TablesError, match=r"value is infinite for .*psnr"):
        run(PLAN, replace(tables, measurements=m))


def test_a_value_of_none_is_missing(tables):
    m = tables.measurements.astype({"value": object})
    m.loc[m.index[m["quantity"] == "psnr"][0], "value"] = None
    row = everybody(
        run(PLAN, replace(tables, measurements=m)), "mean", endpoint="psnr", quantity="psnr"
    )
    assert row.missing == 1


def test_an_unknown_status_and_an_unknown_site_are_refused(tables):
    reference = tables.reference_standard.copy()
    reference.loc[0, "status"] = "perhaps"
    with pytest.raises(TablesError, match="'perhaps'"):
        run(PLAN, replace(tables, reference_standard=reference))
    with pytest.raises(TablesError, match="not in table sites"):
        run(PLAN, replace(tables, sites=tables.sites.head(2)))


# rows


def test_the_same_plan_and_tables_give_the_same_rows_in_any_order(tables, result):
    shuffled = Tables(
        **{
            name: frame if name == "sites" else frame.sample(frac=1, random_state=1)
            for name, frame in vars(tables).items()
        }
    )
    again = run(PLAN, shuffled)
    assert again.rows == result.rows
    for name, frame in result.series.items():
        pd.testing.assert_frame_equal(frame, again.series[name])


def test_every_number_is_a_plain_finite_float_and_every_gap_has_a_reason(result):
    for row in result.rows:
        for number in (row.value, row.lower, row.upper):
            assert number is None or (type(number) is float and math.isfinite(number)), row
        if row.value is None:
            assert row.reason, row
        if row.lower is not None and row.value is not None:
            assert row.lower <= row.value <= row.upper, row
    assert [row.order for row in result.rows] == list(range(1, len(result.rows) + 1))


def test_no_two_rows_are_about_the_same_thing(result):
    names = [
        "analysis",
        "endpoint",
        "quantity",
        "test",
        "target_condition",
        "unit",
        "region",
        "analysis_set",
        "subgroup",
        "statistic",
    ]
    assert not result.frame().duplicated(names).any()


def test_flow_counts_equal_the_participants_table(tables, result):
    people = tables.participants
    for step in ("screened", "enrolled", "pair_ready", "analysed"):
        row = everybody(result, step, endpoint="participant_flow")
        assert row.value == people[step].sum()
    at_site = only(result, statistic="screened", endpoint="participant_flow", subgroup="site:SEH")
    assert at_site.value == (people["site"] == "SEH").sum()
    reason = "EXC-02 image artefacts"
    left_out = everybody(result, "excluded", quantity=reason)
    assert left_out.value == (people["exclusion_reason"] == reason).sum()


def test_site_counts_add_up_to_the_whole(result):
    rows = [r for r in result.rows if r.endpoint == "participant_flow"]
    for statistic, quantity in {(r.statistic, r.quantity) for r in rows}:
        own = [r for r in rows if (r.statistic, r.quantity) == (statistic, quantity)]
        assert sum(r.value for r in own if r.subgroup != "all") == own[0].value


def test_primary_denominators_equal_the_analysis_set(result):
    paired = everybody(result, "participants", analysis_set="image_paired")
    ssim = everybody(result, "mean", endpoint="ssim", quantity="ssim")
    assert ssim.n + ssim.missing == paired.value


def test_a_missing_measurement_is_counted_as_missing(tables):
    drop = tables.measurements["quantity"].eq("ssim")
    fewer = tables.measurements[~(drop & drop.cumsum().le(2))]
    row = everybody(
        run(PLAN, replace(tables, measurements=fewer)), "mean", endpoint="ssim", quantity="ssim"
    )
    whole = everybody(run(PLAN, tables), "mean", endpoint="ssim", quantity="ssim")
    assert (row.missing, row.n) == (2, whole.n - 2)


def test_known_truth_lies_in_the_intervals():
    truth = Truth()
    result = run(PLAN, simulated_tables(seed=20, participants=300, readers=False, truth=truth))
    for row, value in (
        (everybody(result, "mean", endpoint="ssim", quantity="ssim"), truth.ssim_mean),
        (everybody(result, "mean", endpoint="psnr", quantity="psnr"), truth.psnr_mean),
        (everybody(result, "bias_percent", quantity="suv_peak"), 100 * math.expm1(truth.log_bias)),
        (
            everybody(result, "loa_upper_percent", quantity="suv_peak"),
            100 * math.expm1(truth.log_bias + 1.96 * truth.log_sd),
        ),
    ):
        assert row.lower <= value <= row.upper, (row, value)


def test_lesion_agreement_equals_the_statistic_called_by_hand(tables, result):
    m = tables.measurements
    own = m[(m["quantity"] == "suv_max") & m["region"].str.startswith("lesion:")]
    wide = own.pivot_table(index=["participant", "region"], columns="image", values="value")
    direct = bland_altman(
        wide["synthetic"], wide["reference"], subject=wide.index.get_level_values(0), log=True
    )
    row = everybody(result, "bias_percent", quantity="suv_max", region="lesion")
    assert row.value == pytest.approx(100 * math.expm1(direct.bias.value))
    assert (row.n, row.clusters) == (direct.bias.n, direct.bias.clusters)
    assert row.clusters < row.n


def test_malignancy_per_lesion_equals_a_direct_cross_tabulation(tables, result):
    m, r = tables.measurements, tables.reference_standard
    peaks = m[(m["quantity"] == "suv_peak") & (m["image"] == "synthetic")].set_index(
        ["participant", "region"]
    )["value"]
    own = r[r["target_condition"] == "malignancy"]
    truth = own["status"].map({"positive": 1.0, "negative": 0.0})
    score = [
        peaks[(p, f"lesion:{u}")] for p, u in zip(own["participant"], own["unit_id"], strict=True)
    ]
    table = accuracy_table(truth, np.array(score) >= 2.5, cluster=own["participant"])
    where = {"endpoint": "malignancy", "unit": "lesion", "test": "spet_suvpeak"}
    for name, e in table.estimates().items():
        row = everybody(result, name, **where)
        assert (row.value, row.lower, row.upper) == (e.value, e.lower, e.upper)
    assert everybody(result, "tp", **where).value == table.tp
    assert everybody(result, "missing_reference", **where).value == table.missing_reference > 0


def test_malignancy_per_participant_is_not_estimable_with_the_reason(result):
    rows = [r for r in result.rows if r.endpoint == "malignancy" and r.unit == "participant"]
    assert {r.statistic for r in rows} == {"specificity", "npv", "auc"}
    assert all(r.value is None and "non-small cell" in r.reason for r in rows)


def test_a_study_without_participants_gives_reasons_instead_of_a_crash():
    empty = Tables(**{name: empty_table(name) for name in COLUMNS})
    sites = pd.DataFrame(
        [{"code": c, "name": n, "name_zh": z, "target": 2000} for c, n, z in SITES]
    )
    for tables in (empty, replace(empty, sites=sites)):
        result = run(PLAN, tables)
        for name in ("ssim", "psnr"):
            row = everybody(result, "mean", endpoint=name, quantity=name)
            assert (row.value, row.reason) == (None, "no observation")
        assert everybody(result, "bias_percent", quantity="suv_peak").value is None
        assert everybody(
            result, "sensitivity", endpoint="malignancy", unit="lesion", test="spet_suvpeak"
        ).reason
        assert everybody(result, "screened", endpoint="participant_flow").value == 0


def test_few_participants_have_estimates_without_intervals():
    result = run(PLAN, simulated_tables(participants=2, seed=1))
    row = everybody(result, "mean", endpoint="ssim", quantity="ssim")
    assert row.value is not None
    assert row.lower is None
    assert "fewer than 3" in row.reason


def test_reference_gaps_are_counted(tables, result):
    statuses = tables.reference_standard.query(
        "target_condition == 'nodal_metastasis' and unit == 'participant'"
    )
    eligible = tables.participants.query("eligible and enrolled")["participant"]
    without = (~eligible.isin(statuses["participant"])).sum()
    row = everybody(result, "reference_missing", endpoint="nodal_metastasis", unit="participant")
    assert row.value == (statuses["status"] == "missing").sum() + without
    assert without > 0


def test_zero_volume_is_a_value_that_has_no_ratio():
    tables = simulated_tables(seed=5)
    m = tables.measurements.copy()
    hit = m.index[(m["quantity"] == "mtv_41") & (m["image"] == "synthetic")][:2]
    m.loc[hit, "value"] = 0.0
    result = run(PLAN, replace(tables, measurements=m))
    raw = everybody(result, "bias", quantity="mtv_41", region="lesion")
    ratio = everybody(result, "bias_percent", quantity="mtv_41", region="lesion")
    assert raw.missing == 0
    assert ratio.n < raw.n
    assert ratio.missing == raw.n - ratio.n


def test_series_hold_the_points_of_the_figures(result):
    assert (
        len(result.series["similarity"].query("quantity == 'ssim'"))
        == everybody(result, "mean", endpoint="ssim", quantity="ssim").n
    )
    pairs = result.series["agreement"].query("quantity == 'suv_peak'")
    percent = 100 * (pairs["synthetic"].astype(float) / pairs["reference"].astype(float) - 1)
    assert np.allclose(percent, pairs["difference_percent"].astype(float))


def test_the_scores_behind_a_cross_tabulation_are_given(result):
    own = result.series["scores"].query(
        "target_condition == 'malignancy' and unit == 'lesion' and test == 'spet_suvpeak'"
    )
    known = own.dropna(subset=["truth", "score"])
    called = known["score"] >= known["cutoff"]
    where = {"endpoint": "malignancy", "unit": "lesion", "test": "spet_suvpeak"}
    assert everybody(result, "tp", **where).value == (called & (known["truth"] == 1)).sum()
    assert len(own) == everybody(result, "tp", **where).n


def test_heterogeneity_equals_random_effects_over_the_site_rows(result):
    sites = [
        r
        for r in result.rows
        if r.endpoint == "ssim" and r.quantity == "ssim" and r.statistic == "mean"
        and r.subgroup.startswith("site:")
    ]  # fmt: skip
    sds = {r.subgroup: r for r in result.rows if r.quantity == "ssim" and r.statistic == "sd"}
    direct = random_effects(
        [r.value for r in sites], [sds[r.subgroup].value ** 2 / r.n for r in sites]
    )
    pooled = everybody(result, "sites_pooled", quantity="ssim")
    assert [pooled.value, pooled.lower, pooled.upper] == pytest.approx(
        [direct.estimate.value, direct.estimate.lower, direct.estimate.upper]
    )
    assert everybody(result, "sites_tau", quantity="ssim").value == pytest.approx(
        math.sqrt(direct.tau2), abs=1e-9
    )
    assert pooled.clusters == 5


def test_paired_differences_are_the_differences_of_the_single_rows(result):
    where = {"endpoint": "malignancy", "unit": "lesion"}
    for name in ("sensitivity", "specificity", "auc"):
        one = everybody(result, name, test="spet_suvpeak", **where).value
        other = everybody(result, name, test="pet_suvpeak", **where).value
        row = everybody(result, f"{name}_difference", **where, test="spet_suvpeak - pet_suvpeak")
        assert row.value == pytest.approx(one - other)
