"""Multiple imputation of the reference standard: what it recovers and what it leaves alone."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import special

from evaluation.analysis import run
from evaluation.analysis.cohort import cohort_of
from evaluation.analysis.imputation import imputer, unit_of_each
from evaluation.analysis.imputed_accuracy import Completed, area_pooling, share_pooling
from evaluation.analysis.questions import questions
from evaluation.diagnostic import accuracy_table, auc
from tests.evaluation.full_study import PLAN, full_run, full_tables, narrowed
from tests.evaluation.row_lookup import everybody
from tests.evaluation.simulated_study import simulated_tables

NODAL = {"endpoint": "nodal_metastasis", "unit": "participant", "test": "spet_suvpeak"}
IMPUTED = replace(
    narrowed(PLAN, conditions=("nodal_metastasis",)), risk=None, subgroup=(),
    sensitivity=tuple(
        s for s in PLAN.sensitivity if s.kind in {"multiple_imputation", "tipping_point"}
    ),
)  # fmt: skip


def _completed(truth, codes, rng, *, hide, m=50):
    imputed = np.flatnonzero(rng.random(len(truth)) < hide)
    known = truth.astype(float).copy()
    known[imputed] = np.nan
    verdicts = np.repeat(truth[imputed][None, :], m, axis=0).astype(float)
    return Completed(known, codes, imputed, verdicts)


@pytest.mark.parametrize("name", ["sensitivity", "specificity", "ppv", "npv"])
def test_imputing_the_truth_itself_gives_the_plain_estimate(name):
    rng = np.random.default_rng(0)
    codes = np.sort(rng.integers(0, 60, 200))
    codes = np.unique(codes, return_inverse=True)[1]
    truth = rng.random(200) < 0.4
    call = np.where(rng.random(200) < 0.8, truth, ~truth).astype(float)
    pooling = share_pooling(_completed(truth, codes, rng, hide=0.3), call, name)
    direct = getattr(accuracy_table(truth, call, cluster=codes), name)
    assert special.expit(pooling.values) == pytest.approx([direct.value] * 50)
    half = (special.logit(direct.upper) - special.logit(direct.lower)) / 2
    assert math.sqrt(pooling.variances[0]) == pytest.approx(half / 2.0, rel=0.03)


def test_an_imputed_area_with_the_truth_equals_the_stratified_area():
    rng = np.random.default_rng(1)
    codes = np.unique(np.sort(rng.integers(0, 80, 240)), return_inverse=True)[1]
    site = codes % 3
    truth = rng.random(240) < 0.4
    score = np.round(rng.normal(truth * 1.2 + site, 1), 1)
    pooling = area_pooling(_completed(truth, codes, rng, hide=0.2, m=50), score, site)
    direct = auc(truth, score, cluster=codes, strata=site)
    assert special.expit(pooling.values) == pytest.approx([direct.value] * 50)


def test_with_nothing_missing_the_imputed_estimate_is_the_available_one():
    tables = simulated_tables(participants=60, readers=False)
    r = tables.reference_standard
    known = r[r["status"].isin(["positive", "negative"])]
    people = known.query("unit == 'participant' and target_condition == 'nodal_metastasis'")
    whole = tables.participants["participant"].isin(people["participant"])
    kept = {
        name: frame[frame["participant"].isin(tables.participants[whole]["participant"])]
        for name, frame in vars(replace(tables, reference_standard=known)).items()
        if name != "sites"
    }
    result = run(IMPUTED, replace(tables, **kept))
    main = everybody(result, "sensitivity", **NODAL)
    row = everybody(result, "sensitivity", analysis="multiple_imputation", **NODAL)
    assert row.value == pytest.approx(main.value)
    assert row.missing == 0


def test_imputation_covers_the_truth_that_selective_verification_hides():
    tables = simulated_tables(seed=3, participants=400, readers=False)
    r = tables.reference_standard.copy()
    m = tables.measurements.query("quantity == 'suv_peak' and image == 'synthetic'")
    nodes = m[m["region"].str.startswith("node:")].groupby("participant")["value"].max()
    own = (r["unit"] == "participant") & (r["target_condition"] == "nodal_metastasis")
    r = r[~(own & (r["status"] == "missing"))].reset_index(drop=True)
    own = (r["unit"] == "participant") & (r["target_condition"] == "nodal_metastasis")
    truth = run(IMPUTED, replace(tables, reference_standard=r))
    whole = everybody(truth, "sensitivity", **NODAL).value
    called = r["participant"].map(nodes).fillna(0.0) >= 2.5
    # Seven of ten negative calls are never verified: the verified alone flatter the test.
    hidden = own & ~called & (np.random.default_rng(0).random(len(r)) < 0.7)
    result = run(IMPUTED, replace(tables, reference_standard=r.assign(
        status=r["status"].where(~hidden, "missing")
    )))  # fmt: skip
    available = everybody(result, "sensitivity", **NODAL)
    imputed = everybody(result, "sensitivity", analysis="multiple_imputation", **NODAL)
    assert abs(imputed.value - whole) < abs(available.value - whole)
    assert imputed.lower <= whole <= imputed.upper


def test_shifting_the_odds_up_makes_more_positives_and_the_report_says_where_it_tips():
    result = full_run()[1]
    where = {**NODAL, "analysis": "tipping_point"}
    plain, up = (everybody(result, f"sensitivity_delta:{d}", **where) for d in ("0", "3"))
    imputed = everybody(result, "sensitivity", **{**where, "analysis": "multiple_imputation"})
    assert (plain.value, plain.lower) == (imputed.value, imputed.lower)
    assert up.value != plain.value
    assert up.n >= plain.n
    for name in ("tipping_point_up", "tipping_point_down"):
        row = everybody(result, name, **where)
        assert row.value is not None or row.reason


def test_the_same_seed_imputes_the_same_whatever_comes_before():
    first, second = (
        run(replace(IMPUTED, sensitivity=IMPUTED.sensitivity[:k]), full_run()[0]) for k in (1, 2)
    )
    one, other = (
        everybody(r, "npv", analysis="multiple_imputation", **NODAL) for r in (first, second)
    )
    assert (one.value, one.lower, one.upper) == (other.value, other.lower, other.upper)


def test_verdicts_that_are_all_alike_cannot_impute_and_say_so():
    tables = full_tables(participants=30)
    r = tables.reference_standard
    own = r["status"].where(r["status"] != "negative", "missing")
    result = run(IMPUTED, replace(tables, reference_standard=r.assign(status=own)))
    row = everybody(result, "sensitivity", analysis="multiple_imputation", **NODAL)
    assert row.value is None
    assert "all alike" in row.reason


def test_each_observation_of_a_reader_finds_its_unit():
    cohort = cohort_of(PLAN, full_tables(participants=20))
    for question in questions(cohort):
        for scored in question.scored.values():
            at = unit_of_each(question.units, scored)
            assert (question.units.pid[at] == scored.pid).all()
            assert (question.units.unit_id[at] == scored.unit_id).all()


def test_the_models_predict_the_condition_from_the_scores():
    cohort = cohort_of(PLAN, full_tables(participants=120))
    question = next(q for q in questions(cohort) if q.unit.id == "participant")
    model = imputer(cohort, question, predictors=("age_years", "stage"), imputations=50, seed=1)
    shares = pd.Series(model.verdicts().mean(axis=0))
    scored = question.scored["spet_suvpeak"].score[model.missing]
    high = scored >= 2.5
    assert shares[high].mean() > shares[~high].mean() + 0.2
