"""Whether the CT cuts the body off at the side of its field of view."""

import numpy as np

from evaluation.screening.results import Measured, unchecked
from evaluation.screening.scene import Scene

SHORTEST_CUT_MM = 20.0
_EDGE_AIR_HU = -900.0


def truncation_of(scene: Scene) -> Measured:
    """Return in what share of the slices with a body the body reaches the border of the field.

    The border is that of the image, or the inscribed circle where all corners are empty (that is how
    most scanners reconstruct). A slice counts from 20 mm of contact.
    """
    occupied = scene.body.any(axis=(1, 2))
    if not occupied.any():
        return unchecked("No body was found in the CT.")
    contact = _contact_mm(scene)[occupied]
    cut = contact >= SHORTEST_CUT_MM
    return Measured(
        {
            "slices_share": float(cut.mean()),
            "slices": float(cut.sum()),
            "longest_contact_mm": float(contact.max()),
        }
    )


def _contact_mm(scene: Scene) -> np.ndarray:
    """Length (mm) over which the body touches the border, per slice."""
    edge = scene.grid.spacing_mm[1]
    border = np.zeros(scene.grid.shape[1:], dtype=np.bool_)
    border[[0, -1]] = border[:, [0, -1]] = True
    found: np.ndarray = (scene.body & border).sum(axis=(1, 2)) * edge
    if not _round_field(scene):
        return found
    circle = (scene.body & _ring(scene.grid.shape[1:])).sum(axis=(1, 2)) * edge
    longest: np.ndarray = np.maximum(found, circle)
    return longest


def _ring(shape: tuple[int, ...]) -> np.ndarray:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    radius = min(shape) / 2
    away = np.hypot(rows - (shape[0] - 1) / 2, columns - (shape[1] - 1) / 2)
    ring: np.ndarray = (away >= radius - 1.5) & (away < radius - 0.5)
    return ring


def _round_field(scene: Scene) -> bool:
    rows, columns = scene.grid.shape[1:]
    if rows != columns:
        return False
    away = np.hypot(
        np.arange(rows)[:, None] - (rows - 1) / 2, np.arange(columns)[None] - (columns - 1) / 2
    )
    corners = scene.hu[:, away > rows / 2 + 1]
    return bool(corners.size and (corners < _EDGE_AIR_HU).mean() > 0.999)
