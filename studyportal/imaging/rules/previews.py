"""A preview of a series: middle axial, coronal and, for PET, the maximum intensity projection, as one PNG."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from evaluation.imaging import Series, SurveyedSeries, SuvRefused, Volume

_HU_WINDOW = (-1000.0, 400.0)
_SUV_WINDOW = (0.0, 7.0)
_HEIGHT = 256


@dataclass(frozen=True, eq=False)
class _Panels:
    """What a preview shows, in HU or SUV: a middle slice [y, x]; middle rows and highest values of columns [z, x]."""

    axial: np.ndarray
    coronal: np.ndarray
    highest: np.ndarray
    spacing_mm: tuple[float, float, float]  # z, y, x


def preview_of(series: Series) -> bytes:
    """PNG of the series in a fixed window (lung for CT, SUV 0–7 inverted for PET)."""
    volume = series.stored_volume() if series.modality == "CT" else series.suv_volume()
    return preview_of_volume(volume, pet=series.modality != "CT")


def preview_of_survey(series: SurveyedSeries, middle: np.ndarray) -> bytes:
    """The same PNG of a series whose values were not kept, out of what was; `middle` is its middle slice [y, x].

    Raises
    ------
    SuvRefused
        When a PET cannot be shown as SUV.
    """
    axial, rows, highest = middle, series.middle_rows(), series.highest_rows()
    if series.modality != "CT":
        conversion = series.suv_conversion()
        if conversion.refusals:
            raise SuvRefused(conversion.refusals)
        factors = np.array(conversion.slice_factors)
        axial = (axial * factors[len(factors) // 2]).astype(np.float32)
        rows = (rows * factors[:, None]).astype(np.float32)
        highest = (highest * factors[:, None]).astype(np.float32)
    panels = _Panels(axial, rows, highest, series.grid.spacing_mm)
    return _sheet_of(panels, pet=series.modality != "CT")


def preview_of_volume(volume: Volume, *, pet: bool) -> bytes:
    """PNG of a volume: axial, coronal and for PET a coronal maximum intensity projection, in square millimetres."""
    array = np.asarray(volume.array, dtype=np.float32)
    panels = _Panels(
        array[array.shape[0] // 2],
        array[:, array.shape[1] // 2],
        array.max(axis=1),
        volume.grid.spacing_mm,
    )
    return _sheet_of(panels, pet=pet)


def _sheet_of(seen: _Panels, *, pet: bool) -> bytes:
    spacing_z, spacing_y, spacing_x = seen.spacing_mm
    panels = [
        (seen.axial, spacing_y, spacing_x),
        (seen.coronal[::-1], spacing_z, spacing_x),
    ]
    if pet:
        panels.append((seen.highest[::-1], spacing_z, spacing_x))
    low, high = _SUV_WINDOW if pet else _HU_WINDOW
    pictures = [
        _picture(panel, rows, columns, low=low, high=high, inverted=pet)
        for panel, rows, columns in panels
    ]
    sheet = Image.new(
        "L", (sum(p.width for p in pictures) + 8 * (len(pictures) - 1), _HEIGHT), 255 if pet else 0
    )
    left = 0
    for picture in pictures:
        sheet.paste(picture, (left, 0))
        left += picture.width + 8
    buffer = BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def _picture(
    panel: np.ndarray, row_mm: float, column_mm: float, *, low: float, high: float, inverted: bool
) -> Image.Image:
    scaled = np.clip((panel - low) / (high - low), 0, 1)
    grey = ((1 - scaled if inverted else scaled) * 255).astype(np.uint8)
    width = max(1, round(_HEIGHT * panel.shape[1] * column_mm / (panel.shape[0] * row_mm)))
    return Image.fromarray(grey).resize((width, _HEIGHT), Image.Resampling.BILINEAR)
