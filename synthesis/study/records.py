"""What was measured of one family, as rows; JSON-able, so that a study goes on where it was."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from synthesis.training.checkpoint import write_whole
from synthesis.training.family_held_out import Row


class MeasurementRefusedError(ValueError):
    """The numbers on record belong to another study or training."""


@dataclass(frozen=True, slots=True)
class Focus:
    """SUVmax of one focus, acquired and synthetic."""

    participant: str
    predictor: str
    name: str
    malignant: bool | None
    acquired: float
    synthetic: float


@dataclass(frozen=True, slots=True)
class Strays:
    """Synthetic foci in the lungs of one participant where nothing is, and the lungs' volume."""

    participant: str
    predictor: str
    count: int
    lung_ml: float


@dataclass(frozen=True, slots=True)
class Change:
    """One site in the lung in two versions of a participant that differ by one lesion alone.

    Attributes
    ----------
    kind
        `removed`: a lesion of the participant is taken out of the CT. `inserted`: their first
        lesion is there a second time, elsewhere.
    acquired_with, acquired_without, synthetic_with, synthetic_without
        SUVmax at the site, in the version with the lesion and in that without it.
    """

    participant: str
    predictor: str
    kind: str
    acquired_with: float
    acquired_without: float
    synthetic_with: float
    synthetic_without: float


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What a number of network evaluations gives on validation participants."""

    evaluations: int
    body_mae_suv: float
    median_recovery: float
    participants: int
    foci: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What one volume costs; memory is None where the system does not tell a peak."""

    seconds: float
    processor_seconds: float
    peak_mib: float | None
    slices: int


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near patches of held-out participants lie to the nearest training patch.

    Distances are root mean squares in SUV after the same smoothing, at the same place.

    Attributes
    ----------
    suspicious
        Share of the synthetic patches nearer than the nearest 1 % of the acquired ones.
    """

    patches: int
    acquired_median: float
    synthetic_median: float
    suspicious: float


@dataclass(frozen=True, slots=True)
class TwinRow:
    """Mean SUV of one tissue of a held-out participant, and of the twin of the same build."""

    participant: str
    sex: str
    tissue: str
    acquired: float
    twin: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything measured of one family.

    Attributes
    ----------
    key
        SHA-256 of cohort, split, measures and training settings: numbers of others are refused.
    evaluations
        Of the network for one sample, as chosen on the validation participants.
    """

    key: str
    evaluations: int
    parameters: int
    cost: Cost
    rows: tuple[Row, ...] = ()
    foci: tuple[Focus, ...] = ()
    strays: tuple[Strays, ...] = ()
    changes: tuple[Change, ...] = ()
    curve: tuple[CurvePoint, ...] = ()
    nearness: Nearness | None = None
    twins: tuple[TwinRow, ...] = ()


LISTS: dict[str, type[Any]] = {
    "rows": Row, "foci": Focus, "strays": Strays, "changes": Change, "curve": CurvePoint,
    "twins": TwinRow,
}  # fmt: skip


def store_measured(measured: Measured, path: Path) -> None:
    """Write the record; complete or absent."""
    write_whole(path, json.dumps(asdict(measured)).encode())


def load_measured(path: Path, key: str) -> Measured | None:
    """Return the record, or None where there is none.

    Raises
    ------
    MeasurementRefusedError
        When it belongs to other settings, another split or other weights.
    """
    if not path.is_file():
        return None
    table = json.loads(path.read_text(encoding="utf-8"))
    if table["key"] != key:
        raise MeasurementRefusedError(
            f"{path.parent.name} was measured under other settings; remove {path.name} to measure "
            "again."
        )
    for name, kind in LISTS.items():
        table[name] = tuple(kind(**row) for row in table[name])
    table["cost"] = Cost(**table["cost"])
    table["nearness"] = Nearness(**table["nearness"]) if table["nearness"] else None
    return Measured(**table)
