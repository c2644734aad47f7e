"""What is asked of index tests: each target condition in each unit, with every test's results."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from evaluation.analysis.cohort import Cohort
from evaluation.analysis.plan import Plan
from evaluation.analysis.plan_parts import ConditionUnit, IndexTest, TargetCondition
from evaluation.analysis.results import Place
from evaluation.analysis.units import Scored, Units, reference_units, scored_units
from evaluation.diagnostic import INDETERMINATE


@dataclass(frozen=True)
class Handling:
    """What a result that is no plain call counts as.

    ``indeterminate`` is ``positive``, ``negative``, ``wrong`` or ``excluded``; ``failure`` (no
    usable synthetic PET) and ``missing`` (no result for another reason) are ``wrong`` or
    ``missing``.
    """

    indeterminate: str
    failure: str
    missing: str = "missing"

    @classmethod
    def of(cls, plan: Plan) -> "Handling":
        """Return the handling of the main analysis."""
        return cls(plan.methods.indeterminate, plan.methods.failure)


@dataclass(frozen=True, eq=False)
class Question:
    """One target condition in one unit: its units and the results of every test, by test id."""

    condition: TargetCondition
    unit: ConditionUnit
    units: Units
    tests: tuple[IndexTest, ...]
    scored: Mapping[str, Scored]

    def among(self, inside: NDArray[np.bool_]) -> "Question":
        """Return the question for some participants only."""
        keep = inside[self.units.pid]
        units = Units(
            self.units.pid[keep], self.units.unit_id[keep], self.units.status[keep],
            self.units.truth[keep],
        )  # fmt: skip
        scored = {name: own.where(inside[own.pid]) for name, own in self.scored.items()}
        return replace(self, units=units, scored=MappingProxyType(scored))

    def place(self, plan: Plan, family: str = "secondary", endpoint: str = "") -> Place:
        """Return where the rows of the question belong."""
        return Place(
            endpoint or self.condition.id, family, self.condition.analysis_set, plan.level,
            target_condition=self.condition.id, unit=self.unit.id,
        )  # fmt: skip

    @property
    def answered(self) -> tuple[IndexTest, ...]:
        """The tests that have any result."""
        return tuple(t for t in self.tests if not np.isnan(self.scored[t.id].score).all())


def questions(cohort: Cohort) -> tuple[Question, ...]:
    """Return every question that the plan asks and that can be answered, over all participants."""
    found = []
    for condition in cohort.plan.target_condition:
        for unit in condition.unit:
            if unit.not_estimable:
                continue
            units = reference_units(cohort, condition, unit)
            tests = (*cohort.plan.index_test, *_unregistered(cohort, condition, unit))
            scored = {
                test.id: scored_units(cohort, units, judged=(condition, unit), test=test)
                for test in tests
            }
            found.append(Question(condition, unit, units, tests, MappingProxyType(scored)))
    return tuple(found)


def calls(scored: Scored, cutoff: float, handling: Handling) -> NDArray[np.float64]:
    """Return 1, 0, `INDETERMINATE`, or NaN where a result is missing; a failure may be wrong."""
    call = np.where(np.isnan(scored.score), np.nan, scored.score >= cutoff)
    call[scored.indeterminate] = INDETERMINATE
    without = np.isnan(call)
    wrong = np.zeros(len(scored), dtype=bool)
    if handling.failure == "wrong":
        wrong |= without & scored.failed
    if handling.missing == "wrong":
        wrong |= without
    return np.where(wrong, 1 - scored.truth, call)


def decided(call: NDArray[np.float64], scored: Scored, handling: Handling) -> NDArray[np.float64]:
    """Return calls as 1, 0 or NaN, indeterminate ones as they are handled."""
    if handling.indeterminate == "wrong":
        return np.where(call == INDETERMINATE, 1 - scored.truth, call)
    as_call = {"positive": 1.0, "negative": 0.0, "excluded": np.nan}[handling.indeterminate]
    return np.where(call == INDETERMINATE, as_call, call)


def _unregistered(
    cohort: Cohort, condition: TargetCondition, unit: ConditionUnit
) -> list[IndexTest]:
    s = cohort.tables.index_scores
    own = s[((s["target_condition"] == condition.id) & (s["unit"] == unit.id)).to_numpy()]
    known = {test.id for test in cohort.plan.index_test}
    names = sorted(set(own["test"].unique()) - known)
    return [IndexTest(str(name), str(name), "scores", "", {}) for name in names]
