"""Joins index test scores to the reference standard, one observation per unit and reader."""

from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evaluation.analysis.cohort import Cohort
from evaluation.analysis.plan_parts import ConditionUnit, IndexTest, TargetCondition

_TRUTH = {"positive": 1.0, "negative": 0.0, "indeterminate": np.nan, "missing": np.nan}
_Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Units:
    """Units of a target condition with their verdict; ``truth`` is NaN where there is none."""

    pid: NDArray[np.intp]
    unit_id: NDArray[np.object_]
    status: NDArray[np.object_]
    truth: _Array

    def __len__(self) -> int:
        """Number of units."""
        return len(self.pid)


@dataclass(frozen=True, eq=False)
class Scored:
    """Units with the result of one index test, once for each reader who was given them.

    ``score`` is NaN where the test has no result; ``indeterminate`` marks readings without a
    decision, ``failed`` units of a ready pair without a usable synthetic PET.
    """

    pid: NDArray[np.intp]
    unit_id: NDArray[np.object_]
    reader: NDArray[np.object_]
    status: NDArray[np.object_]
    truth: _Array
    score: _Array
    indeterminate: NDArray[np.bool_]
    failed: NDArray[np.bool_]

    def __len__(self) -> int:
        """Number of observations."""
        return len(self.pid)

    def where(self, keep: NDArray[np.bool_]) -> "Scored":
        """Return the observations that are kept."""
        return Scored(**{f.name: getattr(self, f.name)[keep] for f in fields(self)})

    def with_truth(self, truth: _Array) -> "Scored":
        """Return the same observations with another verdict."""
        return replace(self, truth=truth)

    @property
    def readers(self) -> list[str]:
        """The readers who gave a score, in order of their code."""
        return sorted(set(self.reader[~np.isnan(self.score)]))

    @property
    def cluster(self) -> NDArray[np.intp] | None:
        """Participants as clusters; None when each has a single observation."""
        return self.pid if len(np.unique(self.pid)) < len(self.pid) else None


def reference_units(cohort: Cohort, condition: TargetCondition, unit: ConditionUnit) -> Units:
    """Return the units of a target condition, in order of participant and unit.

    A participant without any verdict in a participant-level unit has status ``missing``.
    """
    r = cohort.tables.reference_standard
    own = r[((r["target_condition"] == condition.id) & (r["unit"] == unit.id)).to_numpy()]
    pid, unit_id = own["pid"].to_numpy(), _text(own["unit_id"])
    status = _text(own["status"])
    if unit.id == "participant":
        absent = np.setdiff1d(np.arange(len(cohort.people)), pid)
        pid = np.append(pid, absent)
        unit_id = np.append(unit_id, np.full(len(absent), "", dtype=object))
        status = np.append(status, np.full(len(absent), "missing", dtype=object))
    order = np.lexsort((pd.factorize(unit_id, sort=True)[0], pid))
    truth = np.array([_TRUTH[word] for word in status[order]], dtype=float)
    return Units(pid[order], unit_id[order], status[order], truth)


def scored_units(
    cohort: Cohort, units: Units, *, judged: tuple[TargetCondition, ConditionUnit], test: IndexTest
) -> Scored:
    """Return the units with the result of an index test, whoever the participants are."""
    if test.kind == "quantity":
        frame = _by_rule(cohort, units, judged[1], test)
    else:
        frame = _by_readers(cohort, units, judged, test.id)
    people = cohort.people
    failure = people["pair_ready"].to_numpy() & ~people["synthesised"].to_numpy()
    pid, score = frame["pid"].to_numpy(dtype=np.intp), frame["score"].to_numpy(dtype=float)
    failed = failure[pid] & np.isnan(score) & test.reads_synthetic
    return Scored(
        pid, frame["unit_id"].to_numpy(dtype=object), frame["reader"].to_numpy(dtype=object),
        frame["status"].to_numpy(dtype=object), frame["truth"].to_numpy(dtype=float), score,
        frame["indeterminate"].to_numpy(dtype=bool), failed,
    )  # fmt: skip


def _text(words: pd.Series) -> NDArray[np.object_]:
    return np.asarray(words, dtype=object)


def _frame(units: Units) -> pd.DataFrame:
    return pd.DataFrame({f.name: getattr(units, f.name) for f in fields(units)})


def _by_rule(cohort: Cohort, units: Units, unit: ConditionUnit, test: IndexTest) -> pd.DataFrame:
    found = cohort.tables.measured(test.quantity, test.image, unit.region)
    pid, value = found["pid"].to_numpy(), found["value"].to_numpy(dtype=float)
    frame = _frame(units)
    if unit.id == "participant":
        # max skips NaN: a region without a value cannot hide a higher one beside it.
        highest = pd.Series(value).groupby(pid).max()
        marked = np.isin(units.pid, pid)
        score = highest.reindex(units.pid).to_numpy(dtype=float, copy=True)
    else:
        named = found["region"].astype(object).str.slice(len(unit.region))
        own = pd.DataFrame({"pid": pid, "unit_id": named.to_numpy(), "value": value})
        joined = frame.merge(own, on=["pid", "unit_id"], how="left", indicator="marked")
        marked = (joined["marked"] == "both").to_numpy()
        score = joined["value"].to_numpy(dtype=float, copy=True)
    if unit.unmarked == "zero":
        measured = np.zeros(len(cohort.people), dtype=bool)
        measured[cohort.measured_people(test.image)] = True
        score[~marked & measured[units.pid]] = 0.0
    return frame.assign(reader="", score=score, indeterminate=False)


def _by_readers(
    cohort: Cohort, units: Units, judged: tuple[TargetCondition, ConditionUnit], test: str
) -> pd.DataFrame:
    s = cohort.tables.index_scores
    condition, unit = judged
    wanted = (s["test"] == test) & (s["target_condition"] == condition.id) & (s["unit"] == unit.id)
    own, frame = s[wanted.to_numpy()], _frame(units)
    if own.empty:
        return frame.assign(reader="", score=np.nan, indeterminate=False)
    given = pd.DataFrame(
        {
            "pid": own["pid"].to_numpy(), "unit_id": _text(own["unit_id"]),
            "reader": _text(own["reader"]), "score": own["score"].to_numpy(),
            "indeterminate": own["indeterminate"].to_numpy(),
        }
    )  # fmt: skip
    # A case that nobody was given to read is not a missing result of a reader.
    seen = given[["pid", "reader"]].drop_duplicates()
    read = frame.merge(seen, on="pid", how="inner").merge(
        given, on=["pid", "unit_id", "reader"], how="left"
    )
    read["indeterminate"] = read["indeterminate"].fillna(value=False).astype(bool)
    return read.sort_values(["reader", "pid", "unit_id"], kind="stable", ignore_index=True)
