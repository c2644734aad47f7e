"""Small, empty and odd studies, and what a table must not say."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaluation.analysis import COLUMNS, Tables, TablesError, empty_table, run
from tests.evaluation.full_study import PLAN, QUICK, full_tables, narrowed
from tests.evaluation.row_lookup import everybody, only
from tests.evaluation.simulated_study import SITES, simulated_tables

NODAL = {"endpoint": "nodal_metastasis", "unit": "participant", "test": "spet_suvpeak"}


def _some(tables, keep):
    """Tables of some participants."""
    return Tables(
        **{
            name: frame if name == "sites" else frame[frame["participant"].isin(keep)]
            for name, frame in vars(tables).items()
        }
    )


@pytest.mark.parametrize("with_sites", [False, True])
def test_the_whole_plan_runs_on_an_empty_study(with_sites):
    empty = Tables(**{name: empty_table(name) for name in COLUMNS})
    sites = pd.DataFrame([{"code": c, "name": n, "name_zh": z, "target": 1} for c, n, z in SITES])
    result = run(PLAN, replace(empty, sites=sites) if with_sites else empty)
    for row in result.rows:
        assert row.value is not None or row.reason, row
        assert row.lower is None
    assert everybody(result, "rejected", endpoint="multiplicity", test="P1.ssim").value == 0.0


def test_the_whole_plan_runs_on_one_participant():
    tables = full_tables(participants=8)
    people = tables.participants.assign(treated_between=False, ct_pet_days=1)
    ready = people.query("synthesised and glucose_mmol_l < 11")["participant"].head(1)
    result = run(PLAN, _some(replace(tables, participants=people), set(ready)))
    row = everybody(result, "mean", endpoint="ssim", quantity="ssim")
    assert row.value is not None
    assert row.lower is None
    assert "participant" in row.reason
    for r in result.rows:
        assert r.value is not None or r.reason, r


def test_a_site_without_a_case_leaves_the_others_their_estimates():
    tables = full_tables(participants=60)
    r = tables.reference_standard
    at = (r["site"] == "NCU") & (r["status"] == "positive")
    none = r.assign(status=r["status"].where(~at, "negative"))
    plan = replace(narrowed(PLAN, conditions=("nodal_metastasis",)), sensitivity=(), subgroup=())
    result = run(plan, replace(tables, reference_standard=none))
    site = only(result, subgroup="site:NCU", statistic="sensitivity", analysis="main", **NODAL)
    assert site.value is None
    assert site.reason == "no observation has the target condition"
    whole = everybody(result, "auc", **NODAL)
    assert whole.value is not None
    assert "without_value:NCU" in whole.method
    pooled = everybody(result, "sensitivity_sites_pooled", **NODAL)
    assert "without an estimate: NCU" in pooled.method


def test_a_site_at_one_is_pooled_with_half_a_case_added_and_says_so():
    tables = simulated_tables(seed=2, participants=60, readers=False)
    plan = replace(narrowed(QUICK, conditions=("nodal_metastasis",)))
    result = run(plan, tables)
    values = {
        r.subgroup: r.value for r in result.rows
        if r.statistic == "sensitivity" and r.subgroup.startswith("site:")
        and (r.endpoint, r.unit, r.test) == tuple(NODAL.values())
    }  # fmt: skip
    perfect = [name.removeprefix("site:") for name, value in values.items() if value == 1.0]
    pooled = everybody(result, "sensitivity_sites_pooled", **NODAL)
    assert perfect
    assert f"0.5 added to both cells: {', '.join(perfect)}" in pooled.method


def test_crude_pooling_is_a_choice_of_the_plan():
    tables = simulated_tables(readers=False)
    crude = replace(QUICK, methods=replace(QUICK.methods, pooling="crude"))
    row = everybody(run(crude, tables), "auc", **NODAL)
    assert row.value == everybody(run(QUICK, tables), "auc_crude", **NODAL).value


def test_an_intercurrent_event_leaves_the_image_set_but_not_the_accuracy():
    tables = full_tables(participants=30)
    plan = narrowed(QUICK, primary=("ssim",), conditions=("nodal_metastasis",))
    people = tables.participants.assign(treated_between=False, ct_pet_days=3, glucose_mmol_l=6.0)
    before = run(plan, replace(tables, participants=people))
    who = people.query("synthesised")["participant"].head(3)
    hit = people["participant"].isin(who)
    after = run(plan, replace(tables, participants=people.assign(
        glucose_mmol_l=np.where(hit, 14.0, 6.0)
    )))  # fmt: skip
    n = [everybody(r, "mean", endpoint="ssim", quantity="ssim").n for r in (before, after)]
    assert n[0] - n[1] == 3
    accuracy = [everybody(r, "sensitivity", **NODAL) for r in (before, after)]
    assert accuracy[0].n == accuracy[1].n


def test_an_unknown_event_keeps_a_participant_in_the_image_set():
    tables = full_tables(participants=20)
    plan = narrowed(QUICK, primary=("ssim",))
    known = tables.participants.assign(treated_between=False, ct_pet_days=1, glucose_mmol_l=5.0)
    unknown = known.assign(treated_between="", ct_pet_days=np.nan, glucose_mmol_l="")
    rows = [
        everybody(run(plan, replace(tables, participants=people)), "mean", endpoint="ssim",
                  quantity="ssim")
        for people in (known, unknown)
    ]  # fmt: skip
    assert rows[0].n == rows[1].n


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("glucose_mmol_l", "much", "column 'glucose_mmol_l'"),
        ("glucose_mmol_l", float("inf"), "has an infinite value"),
        ("treated_between", "perhaps", "'perhaps' is no flag"),
    ],
)
def test_a_declared_column_with_another_kind_of_value_is_refused(column, value, sentence):
    tables = full_tables(participants=6)
    people = tables.participants.astype({column: object})
    people.loc[0, column] = value
    with pytest.raises(TablesError, match=sentence):
        run(QUICK, replace(tables, participants=people))


def test_long_levels_are_cut_and_may_not_become_the_same():
    tables = full_tables(participants=8)
    long = "Some very long name of a scanner of some maker that goes on, model"
    half = np.arange(len(tables.participants)) % 2
    people = tables.participants.assign(scanner=np.where(half, f"{long} 1", f"{long} 2"))
    with pytest.raises(TablesError, match="two levels begin with"):
        run(QUICK, replace(tables, participants=people))
    result = run(narrowed(QUICK), replace(tables, participants=people.assign(scanner=long)))
    names = {r.statistic for r in result.rows if r.quantity == "scanner"}
    assert max(len(name) for name in names) <= 60


def test_a_row_of_a_stranger_is_refused():
    tables = simulated_tables(participants=6)
    m = tables.measurements.copy()
    m.loc[m.index[0], "participant"] = "XYZ-1"
    with pytest.raises(TablesError, match="'XYZ-1' is not in table participants"):
        run(QUICK, replace(tables, measurements=m))
