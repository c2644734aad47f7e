"""Which CT a model may translate; everything else is refused with a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from evaluation.imaging import Series, SeriesRefused, Volume, read_series
from synthesis.contract import Refused, RefusedError
from synthesis.data.model_grid import NotAxialError, to_axial

FEWEST_SLICES = 8
LOWEST_MUST_BE_BELOW_HU = -200.0
IN_PLANE_MM = (0.2, 4.2)
BETWEEN_SLICES_MM = (0.3, 10.0)


def accept_ct(files: Iterable[Path]) -> tuple[Series, Volume]:
    """Return the CT series and its volume in HU with axes along the patient's.

    Raises
    ------
    RefusedError
        When the files are no single readable CT series, carry no Hounsfield units, or lie
        outside what a model can take.
    """
    paths = list(files)
    _require_files(paths)
    try:
        series = read_series(paths)
    except SeriesRefused as error:
        first = error.reasons[0].id if error.reasons else "unreadable"
        raise RefusedError(Refused(f"ct_{first}", str(error))) from error
    if series.modality != "CT":
        raise _refusal("not_ct", f"The series is {series.modality or 'without modality'}, not CT.")
    volume = series.stored_volume()
    require_values(volume.array)
    _require_grid(volume)
    try:
        return series, to_axial(volume)
    except NotAxialError as error:
        raise _refusal(
            "not_axial", "The CT slices are not axial; a model needs axial CT."
        ) from error


def _refusal(reason_id: str, sentence: str) -> RefusedError:
    return RefusedError(Refused(reason_id, sentence))


def _require_files(paths: list[Path]) -> None:
    """Refuse what is no file: to read a pipe would wait for ever."""
    if any(path.exists() and not path.is_file() for path in paths):
        raise _refusal("not_a_file", "One of the CT's files is a folder or a device, not a file.")


def require_values(hu: np.ndarray) -> None:
    """Refuse values that are no numbers, or that cannot be Hounsfield units of a body in air."""
    if not np.all(np.isfinite(hu)):
        raise _refusal("not_finite", "The CT holds values that are not numbers.")
    lowest = float(hu.min())
    if lowest > LOWEST_MUST_BE_BELOW_HU:
        raise _refusal(
            "no_air",
            f"The lowest CT value is {lowest:.0f} HU: there is no air, so the values are not "
            "Hounsfield units or the image shows no outline of the body.",
        )


def _require_grid(volume: Volume) -> None:
    between, *in_plane = volume.grid.spacing_mm
    slices = volume.grid.shape[0]
    if slices < FEWEST_SLICES:
        raise _refusal(
            "too_few_slices", f"The CT has {slices} slices; at least {FEWEST_SLICES} are needed."
        )
    low, high = BETWEEN_SLICES_MM
    if not low <= between <= high:
        raise _refusal(
            "slice_spacing",
            f"The CT's slices lie {between:g} mm apart; {low} to {high} mm is usable.",
        )
    low, high = IN_PLANE_MM
    for spacing in in_plane:
        if not low <= spacing <= high:
            raise _refusal(
                "pixel_spacing",
                f"The CT's pixels are {spacing:g} mm; {low} to {high} mm is usable.",
            )
