"""The participants of a study as a whole: who is in which analysis set and in which subgroup."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evaluation.analysis.plan import Plan
from evaluation.analysis.plan_parts import AnalysisSet, Limit, Subgroup
from evaluation.analysis.plan_words import FIXED_FLAGS
from evaluation.analysis.tables import Tables, TablesError, prepared

T = TypeVar("T")
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Partition:
    """A division of the participants: ``code`` is the level of each, -1 where it is not known."""

    id: str
    labels: tuple[str, ...]
    code: NDArray[np.intp]

    def name(self, level: int) -> str:
        """Return the subgroup as result rows name it."""
        return f"{self.id}:{self.labels[level]}"

    def split(self, pid: NDArray[np.intp]) -> Iterator[tuple[str, Mask]]:
        """Yield each subgroup's name and which observations of these participants belong to it."""
        own = self.code[pid]
        for level in range(len(self.labels)):
            yield self.name(level), own == level


@dataclass(frozen=True, eq=False)
class Cohort:
    """The checked tables of a study and its plan; participants are known by their row number."""

    plan: Plan
    tables: Tables
    _kept: dict[Hashable, Any] = field(default_factory=dict)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what ``make`` gives, made at the first asking; several analyses share it."""
        if key not in self._kept:
            self._kept[key] = make()
        found: T = self._kept[key]
        return found

    @property
    def people(self) -> pd.DataFrame:
        """The participants table, in the order of the codes."""
        return self.tables.participants

    @cached_property
    def sites(self) -> Partition:
        """The sites, in the order of the sites table."""
        labels = tuple(str(code) for code in self.tables.sites["code"])
        code = pd.Index(labels).get_indexer(pd.Index(self.people["site"]))
        return Partition("site", labels, np.asarray(code, dtype=np.intp))

    @cached_property
    def demographics(self) -> tuple[Partition, ...]:
        """The subgroups of the plan whose column the participants table has."""
        return tuple(
            _partition(subgroup, self.people)
            for subgroup in self.plan.subgroup
            if subgroup.column in self.people.columns
        )

    @property
    def absent_subgroups(self) -> tuple[Subgroup, ...]:
        """The subgroups of the plan whose column the participants table lacks."""
        return tuple(s for s in self.plan.subgroup if s.column not in self.people.columns)

    def inside(self, name: str) -> Mask:
        """Return who belongs to an analysis set, shape (participants,)."""
        return self.once(("inside", name), lambda: members(self.plan.set_named(name), self.people))

    def gap(self, name: str) -> str:
        """Return why an analysis set cannot be formed; empty when it can."""
        wanted = self.plan.set_named(name)
        if wanted.unknown == "kept":
            return ""
        absent = [c for c in _columns(wanted) if c not in self.people.columns]
        if not absent:
            return ""
        return (
            f"the participants table has no column {', '.join(map(repr, absent))}: "
            f"the set {name!r} cannot be formed"
        )

    def measured_people(self, image: str) -> NDArray[np.intp]:
        """Return the participants of whom an image was measured at all."""
        return self._measured.get(image, np.array([], dtype=np.intp))

    @cached_property
    def _measured(self) -> dict[str, NDArray[np.intp]]:
        groups = self.tables.measurements.groupby("image", sort=False, observed=True)["pid"]
        return {str(image): np.asarray(pid.unique()) for image, pid in groups}


def cohort_of(plan: Plan, tables: Tables) -> Cohort:
    """Return the cohort of a study; its long tables carry ``pid``, the participant's row number.

    Raises
    ------
    TablesError
        As `prepared`, and for a participant who is not in the participants table.
    """
    checked = prepared(plan, tables)
    index = pd.Index(checked.participants["participant"])
    numbered = {
        name: _with_numbers(name, getattr(checked, name), index)
        for name in ("measurements", "reference_standard", "index_scores")
    }
    return Cohort(plan, replace(checked, **numbered))


def _with_numbers(name: str, table: pd.DataFrame, index: pd.Index) -> pd.DataFrame:
    words = table["participant"].array
    pid = index.get_indexer(words.categories)[words.codes]
    if (pid < 0).any():
        stranger = words[int(np.flatnonzero(pid < 0)[0])]
        raise TablesError(f"table {name}: participant {stranger!r} is not in table participants")
    return table.assign(pid=np.asarray(pid, dtype=np.intp))


def members(wanted: AnalysisSet, people: pd.DataFrame) -> Mask:
    """Return which participants belong to an analysis set."""
    keep = np.ones(len(people), dtype=bool)
    # Who is not known to fulfil a condition stays or goes as the set says.
    kept = wanted.unknown == "kept"
    for column in wanted.requires:
        keep &= _is(people, column, 1.0, unknown=kept)
    for column in wanted.excludes:
        keep &= _is(people, column, 0.0, unknown=kept)
    for limit in wanted.limit:
        keep &= _keeps(people, limit, unknown=kept)
    return keep


def _columns(wanted: AnalysisSet) -> list[str]:
    return [*wanted.requires, *wanted.excludes, *(limit.column for limit in wanted.limit)]


def _is(people: pd.DataFrame, column: str, wanted: float, *, unknown: bool) -> Mask:
    if column not in people.columns:
        return np.full(len(people), unknown)
    values = people[column].to_numpy(dtype=float)
    return np.where(np.isnan(values), unknown and column not in FIXED_FLAGS, values == wanted)


def _keeps(people: pd.DataFrame, limit: Limit, *, unknown: bool) -> Mask:
    if limit.column not in people.columns:
        return np.full(len(people), unknown)
    values = people[limit.column].to_numpy(dtype=float)
    low = -np.inf if limit.at_least is None else limit.at_least
    high = np.inf if limit.at_most is None else limit.at_most
    return np.where(np.isnan(values), unknown, (values >= low) & (values <= high))


def _partition(subgroup: Subgroup, people: pd.DataFrame) -> Partition:
    if subgroup.cut:
        values = people[subgroup.column].to_numpy(dtype=float)
        code = np.searchsorted(np.asarray(subgroup.cut), values, side="right")
        code = np.where(np.isnan(values), -1, code)
    else:
        code = pd.Index(subgroup.level).get_indexer(pd.Index(people[subgroup.column]))
    return Partition(subgroup.id, subgroup.labels, np.asarray(code, dtype=np.intp))
