"""The anatomical frame of the phantom: where walls and landmarks are, as formulas.

Coordinates are millimetres, x to the participant's left, y to the back, z to the head (DICOM's
patient axes); z = 0 is the right diaphragm dome of the CT.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Coordinate = NDArray[np.float32]
Point = tuple[float, float, float]
ContrastPhase = Literal["none", "arterial", "venous"]


@dataclass(frozen=True, slots=True)
class Body:
    """The build of one participant; lengths in mm, attenuation in HU."""

    female: bool
    lung_length_mm: float
    thorax_half_width_mm: float
    thorax_half_depth_mm: float
    fat_mm: float
    muscle_mm: float
    organ_scale: float
    liver_scale: float
    spleen_scale: float
    kidney_scale: float
    heart_scale: float
    wall_mm: float  # of the left ventricle
    breast_scale: float
    gland_scale: float  # of the gland within the breast
    arms_down: bool
    contrast_phase: ContrastPhase
    contrast_hu: float  # enhancement of the aorta at 120 kVp
    liver_hu: float
    lung_hu: float
    marrow_hu: float
    breathing_mm: float
    warp: tuple[float, ...]

    @property
    def carina_z_mm(self) -> float:
        """Height of the carina above the right dome."""
        return 0.52 * self.lung_length_mm


def thorax_radius(body: Body, x: Coordinate, y: Coordinate, z: Coordinate) -> Coordinate:
    """Return the relative radius in the rib cage: 1 on its inner wall, above 1 outside."""
    taper = thorax_taper(body, z)
    a = (body.thorax_half_width_mm * taper).astype(np.float32)
    b = (body.thorax_half_depth_mm * (0.25 + 0.75 * taper)).astype(np.float32)
    # 2.5 in place of 2 flattens the front and the back, as a rib cage is.
    return _superellipse(x / a, (y + 4) / b)


def _superellipse(u: Coordinate, v: Coordinate) -> Coordinate:
    """Return (|u|^2.5 + |v|^2.5)^(1 / 2.5), by square roots, which are faster than powers."""
    total = u * u
    total *= np.sqrt(np.abs(u))
    other = v * v
    other *= np.sqrt(np.abs(v))
    total += other
    return np.power(total, np.float32(0.4)).astype(np.float32, copy=False)


def thorax_taper(body: Body, z: Coordinate) -> Coordinate:
    """Return the width of the cavity at height z relative to its widest level (0.02 to 1)."""
    t = np.clip(z / body.lung_length_mm, 0, 1)
    upper = np.clip((t - 0.25) / 0.75, 0, 1)
    upper = upper.astype(np.float32)
    power = upper * upper * np.sqrt(np.sqrt(upper))  # upper to the power 2.25
    return np.maximum(np.sqrt(np.maximum(1 - power, 0)), np.float32(0.02))


def body_radius(body: Body, x: Coordinate, y: Coordinate, z: Coordinate) -> Coordinate:
    """Return the relative radius in the body: 1 on the skin."""
    # Shoulders with the arms up: the trunk narrows towards the neck, less than the rib cage does.
    t = np.clip((z / body.lung_length_mm - 0.55) / 0.6, 0, 1)
    shrink = (1 - 0.34 * t**2).astype(np.float32)
    a, b = outer_half_axes(body)
    depth = (b * (1 - 0.25 * t**2)).astype(np.float32)
    return _superellipse(x / (a * shrink).astype(np.float32), y / depth)


def outer_half_axes(body: Body) -> tuple[float, float]:
    """Return half width and half depth of the trunk at the skin."""
    wall = body.muscle_mm + body.fat_mm
    return (
        min(body.thorax_half_width_mm + 6 + wall, 192.0),
        body.thorax_half_depth_mm + 12 + 0.8 * wall,
    )


def arm_radius(body: Body) -> float:
    """Return the radius of the upper arm at the skin."""
    return 24 + 0.75 * body.muscle_mm + 0.45 * body.fat_mm


def arm_course(body: Body, side: int) -> tuple[Point, ...]:
    """Return trunk, shoulder and two points of the arm on one side (-1 right, 1 left)."""
    a, top, radius = outer_half_axes(body)[0], body.lung_length_mm, arm_radius(body)
    if body.arms_down:
        joint: Point = (side * 0.86 * a, 6, 0.93 * top)
        lateral = side * (a + 0.72 * radius)
        return ((side * 0.5 * a, 6, top), joint, (lateral, 12, 0.5 * top), (lateral, 20, -240))
    joint = (side * 0.8 * a, 4, 0.97 * top)
    return ((side * 0.5 * a, 6, 0.9 * top), joint, (side * 0.9 * a, -14, top + 40),
            (side * 0.86 * a, -20, top + 90))  # fmt: skip


def diaphragm_z(body: Body, x: Coordinate, y: Coordinate) -> Coordinate:
    """Return the height of the diaphragm under the point (x, y): two domes, deep recesses."""
    half = body.thorax_half_width_mm
    right = -62 * ((x + 0.5 * half) / (0.62 * half)) ** 2
    left = -12 - 62 * ((x - 0.5 * half) / (0.62 * half)) ** 2
    middle = -6 - 62 * (x / (0.85 * half)) ** 2  # the central tendon, under the heart
    dome = np.maximum(np.maximum(right, left), middle)
    return (np.maximum(dome, -44) - 52 * (np.clip(y + 12, -20, None) / 80) ** 2).astype(np.float32)


def in_lung(body: Body, point: Point, margin_mm: float) -> bool:
    """Say whether a sphere of this margin around the point lies mostly inside one lung."""
    x, y, z = (np.array([value], dtype=np.float32) for value in point)
    room = margin_mm / body.thorax_half_depth_mm
    inside = thorax_radius(body, x, y, z)[0] < 0.97 - room
    beside_mediastinum = abs(point[0] - heart_shift(body, point[2])) > 42 + margin_mm
    above = point[2] > diaphragm_z(body, x, y)[0] + margin_mm
    return bool(inside and beside_mediastinum and above)


def heart_shift(body: Body, z_mm: float) -> float:
    """Return how far the mediastinum's middle lies to the left at this height."""
    return 16.0 if z_mm < body.carina_z_mm - 12 else 0.0


def station_centres(body: Body) -> dict[str, Point]:
    """Return the centre of each IASLC nodal station that the phantom carries."""
    c = body.carina_z_mm
    return {
        "2R": (-19.0, 8.0, c + 44),
        "2L": (17.0, 10.0, c + 44),
        "4R": (-20.0, 6.0, c + 14),
        "4L": (17.0, 16.0, c + 10),
        "5": (33.0, 2.0, c + 12),
        "6": (24.0, -30.0, c + 16),
        "7": (0.0, 26.0, c - 16),
        "10R": (-44.0, 14.0, c - 14),
        "10L": (48.0, 16.0, c - 12),
        "11R": (-58.0, 14.0, c - 24),
        "11L": (61.0, 16.0, c - 24),
    }


def distant_centres(body: Body) -> dict[str, Point]:
    """Return where a distant site of each kind lies; those of liver and bone are examples."""
    return {
        "adrenal_right": (-27.0, 38.0, -43.0),
        "adrenal_left": (31.0, 38.0, -43.0),
        "liver": (-70.0, 0.0, -40.0),
        "bone": (0.0, 60.0, 0.55 * body.lung_length_mm),
    }
