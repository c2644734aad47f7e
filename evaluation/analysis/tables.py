"""The tables that an analysis reads, checked and sorted before anything is computed."""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import pandas as pd

from evaluation.analysis.plan import Plan

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

OPTIONAL_FLAGS = {"index_scores": ("indeterminate",)}
"""Columns that a table may have besides: true where a reader could not decide."""

_KEYS: dict[str, tuple[str, ...]] = {
    "participants": ("participant",),
    "measurements": ("participant", "region", "image", "quantity", "release"),
    "reference_standard": ("target_condition", "unit", "participant", "unit_id"),
    "index_scores": ("test", "target_condition", "unit", "participant", "unit_id", "reader"),
    "sites": ("code",),
}
_UNREAD = {"measurements": {"site", "method", "flags"}}
_LONG = {"measurements", "reference_standard", "index_scores"}
NUMBERS = {"age_years", "value", "score", "target"}
_STATUS = {"positive", "negative", "indeterminate", "missing"}
_LONGEST_LEVEL = 50
_YES, _NO = {"true", "1", "1.0", "yes"}, {"false", "0", "0.0", "no"}


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

    @cached_property
    def _by_quantity(self) -> dict[tuple[str, str], pd.DataFrame]:
        # Scanning half a million rows for every question is what made a large study slow.
        groups = self.measurements.groupby(["quantity", "image"], sort=False, observed=True)
        return {(str(q), str(i)): own for (q, i), own in groups}


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
    frames["participants"] = _with_declared(plan, frames["participants"], tables.participants)
    frames["measurements"] = _one_release(plan, frames["measurements"])
    ordered = {name: _ordered(name, frame) for name, frame in frames.items()}
    _check_finite(ordered)
    _check_status(ordered["reference_standard"])
    _check_sites(ordered)
    return Tables(**ordered)


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
        if column in _UNREAD.get(name, ()):
            continue
        if column in NUMBERS:
            typed[column] = pd.to_numeric(values, errors="raise").astype("float64").to_numpy()
        elif column in STEPS:
            typed[column] = _truths(values)
        else:
            words = _words(values)
            # Long tables repeat few words: as categories they are small and quick to sort.
            typed[column] = words if name in _LONG else np.asarray(words, dtype=object)
    for column in OPTIONAL_FLAGS.get(name, ()):
        typed[column] = (
            _flags(frame[column], name) == 1 if column in frame.columns
            else np.zeros(len(frame), dtype=bool)
        )  # fmt: skip
    return pd.DataFrame(typed)


def _truths(values: pd.Series) -> np.ndarray:
    if values.dtype == np.bool_:
        return values.to_numpy()
    return np.array([not pd.isna(v) and bool(v) for v in values], dtype=bool)


def _words(values: pd.Series) -> pd.Categorical:
    codes, found = pd.factorize(values)
    words = np.array([*(str(word) for word in found), ""], dtype=object)
    labels, place = np.unique(words, return_inverse=True)
    return pd.Categorical.from_codes(place[codes], categories=pd.Index(labels, dtype=object))


def _with_declared(plan: Plan, typed: pd.DataFrame, given: pd.DataFrame) -> pd.DataFrame:
    """Return the participants with those columns that the plan declares and the table has."""
    more: dict[str, np.ndarray] = {}
    for column in plan.participant_column:
        if column.name not in given.columns:
            continue
        values = given[column.name]
        if column.kind == "number":
            more[column.name] = _numbers(values)
        elif column.kind == "flag":
            more[column.name] = _flags(values, "participants")
        else:
            more[column.name] = _levels(values)
    return typed.assign(**more)


def _numbers(values: pd.Series) -> np.ndarray:
    try:
        known = values.replace("", np.nan)
        numbers = pd.to_numeric(known, errors="raise").astype("float64").to_numpy()
    except (ValueError, TypeError) as error:
        raise TablesError(f"table participants: column {values.name!r}: {error}") from error
    if np.isinf(numbers).any():
        raise TablesError(f"table participants: column {values.name!r} has an infinite value")
    return np.asarray(numbers)


def _flags(values: pd.Series, table: str) -> np.ndarray:
    """Return 1, 0 and NaN where nothing is recorded."""
    if values.dtype == np.bool_:
        return values.to_numpy(dtype=float)
    flags = np.full(len(values), np.nan)
    for i, value in enumerate(values):
        word = "" if pd.isna(value) else str(value).strip().lower()
        if word and word not in _YES | _NO:
            raise TablesError(f"table {table}: column {values.name!r}: {value!r} is no flag")
        if word:
            flags[i] = float(word in _YES)
    return flags


def _levels(values: pd.Series) -> np.ndarray:
    """Return words short enough for the name of a statistic; two may not become the same."""
    found = _words(values)
    short = [w if len(w) <= _LONGEST_LEVEL else f"{w[:_LONGEST_LEVEL]}…" for w in found.categories]
    if len(set(short)) < len(short):
        twice = next(w for w in short if short.count(w) > 1)
        raise TablesError(
            f"table participants: column {values.name!r}: two levels begin with {twice!r}; "
            f"the first {_LONGEST_LEVEL} letters must tell them apart"
        )
    return np.array(short, dtype=object)[found.codes]


def _one_release(plan: Plan, measurements: pd.DataFrame) -> pd.DataFrame:
    releases = sorted(set(measurements["release"].unique()) - {""})
    wanted = plan.release or (releases[0] if releases else "")
    if not plan.release and len(releases) > 1:
        raise TablesError(
            f"measurements of {len(releases)} releases ({', '.join(releases)}): the plan must name one"
        )
    keep = measurements["release"].isin(["", wanted])
    return measurements[keep]


def _ordered(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    keys = list(_KEYS[name])
    codes = [_codes(frame[key]) for key in keys]
    order = np.lexsort(codes[::-1]) if len(frame) else np.array([], dtype=np.intp)
    sorted_codes = np.stack([code[order] for code in codes])
    repeated = np.flatnonzero((sorted_codes[:, 1:] == sorted_codes[:, :-1]).all(axis=0))
    if len(repeated):
        twice = frame.iloc[order[repeated[0]]]
        row = ", ".join(str(twice[key]) for key in keys)
        raise TablesError(f"table {name}: two rows for {row}")
    return (
        frame.reset_index(drop=True)
        if name == "sites"
        else frame.iloc[order].reset_index(drop=True)
    )


def _codes(words: pd.Series) -> np.ndarray:
    # The categories are sorted, so their codes sort as the words do.
    own = words.array if isinstance(words.dtype, pd.CategoricalDtype) else _words(words)
    return np.asarray(own.codes)


def _check_finite(frames: dict[str, pd.DataFrame]) -> None:
    for name, column in (("measurements", "value"), ("index_scores", "score")):
        infinite = frames[name][np.isinf(frames[name][column].to_numpy())]
        if len(infinite):
            row = ", ".join(str(infinite.iloc[0][key]) for key in _KEYS[name])
            raise TablesError(
                f"table {name}: {column} is infinite for {row}; record it as missing, with a flag"
            )


def _check_status(reference: pd.DataFrame) -> None:
    for status in sorted(set(reference["status"].unique()) - _STATUS):
        raise TablesError(f"table reference_standard: status {status!r} is not known")


def _check_sites(frames: dict[str, pd.DataFrame]) -> None:
    known = set(frames["sites"]["code"])
    for code in sorted(set(frames["participants"]["site"]) - known):
        raise TablesError(f"table participants: site {code!r} is not in table sites")
