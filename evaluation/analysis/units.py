"""Joins index test scores to the reference standard, one row per unit of a target condition."""

import numpy as np
import pandas as pd

from evaluation.analysis.plan import ConditionUnit, IndexTest, TargetCondition
from evaluation.analysis.tables import Tables

_TRUTH = {"positive": 1.0, "negative": 0.0}


def scored_units(
    tables: Tables,
    people: pd.DataFrame,
    *,
    condition: TargetCondition,
    unit: ConditionUnit,
    test: IndexTest,
) -> pd.DataFrame:
    """Return columns participant, site, unit_id, status, truth, reader, score.

    ``truth`` is NaN where the reference standard is missing or indeterminate, ``score`` where the
    index test has no result. A participant without any verdict in a participant-level unit counts
    with status ``missing``.
    """
    units = reference_units(tables, people, condition, unit)
    if test.kind == "quantity":
        return _with_rule(tables, units, unit, test)
    return _with_scores(tables, units, (condition.id, unit.id), test.id)


def reference_units(
    tables: Tables, people: pd.DataFrame, condition: TargetCondition, unit: ConditionUnit
) -> pd.DataFrame:
    """Return the units of a target condition among ``people`` with their verdict."""
    r = tables.reference_standard
    own = r[(r["target_condition"] == condition.id) & (r["unit"] == unit.id)]
    units = people[["participant", "site"]].merge(
        own[["participant", "unit_id", "status"]],
        on="participant",
        how="left" if unit.id == "participant" else "inner",
    )
    units["unit_id"] = units["unit_id"].fillna("")
    units["status"] = units["status"].fillna("missing")
    units["truth"] = units["status"].map(_TRUTH).astype("float64")
    return units.sort_values(["participant", "unit_id"], kind="stable", ignore_index=True)


def readers_of(units: pd.DataFrame) -> list[str]:
    """Return the readers who gave a score, in order of their code."""
    return sorted(set(units.loc[units["score"].notna(), "reader"]))


def _with_rule(
    tables: Tables, units: pd.DataFrame, unit: ConditionUnit, test: IndexTest
) -> pd.DataFrame:
    found = tables.measured(test.quantity, test.image, unit.region).copy()
    found["unit_id"] = found["region"].str.slice(len(unit.region))
    if unit.id == "participant":
        # max skips NaN: a region without a value cannot hide a higher one beside it.
        found = found.groupby("participant")[["value"]].max().reset_index()
        joined = units.merge(found, on="participant", how="left", indicator="marked")
    else:
        found = found[["participant", "unit_id", "value"]]
        joined = units.merge(found, on=["participant", "unit_id"], how="left", indicator="marked")
    score = joined["value"].to_numpy(dtype=float).copy()
    if unit.unmarked == "zero":
        measured = joined["participant"].isin(tables.with_measurements(test.image)).to_numpy()
        score[(joined["marked"] == "left_only").to_numpy() & measured] = 0.0
    return joined.drop(columns=["value", "marked"]).assign(reader="", score=score)


def _with_scores(
    tables: Tables, units: pd.DataFrame, judged: tuple[str, str], test: str
) -> pd.DataFrame:
    s = tables.index_scores
    condition, unit = judged
    own = s[(s["test"] == test) & (s["target_condition"] == condition) & (s["unit"] == unit)]
    if own.empty:
        return units.assign(reader="", score=np.nan)
    readers = pd.DataFrame({"reader": sorted(set(own["reader"]))})
    read = units.merge(readers, how="cross").merge(
        own[["participant", "unit_id", "reader", "score"]],
        on=["participant", "unit_id", "reader"], how="left",
    )  # fmt: skip
    # A case that nobody was given to read is not a missing result of a reader.
    seen = own[["participant", "reader"]].drop_duplicates()
    return read.merge(seen, on=["participant", "reader"], how="inner").sort_values(
        ["reader", "participant", "unit_id"], kind="stable", ignore_index=True
    )
