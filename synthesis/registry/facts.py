"""What a release says of itself, in an order in which people read it; knows no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synthesis.config import PRESETS, ConfigRefusedError, family_config, preset

CONTROLS = ("zero", "body_mean", "lesions_erased")  # no models: what a good one must not resemble
QUANTITIES = (
    "mae_suv", "psnr_db", "ssim", "median_recovery", "stray_foci", "removed_focus_stayed",
)  # fmt: skip
COUNTS = {"lesions", "participants", "removed_foci", "removed_participants"}
LINEAGE = (
    "parent",
    "parent_sha256",
    "teacher",
    "teacher_sha256",
    "started_from",
    "fine_tuned_from",
)
_ENDS = ("_low", "_high")
Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """One held-out number with its 95 % interval; None where it was not stated or does not exist."""

    value: float | None
    low: float | None
    high: float | None
    quantity: str = ""


@dataclass(frozen=True, slots=True)
class HeldOutRow:
    """A predictor with its figures, in the order of the table's quantities."""

    predictor: str
    control: bool
    figures: tuple[Figure, ...]
    foci: int | None
    participants: int | None


@dataclass(frozen=True, slots=True)
class HeldOutTable:
    """Held-out results: the model first, then what is no model."""

    quantities: tuple[str, ...]
    rows: tuple[HeldOutRow, ...]


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """What stands on the page of a release beside its card.

    Attributes
    ----------
    preset
        The preset that the configuration equals; empty where it has settings of its own.
    data, training, digests
        Names with values, as the description has them.
    lineage
        What it was made from: a teacher, an earlier release; empty when from nothing.
    """

    intended_use: str
    parameters: int | None
    created: str
    preset: str
    held_out: HeldOutTable
    data: tuple[tuple[str, str], ...]
    training: tuple[tuple[str, str], ...]
    digests: tuple[tuple[str, str], ...]
    lineage: tuple[tuple[str, str], ...]
    configuration: tuple[tuple[str, str], ...]


DATA = ("participants", "sites", "split", "cohort")


def facts_of(table: Table) -> ReleaseFacts:
    """Return the facts of a description; whatever it does not say is left out, never guessed."""
    training = dict(_table(table.get("training")))
    lineage = [
        pair
        for source in (table, training)
        for pair in _flat({n: source[n] for n in LINEAGE if n in source})
    ]
    digests = [
        (n.removesuffix("_sha256").replace("_", " "), str(v))
        for n, v in training.items()
        if n.endswith("_sha256") and n not in LINEAGE
    ]
    digests += [(n, str(v)) for n, v in _table(table.get("files")).items()]
    rest = {n: v for n, v in training.items() if n not in DATA and n not in LINEAGE}
    rest = {n: v for n, v in rest.items() if not n.endswith("_sha256")}
    parameters = table.get("parameters")
    return ReleaseFacts(
        intended_use=str(table.get("intended_use", "")),
        parameters=parameters if isinstance(parameters, int) else None,
        created=str(table.get("created", "")),
        preset=_preset(table),
        held_out=held_out_table(_table(table.get("metrics"))),
        data=_flat({n: training[n] for n in DATA if n in training}),
        training=_flat(rest),
        digests=tuple(digests),
        lineage=tuple(lineage),
        configuration=_flat(_table(table.get("config"))),
    )


def held_out_table(metrics: Table) -> HeldOutTable:
    """Return the results by predictor."""
    images = {n: _table(row) for n, row in _table(metrics.get("images")).items()}
    lesions = {n: _table(row) for n, row in _table(metrics.get("lesions")).items()}
    strays = {n: _table(row) for n, row in _table(metrics.get("hallucination")).items()}
    # Recovery's participants, who have foci, stand for the row; strays are of all of them.
    tables = (strays, images, lesions)
    names = dict.fromkeys(name for table in tables for name in table)
    merged = {n: {k: v for table in tables for k, v in table.get(n, {}).items()} for n in names}
    found = {name for row in merged.values() for name in row}
    others = sorted(n for n in found - set(QUANTITIES) - COUNTS if not n.endswith(_ENDS))
    quantities = (*(n for n in QUANTITIES if n in found), *others)
    order = sorted(merged, key=lambda name: (name in CONTROLS, name != "model", name))
    return HeldOutTable(quantities, tuple(_row(name, merged[name], quantities) for name in order))


def _figure(row: Table, quantity: str) -> Figure:
    value, low, high = (_number(row.get(f"{quantity}{end}")) for end in ("", *_ENDS))
    return Figure(value, low, high, quantity=quantity)


def _row(name: str, row: Table, quantities: tuple[str, ...]) -> HeldOutRow:
    figures = tuple(_figure(row, quantity) for quantity in quantities)
    counts = (_number(row.get(key)) for key in ("lesions", "participants"))
    foci, people = (None if count is None else int(count) for count in counts)
    return HeldOutRow(name, name in CONTROLS, figures, foci, people)


def _preset(table: Table) -> str:
    """Return the name of the preset that the configuration equals."""
    try:
        own = {name: table[name] for name in ("schema", "family")}
        config = family_config({**_table(table["config"]), **own})
    except (ConfigRefusedError, KeyError):
        return ""
    return next((name for name in PRESETS if config == preset(config.family, name)), "")


def _flat(table: Table, prefix: str = "") -> tuple[tuple[str, str], ...]:
    """Return names with values, tables within tables as `outer.inner`."""
    found: list[tuple[str, str]] = []
    for name, value in table.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{name}.")
        else:
            found.append((f"{prefix}{name}", _words(value)))
    return tuple(found)


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_words(one) for one in value)
    if isinstance(value, Mapping):
        return " ".join(f"{name} {_words(one)}" for name, one in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def _table(value: object) -> Table:
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None  # type: ignore[arg-type] # it is a number
