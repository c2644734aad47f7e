"""The order and the regularity of slices, from their positions alone (never InstanceNumber)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.imaging.grid import Grid, triple
from evaluation.imaging.header import number, numbers
from evaluation.imaging.instance import Instance
from evaluation.imaging.reasons import Reason

SPACING_TOLERANCE_RELATIVE = 0.02
SPACING_TOLERANCE_MM = 0.1
TILT_TOLERANCE_DEGREES = 0.3
SHIFT_TOLERANCE_MM = 0.25
ORIENTATION_TOLERANCE = 1e-4
_POSITION = "(0020,0032)"
_ORIENTATION = "(0020,0037)"


@dataclass(frozen=True, eq=False)
class Stack:
    """Slices in the order of their positions along the normal, and the grid they make."""

    instances: tuple[Instance, ...]
    grid: Grid


def stack_slices(instances: Sequence[Instance]) -> tuple[Stack | None, tuple[Reason, ...]]:
    """Sort slices along their normal and say everything that keeps them from being a grid."""
    bare = [i for i in instances if _geometry(i) is None]
    if bare:
        names = _some([i.path.name for i in bare])
        sentence = (
            f"{names} state no usable position, orientation or pixel spacing; "
            "the slices cannot be placed."
        )
        return None, (Reason("no_geometry", sentence, _POSITION),)
    reasons = _uniform_faults(instances)
    if reasons:
        return None, reasons
    axes = _axes(instances[0])
    positions = np.array([numbers(i.header, "ImagePositionPatient", 3) for i in instances])
    order = np.argsort(positions @ axes[2], kind="stable")
    ordered = tuple(instances[k] for k in order)
    reasons = _position_faults(positions[order], axes[2])
    thickness, reason = _slice_spacing(ordered, positions[order] @ axes[2])
    if reason is not None:
        reasons += (reason,)
    if reasons:
        return None, reasons
    return Stack(ordered, _grid(ordered, positions[order][0], axes, thickness)), ()


def _geometry(instance: Instance) -> tuple[float, ...] | None:
    position = numbers(instance.header, "ImagePositionPatient", 3)
    orientation = numbers(instance.header, "ImageOrientationPatient", 6)
    spacing = numbers(instance.header, "PixelSpacing", 2)
    if position is None or orientation is None or spacing is None or min(spacing) <= 0:
        return None
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    skew = [row @ row - 1, column @ column - 1, row @ column]
    return None if np.abs(skew).max() > 1e-3 else position


def _uniform_faults(instances: Sequence[Instance]) -> tuple[Reason, ...]:
    orientations = np.array([numbers(i.header, "ImageOrientationPatient", 6) for i in instances])
    spacings = np.array([numbers(i.header, "PixelSpacing", 2) for i in instances])
    sizes = {(number(i.header, "Rows"), number(i.header, "Columns")) for i in instances}
    found = []
    if np.ptp(orientations, axis=0).max() > ORIENTATION_TOLERANCE:
        sentence = "The slices are not parallel: their orientation differs within the series."
        found.append(Reason("orientation", sentence, _ORIENTATION))
    if len(sizes) > 1 or np.ptp(spacings, axis=0).max() > 1e-3:
        sentence = "The slices differ in rows, columns or pixel spacing."
        found.append(Reason("mixed_series", sentence, "(0028,0030)"))
    return tuple(found)


def _axes(instance: Instance) -> np.ndarray:
    cosines = np.array(numbers(instance.header, "ImageOrientationPatient", 6)).reshape(2, 3)
    row = cosines[0] / np.linalg.norm(cosines[0])
    normal = np.cross(row, cosines[1])
    normal /= np.linalg.norm(normal)
    return np.stack([row, np.cross(normal, row), normal])


def _position_faults(positions: np.ndarray, normal: np.ndarray) -> tuple[Reason, ...]:
    if len(positions) < 2:
        return ()
    along = positions @ normal
    tilt = _tilt_fault(positions, along, normal)
    return _spacing_faults(positions, along) + ((tilt,) if tilt else ())


def _tilt_fault(positions: np.ndarray, along: np.ndarray, normal: np.ndarray) -> Reason | None:
    drift = positions - positions[0] - np.outer(along - along[0], normal)
    sideways = np.linalg.norm(drift, axis=1)
    if sideways.max() <= SHIFT_TOLERANCE_MM:
        return None
    travelled = float(along[-1] - along[0])
    degrees = float(np.degrees(np.arctan2(sideways[-1], max(travelled, 1e-6))))
    fraction = (along - along[0]) / max(travelled, 1e-6)
    steady = np.abs(drift - np.outer(fraction, drift[-1])).max() <= SHIFT_TOLERANCE_MM
    if steady and degrees <= TILT_TOLERANCE_DEGREES:
        return None
    if steady:
        sentence = (
            f"The gantry was tilted: the slices are sheared by {degrees:.1f} degrees against "
            "their normal."
        )
        return Reason("gantry_tilt", sentence, _POSITION)
    sentence = f"Slices are shifted sideways by up to {sideways.max():.1f} mm within the series."
    return Reason("in_plane_shift", sentence, _POSITION)


def _spacing_faults(positions: np.ndarray, along: np.ndarray) -> tuple[Reason, ...]:
    steps = np.diff(along)
    duplicates = np.flatnonzero(steps < 1e-2)
    found = []
    if duplicates.size:
        places = _some([f"{positions[k][2]:.2f} mm" for k in duplicates])
        sentence = f"More than one slice lies at z = {places}."
        found.append(Reason("duplicate_position", sentence, _POSITION))
    steps_found = steps[steps >= 1e-2]
    if steps_found.size == 0:
        return tuple(found)
    nominal = float(np.sort(steps_found)[(len(steps_found) - 1) // 2])
    tolerance = max(SPACING_TOLERANCE_RELATIVE * nominal, SPACING_TOLERANCE_MM)
    missing, odd = [], []
    for k in np.flatnonzero((np.abs(steps - nominal) > tolerance) & (steps >= 1e-2)):
        parts = round(float(steps[k]) / nominal)
        if parts >= 2 and abs(steps[k] - parts * nominal) <= tolerance * parts:
            fractions = np.arange(1, parts) / parts
            missing += [
                f"{z:.2f} mm"
                for z in positions[k][2] + fractions * (positions[k + 1] - positions[k])[2]
            ]
        else:
            odd.append(f"{steps[k]:.2f} mm after z = {positions[k][2]:.2f} mm")
    if missing:
        sentence = (
            f"A slice is missing at z = {_some(missing)} (slices are {nominal:.2f} mm apart)."
        )
        found.append(Reason("missing_slice", sentence, _POSITION))
    if odd:
        sentence = f"The slices are unevenly spaced: mostly {nominal:.2f} mm, but {_some(odd)}."
        found.append(Reason("irregular_spacing", sentence, _POSITION))
    return tuple(found)


def _slice_spacing(ordered: Sequence[Instance], along: np.ndarray) -> tuple[float, Reason | None]:
    if len(ordered) > 1:
        return float(along[-1] - along[0]) / (len(ordered) - 1), None
    thickness = number(ordered[0].header, "SliceThickness")
    if thickness is None or not 0 < thickness < 100:
        sentence = "A single slice without a slice thickness has no extent."
        return 0.0, Reason("no_geometry", sentence, "(0018,0050)")
    return thickness, None


def _grid(
    ordered: Sequence[Instance], origin: np.ndarray, axes: np.ndarray, thickness: float
) -> Grid:
    first = ordered[0].header
    row_mm, column_mm = numbers(first, "PixelSpacing", 2) or (0.0, 0.0)
    rows, columns = int(number(first, "Rows") or 0), int(number(first, "Columns") or 0)
    return Grid(
        shape=(len(ordered), rows, columns),
        spacing_mm=(thickness, row_mm, column_mm),
        origin_mm=triple(origin),
        direction=(triple(axes[:, 0]), triple(axes[:, 1]), triple(axes[:, 2])),
    )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
