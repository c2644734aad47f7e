"""Paints the chest from the lung apex to the kidneys, tissue by tissue."""

from __future__ import annotations

import numpy as np

from synthesis.data.abdomen import paint_abdomen
from synthesis.data.canvas import Canvas
from synthesis.data.frame import (
    Body,
    Coordinate,
    Point,
    arm_course,
    arm_radius,
    body_radius,
    outer_half_axes,
    thorax_radius,
)
from synthesis.data.skeleton import paint_skeleton
from synthesis.data.thorax import paint_thorax
from synthesis.data.tissue import Tissue


def paint_anatomy(canvas: Canvas, body: Body, rng: np.random.Generator) -> None:
    """Fill the canvas; later steps lie over earlier ones."""
    rib_cage = thorax_radius(body, canvas.x, canvas.y, canvas.z)
    _paint_arms(canvas, body)
    _paint_trunk(canvas, body, rib_cage)
    if body.female:
        _paint_breasts(canvas, body)
    _paint_couch(canvas, body)
    paint_abdomen(canvas, body, rib_cage, rng)
    paint_thorax(canvas, body, rib_cage, rng)
    paint_skeleton(canvas, body, rib_cage)
    _paint_brown_fat(canvas, body)


def _paint_arms(canvas: Canvas, body: Body) -> None:
    """Down at the sides, where the edge of the field cuts them, or raised beside the head."""
    radius, rim = arm_radius(body), 2.0 + 0.5 * body.fat_mm
    for side in (-1, 1):
        course = arm_course(body, side)
        canvas.tube(Tissue.SKIN, course, radius)
        canvas.tube(Tissue.FAT, course, radius - 2)
        canvas.tube(Tissue.MUSCLE, course, radius - rim)


def _paint_trunk(canvas: Canvas, body: Body, rib_cage: Coordinate) -> None:
    a, b = outer_half_axes(body)
    trunk = body_radius(body, canvas.x, canvas.y, canvas.z)
    arm_muscle = canvas.labels == Tissue.MUSCLE
    canvas.paint(Tissue.SKIN, trunk < 1)
    canvas.paint(Tissue.FAT, trunk < 1 - 2 / b)
    # A thinner layer of fat in front and behind than at the sides.
    canvas.paint(Tissue.MUSCLE, trunk < 1 - 0.9 * body.fat_mm / np.sqrt(a * b))
    shoulder = canvas.z > 0.8 * body.lung_length_mm  # the arm's muscles go on into the trunk
    canvas.paint(Tissue.MUSCLE, arm_muscle & shoulder)
    # Fat of the armpit between the muscles of the chest wall and those of the shoulder.
    armpit = (rib_cage > 1.26) & (rib_cage < 1.7) & (np.abs(canvas.y + 2) < 34)
    canvas.paint(Tissue.FAT, armpit & (canvas.labels == Tissue.MUSCLE))


def _paint_breasts(canvas: Canvas, body: Body) -> None:
    a, b = outer_half_axes(body)
    k, gland = body.breast_scale, body.gland_scale
    for side in (-1, 1):
        centre: Point = (side * 0.5 * a, -b + 5, 0.42 * body.lung_length_mm)
        outside = (Tissue.AIR, Tissue.SKIN)
        canvas.ellipsoid(Tissue.SKIN, centre, (62 * k, 29 * k, 54 * k), over=(Tissue.AIR,))
        canvas.ellipsoid(Tissue.FAT, centre, (60 * k, 27 * k, 52 * k), over=outside)
        half = (38 * k * gland, 17 * k * gland, 33 * k * gland)
        canvas.ellipsoid(Tissue.GLAND, centre, half, over=(Tissue.FAT,))


def _paint_couch(canvas: Canvas, body: Body) -> None:
    b = outer_half_axes(body)[1]
    couch = (np.abs(canvas.axes[1] - (b + 16)) < 5)[None, :, None]
    width = (np.abs(canvas.axes[2]) < 185)[None, None, :]
    canvas.paint(Tissue.COUCH, (canvas.labels == Tissue.AIR) & couch & width)


def _paint_brown_fat(canvas: Canvas, body: Body) -> None:
    """Above the clavicles and beside the spine, where it lights up in the cold."""
    top = body.lung_length_mm
    for side in (-1, 1):
        neck: Point = (side * 58, 4, top + 1)
        canvas.ellipsoid(Tissue.BROWN_FAT, neck, (24, 15, 15), over=(Tissue.MUSCLE, Tissue.FAT))
        for level in range(5):
            place: Point = (side * 25, 58, 0.92 * top - 25 * level)
            canvas.ellipsoid(
                Tissue.BROWN_FAT, place, (6, 8, 6), over=(Tissue.FAT, Tissue.MUSCLE, Tissue.LUNG)
            )
