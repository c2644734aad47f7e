"""The tables that an analysis reads, checked and sorted before anything is computed."""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import pandas as pd

from evaluation.analysis.plan import AnalysisSet, Plan

STEPS = (
    "screened", "eligible", "enrolled", "consented", "ct_received", "pet_received", "pair_ready",
    "synthesised", "reference_complete", "analysed",
)  # fmt: skip

COLUMNS: dict[str, tuple[str, ...]] = {
    "participants": ("participant", "site", "age_years", "sex", *STEPS, "exclusion_reason"),
    "measurements": (
        "participant", "site", "release", "region", "image", "quantity", "value", "unit",
        "method", "flags",
    ),
    "reference_standard": (
        "participant", "site", "target_condition", "unit", "unit_id", "status", "source",
    ),
    "index_scores": (
        "participant", "site", "test", "arm", "reader", "target_condition", "unit", "unit_id",
        "score",
    ),
    "sites": ("code", "name", "name_zh", "target"),
}  # fmt: skip
"""Columns of each table; a table may be empty, a column may not be missing."""

_KEYS: dict[str, tuple[str, ...]] = {
    "participants": ("participant",),
    "measurements": ("participant", "region", "image", "quantity", "release"),
    "reference_standard": ("target_condition", "unit", "participant", "unit_id"),
    "index_scores": ("test", "target_condition", "unit", "participant", "unit_id", "reader"),
    "sites": ("code",),
}
NUMBERS = {"age_years", "value", "score", "target"}
_STATUS = {"positive", "negative", "indeterminate", "missing"}


class TablesError(ValueError):
    """A table lacks a column, repeats a row or contradicts the plan."""


@dataclass(frozen=True)
class Tables:
    """One row per participant, measurement, reference verdict, score and site."""

    participants: pd.DataFrame
    measurements: pd.DataFrame
    reference_standard: pd.DataFrame
    index_scores: pd.DataFrame
    sites: pd.DataFrame

    def measured(self, quantity: str, image: str, region: str) -> pd.DataFrame:
        """Return the measurements of a quantity; a region that ends with a colon is a prefix."""
        found = self._by_quantity.get((quantity, image))
        if found is None:
            return self.measurements.iloc[:0]
        if region.endswith(":"):
            return found[found["region"].str.startswith(region)]
        return found[found["region"] == region]

    def with_measurements(self, image: str) -> frozenset[str]:
        """Return the participants of whom an image was measured at all."""
        return self._measured_people.get(image, frozenset())

    @cached_property
    def _by_quantity(self) -> dict[tuple[str, str], pd.DataFrame]:
        # Scanning half a million rows for every question is what made a large study slow.
        groups = self.measurements.groupby(["quantity", "image"], sort=False)
        return {(str(q), str(i)): own for (q, i), own in groups}

    @cached_property
    def _measured_people(self) -> dict[str, frozenset[str]]:
        groups = self.measurements.groupby("image", sort=False)["participant"]
        return {str(image): frozenset(people) for image, people in groups}


def empty_table(name: str) -> pd.DataFrame:
    """Return the named table without rows."""
    return pd.DataFrame({column: pd.Series(dtype=_dtype(column)) for column in COLUMNS[name]})


def prepared(plan: Plan, tables: Tables) -> Tables:
    """Return the tables with known types, one release and a fixed order of rows.

    Raises
    ------
    TablesError
        With a sentence naming the table and the column or row.
    """
    frames = {f.name: _typed(f.name, getattr(tables, f.name)) for f in fields(tables)}
    frames["measurements"] = _one_release(plan, frames["measurements"])
    ordered = {name: _ordered(name, frame) for name, frame in frames.items()}
    _check_finite(ordered)
    _check_status(ordered["reference_standard"])
    _check_sites(ordered)
    return Tables(**ordered)


def members(analysis_set: AnalysisSet, participants: pd.DataFrame) -> pd.DataFrame:
    """Return the participants of an analysis set."""
    keep = np.ones(len(participants), dtype=bool)
    for column in analysis_set.requires:
        keep &= participants[column].to_numpy(dtype=bool)
    return participants[keep]


def _dtype(column: str) -> str:
    if column in NUMBERS:
        return "float64"
    return "bool" if column in STEPS else "object"


def _typed(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    missing = [column for column in COLUMNS[name] if column not in frame.columns]
    if missing:
        raise TablesError(f"table {name}: column {missing[0]!r} is missing")
    typed: dict[str, object] = {}
    for column in COLUMNS[name]:
        values = frame[column]
        if column in NUMBERS:
            typed[column] = pd.to_numeric(values, errors="raise").astype("float64").to_numpy()
        elif column in STEPS:
            typed[column] = [not pd.isna(v) and bool(v) for v in values]
        else:
            raw = values.to_numpy(dtype=object, copy=True)
            raw[pd.isna(raw)] = ""
            typed[column] = np.array([str(v) for v in raw], dtype=object)
    return pd.DataFrame(typed)


def _one_release(plan: Plan, measurements: pd.DataFrame) -> pd.DataFrame:
    releases = sorted(set(measurements["release"]) - {""})
    wanted = plan.release or (releases[0] if releases else "")
    if not plan.release and len(releases) > 1:
        raise TablesError(
            f"measurements of {len(releases)} releases ({', '.join(releases)}): the plan must name one"
        )
    keep = measurements["release"].isin(["", wanted])
    return measurements[keep]


def _ordered(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    keys = list(_KEYS[name])
    repeated = frame[frame.duplicated(keys)]
    if len(repeated):
        row = ", ".join(str(repeated.iloc[0][key]) for key in keys)
        raise TablesError(f"table {name}: two rows for {row}")
    if name == "sites":
        return frame.reset_index(drop=True)
    return frame.sort_values(keys, kind="stable").reset_index(drop=True)


def _check_finite(frames: dict[str, pd.DataFrame]) -> None:
    for name, column in (("measurements", "value"), ("index_scores", "score")):
        infinite = frames[name][np.isinf(frames[name][column].to_numpy())]
        if len(infinite):
            row = ", ".join(str(infinite.iloc[0][key]) for key in _KEYS[name])
            raise TablesError(
                f"table {name}: {column} is infinite for {row}; record it as missing, with a flag"
            )


def _check_status(reference: pd.DataFrame) -> None:
    for status in sorted(set(reference["status"]) - _STATUS):
        raise TablesError(f"table reference_standard: status {status!r} is not known")


def _check_sites(frames: dict[str, pd.DataFrame]) -> None:
    known = set(frames["sites"]["code"])
    for code in sorted(set(frames["participants"]["site"]) - known):
        raise TablesError(f"table participants: site {code!r} is not in table sites")
