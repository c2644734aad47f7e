"""Participant flow, analysis sets and baseline, all counted from the participants table."""

from dataclasses import replace
from typing import Any

import pandas as pd

from evaluation.analysis.plan import Plan
from evaluation.analysis.results import Place, ResultRow
from evaluation.analysis.subgroups import split
from evaluation.analysis.tables import STEPS, Tables, members
from evaluation.statistics import mean_interval, present, quantile_intervals

FLOW = (*(step for step in STEPS if step != "reference_complete"), "reference_complete")
"""Order of the diagram; whoever stands at a step has passed every step before it."""


def flow_rows(plan: Plan, tables: Tables) -> list[ResultRow]:
    """Return the counts of the flow diagram, the reasons for exclusion and the set sizes."""
    rows: list[ResultRow] = []
    place = Place("participant_flow", "flow", "all", plan.level, unit="participant")
    reasons = sorted(set(tables.participants["exclusion_reason"]) - {""})
    for name, people in split(tables.participants, tables.sites):
        here, n = place.at(name), len(people)
        reached = people[list(FLOW)].astype(bool).cumprod(axis=1)
        rows += [here.plain(step, float(reached[step].sum()), n=n) for step in FLOW]
        for reason in reasons:
            count = float((people["exclusion_reason"] == reason).sum())
            rows.append(_excluded(plan, name, reason).plain("excluded", count, n=n))
        for analysis_set in plan.analysis_set:
            size = float(len(members(analysis_set, people)))
            at = Place("analysis_set", "flow", analysis_set.id, plan.level, unit="participant")
            rows.append(at.at(name).plain("participants", size, n=n, reason=""))
    return rows


def target_rows(plan: Plan, tables: Tables) -> list[ResultRow]:
    """Return recruitment targets by site and in total."""
    place = Place("recruitment", "flow", "all", plan.level, unit="participant")
    target = tables.sites.set_index("code")["target"]
    rows = []
    for name, people in split(tables.participants, tables.sites):
        value = target.sum() if name == "all" else target[name.removeprefix("site:")]
        known = None if pd.isna(value) else float(value)
        reason = "" if known is not None else "no target is stated"
        rows.append(
            place.at(name).plain("target", known, n=int(people["enrolled"].sum()), reason=reason)
        )
    return rows


def baseline_rows(plan: Plan, tables: Tables) -> list[ResultRow]:
    """Return age and sex of the participants of the first analysis set of the plan."""
    chosen = plan.analysis_set[0]
    people = members(chosen, tables.participants)
    place = Place("baseline", "baseline", chosen.id, plan.level, unit="participant")
    rows: list[ResultRow] = []
    for name, group in split(people, tables.sites):
        here = place.at(name)
        rows.append(here.plain("participants", float(len(group)), n=len(group)))
        rows += _age_rows(plan, here, group)
        rows += _sex_rows(here, group)
    return rows


def _excluded(plan: Plan, subgroup: str, reason: str) -> Place:
    return Place(
        "participant_flow", "flow", "all", plan.level, quantity=reason, unit="participant",
        subgroup=subgroup,
    )  # fmt: skip


def _age_rows(plan: Plan, place: Place, people: pd.DataFrame) -> list[ResultRow]:
    at = replace(place, quantity="age_years")
    ages = people["age_years"].to_numpy()
    known, missing = present(ages)
    plain: dict[str, Any] = {"n": len(known), "missing": missing, "unit_of_value": "a"}
    rows = [at.row("mean", mean_interval(ages, level=plan.level, unit="a"))]
    if len(known) > 1:
        sd = float(known.std(ddof=1))
        rows.append(at.plain("sd", sd, method="standard deviation", **plain))
    estimates = quantile_intervals(ages, (0.25, 0.5, 0.75), level=plan.level, unit="a")
    rows += [at.row(name, e) for name, e in zip(("q1", "median", "q3"), estimates, strict=True)]
    if len(known):
        for name, value in (("min", known.min()), ("max", known.max())):
            rows.append(at.plain(name, float(value), method="order statistic", **plain))
    return rows


def _sex_rows(place: Place, people: pd.DataFrame) -> list[ResultRow]:
    at = replace(place, quantity="sex")
    sex = people["sex"]
    known = int(sex.isin(["F", "M"]).sum())
    return [
        at.plain(name, float((sex == code).sum()), n=known, missing=len(people) - known)
        for name, code in (("female", "F"), ("male", "M"))
    ]
