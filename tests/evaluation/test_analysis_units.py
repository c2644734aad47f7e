"""How scores of units are joined to the reference standard."""

import math
from dataclasses import replace

import pandas as pd
import pytest

from evaluation.analysis import COLUMNS, Tables, empty_table, run
from evaluation.analysis.results import Place
from evaluation.statistics import Estimate
from tests.evaluation.full_study import QUICK as PLAN
from tests.evaluation.row_lookup import everybody
from tests.evaluation.simulated_study import simulated_tables


@pytest.fixture(scope="module")
def tables():
    return simulated_tables()


@pytest.fixture(scope="module")
def result(tables):
    return run(PLAN, tables)


def _one_participant(measurements, verdicts):
    """Tables of one analysed participant with given measurements and verdicts."""
    person = dict.fromkeys(COLUMNS["participants"], True)
    person |= {"participant": "SPH-1", "site": "SPH", "age_years": 60.0, "sex": "F",
               "exclusion_reason": ""}  # fmt: skip
    who = {"participant": "SPH-1", "site": "SPH"}
    rows = [
        {**who, "release": "r", "region": region, "image": "synthetic", "quantity": "suv_peak",
         "value": value, "unit": "SUV", "method": "", "flags": ""}
        for region, value in measurements
    ]  # fmt: skip
    reference = [
        {**who, "target_condition": c, "unit": u, "unit_id": i, "status": s, "source": ""}
        for c, u, i, s in verdicts
    ]
    return Tables(
        pd.DataFrame([person]),
        pd.DataFrame(rows, columns=list(COLUMNS["measurements"])),
        pd.DataFrame(reference, columns=list(COLUMNS["reference_standard"])),
        empty_table("index_scores"),
        pd.DataFrame([{"code": "SPH", "name": "S", "name_zh": "", "target": 1}]),
    )


def _counts(result, endpoint, unit):
    names = ("tp", "fp", "fn", "tn", "missing_index")
    return [
        everybody(result, n, endpoint=endpoint, unit=unit, test="spet_suvpeak").value for n in names
    ]


def test_a_participants_nodal_score_is_the_highest_station():
    tables = _one_participant(
        [("node:4R", 1.0), ("node:7", 3.0), ("node:10L", float("nan"))],
        [("nodal_metastasis", "participant", "", "positive"),
         ("nodal_metastasis", "station", "4R", "negative"),
         ("nodal_metastasis", "station", "7", "positive"),
         ("nodal_metastasis", "station", "10L", "negative")],
    )  # fmt: skip
    result = run(PLAN, tables)
    assert _counts(result, "nodal_metastasis", "participant") == [1, 0, 0, 0, 0]
    assert _counts(result, "nodal_metastasis", "station") == [1, 0, 0, 1, 1]


def test_nothing_found_scores_zero_but_a_lesion_without_measurement_is_missing():
    verdicts = [
        ("nodal_metastasis", "participant", "", "negative"),
        ("distant_metastasis", "participant", "", "positive"),
        ("malignancy", "lesion", "2", "positive"),
    ]
    result = run(PLAN, _one_participant([("lesion:1", 4.0)], verdicts))
    assert _counts(result, "nodal_metastasis", "participant") == [0, 0, 0, 1, 0]
    assert _counts(result, "distant_metastasis", "participant") == [0, 0, 1, 0, 0]
    assert _counts(result, "malignancy", "lesion") == [0, 0, 0, 0, 1]


def test_without_any_measured_image_nothing_found_cannot_be_said():
    verdicts = [("distant_metastasis", "participant", "", "positive")]
    result = run(PLAN, _one_participant([], verdicts))
    assert _counts(result, "distant_metastasis", "participant") == [0, 0, 0, 0, 1]


def test_a_score_at_the_cutoff_is_positive():
    verdicts = [("malignancy", "lesion", "1", "positive")]
    result = run(PLAN, _one_participant([("lesion:1", 2.5)], verdicts))
    assert _counts(result, "malignancy", "lesion")[0] == 1


def test_a_test_outside_the_plan_has_no_cutoff_and_is_not_prespecified(tables):
    other = replace(
        tables, index_scores=tables.index_scores.replace({"test": {"reader_ct": "guess"}})
    )
    result = run(PLAN, other)
    where = {"test": "guess", "unit": "lesion"}
    row = everybody(result, "sensitivity", **where)
    assert row.value is None
    assert "no locked cut-off" in row.reason
    assert not row.prespecified
    assert everybody(result, "auc", **where).value is not None


def test_several_readers_get_their_own_rows_and_share_participants(result):
    pooled = everybody(result, "auc", endpoint="malignancy", test="reader_ct", unit="lesion")
    single = everybody(result, "auc", test="reader_ct:R1", unit="lesion")
    assert pooled.n == 2 * single.n
    assert pooled.clusters == single.clusters


def test_a_number_that_is_not_finite_is_withheld_with_a_reason():
    place = Place("ssim", "primary", "image_paired", 0.95)
    e = Estimate(1.0, 0.5, math.inf, 0.95, 3, 3, 0, "t")
    row = place.row("mean", e)
    assert (row.value, row.lower, row.upper) == (1.0, None, None)
    assert row.reason == "the interval has no finite limit"
    lost = place.row("mean", replace(e, value=math.nan))
    assert (lost.value, lost.lower, lost.upper) == (None, None, None)
    assert lost.reason == "the estimate is not a finite number"
