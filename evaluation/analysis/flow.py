"""Participant flow, analysis sets and recruitment, all counted from the participants table."""

import numpy as np
import pandas as pd

from evaluation.analysis.cohort import Cohort
from evaluation.analysis.questions import Handling, Question, calls
from evaluation.analysis.results import Place, ResultRow
from evaluation.analysis.tables import STEPS
from evaluation.diagnostic import INDETERMINATE

FLOW = (*(step for step in STEPS if step != "reference_complete"), "reference_complete")
"""Order of the diagram; whoever stands at a step has passed every step before it."""
INDEX_RESULTS = ("positive", "negative", "indeterminate", "failed", "missing")
REFERENCE_RESULTS = ("positive", "negative", "indeterminate", "missing")


def flow_rows(cohort: Cohort) -> list[ResultRow]:
    """Return the counts of the flow diagram, the reasons for exclusion and the set sizes."""
    plan, people = cohort.plan, cohort.people
    rows: list[ResultRow] = []
    place = Place("participant_flow", "flow", "all", plan.level, unit="participant")
    reasons = sorted(set(people["exclusion_reason"]) - {""})
    inside = {wanted.id: cohort.inside(wanted.id) for wanted in plan.analysis_set}
    for name, keep in everyone_and_sites(cohort):
        here, own, n = place.at(name), people[keep], int(keep.sum())
        reached = own[list(FLOW)].astype(bool).cumprod(axis=1)
        rows += [here.plain(step, float(reached[step].sum()), n=n) for step in FLOW]
        for reason in reasons:
            count = float((own["exclusion_reason"] == reason).sum())
            rows.append(_excluded(cohort, name, reason).plain("excluded", count, n=n))
        for wanted in plan.analysis_set:
            at = Place("analysis_set", "flow", wanted.id, plan.level, unit="participant")
            gap = cohort.gap(wanted.id)
            size = None if gap else float((inside[wanted.id] & keep).sum())
            rows.append(at.at(name).plain("participants", size, n=n, reason=gap))
    return rows


def target_rows(cohort: Cohort) -> list[ResultRow]:
    """Return recruitment targets by site and in total."""
    place = Place("recruitment", "flow", "all", cohort.plan.level, unit="participant")
    target = cohort.tables.sites.set_index("code")["target"]
    rows = []
    for name, keep in everyone_and_sites(cohort):
        value = target.sum() if name == "all" else target[name.removeprefix("site:")]
        known = None if pd.isna(value) else float(value)
        reason = "" if known is not None else "no target is stated"
        n = int(cohort.people["enrolled"].to_numpy()[keep].sum())
        rows.append(place.at(name).plain("target", known, n=n, reason=reason))
    return rows


def stard_rows(cohort: Cohort, question: Question) -> list[ResultRow]:
    """Return, for each test with results, the units by its result and the reference standard.

    Statistics are ``INDEX:REFERENCE``, for example ``indeterminate:missing``, before any handling.
    """
    rows = []
    plain = Handling("excluded", "missing")
    for test in question.answered:
        cutoff = test.cutoff.get(question.condition.id)
        if cutoff is None:
            continue
        scored = question.scored[test.id]
        call = calls(scored, cutoff, plain)
        index = np.select(
            [call == 1, call == 0, call == INDETERMINATE, scored.failed],
            ["positive", "negative", "indeterminate", "failed"], "missing",
        )  # fmt: skip
        place = question.place(cohort.plan, "flow", "stard_flow")
        at = Place(**{**vars(place), "test": test.id})
        for result in INDEX_RESULTS:
            for verdict in REFERENCE_RESULTS:
                count = float(((index == result) & (scored.status == verdict)).sum())
                rows.append(at.plain(f"{result}:{verdict}", count, n=len(scored)))
    return rows


def everyone_and_sites(cohort: Cohort) -> list[tuple[str, np.ndarray]]:
    """Return the names of the subgroups by site and who belongs to each."""
    everybody = np.arange(len(cohort.people))
    return [("all", np.ones(len(everybody), dtype=bool)), *cohort.sites.split(everybody)]


def _excluded(cohort: Cohort, subgroup: str, reason: str) -> Place:
    return Place(
        "participant_flow", "flow", "all", cohort.plan.level, quantity=reason, unit="participant",
        subgroup=subgroup,
    )  # fmt: skip
