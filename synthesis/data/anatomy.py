"""Paints the chest from the lung apex to below the liver dome, tissue by tissue."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from synthesis.data.canvas import Canvas
from synthesis.data.frame import (
    Body,
    Point,
    body_radius,
    diaphragm_z,
    outer_half_axes,
    thorax_radius,
    thorax_taper,
)


class Tissue(IntEnum):
    """What a voxel of the label volume is made of."""

    AIR = 0
    SKIN = 1
    FAT = 2
    MUSCLE = 3
    LUNG = 4
    BLOOD = 5
    AORTA = 6
    MYOCARDIUM = 7
    LIVER = 8
    SPLEEN = 9
    STOMACH = 10
    GAS = 11
    KIDNEY = 12
    ADRENAL = 13
    MARROW = 14
    CORTEX = 15
    CORD = 16
    OESOPHAGUS = 17
    GLAND = 18
    VESSEL = 19
    COUCH = 20
    CARTILAGE = 21
    NECK_FAT = 22


def paint_anatomy(canvas: Canvas, body: Body, rng: np.random.Generator) -> None:
    """Fill the canvas; later steps lie over earlier ones."""
    _paint_trunk(canvas, body)
    _paint_abdomen(canvas, body)
    _paint_lungs(canvas, body)
    _paint_lung_vessels(canvas, body, rng)
    _paint_mediastinum(canvas, body)
    _paint_heart(canvas, body)
    _paint_airways(canvas, body)
    _paint_skeleton(canvas, body)


def _paint_trunk(canvas: Canvas, body: Body) -> None:
    a, b = outer_half_axes(body)
    trunk = body_radius(body, canvas.x, canvas.y, canvas.z)
    canvas.paint(Tissue.SKIN, trunk < 1)
    canvas.paint(Tissue.FAT, trunk < 1 - 2 / b)
    # A thinner layer of fat in front and behind than at the sides.
    canvas.paint(Tissue.MUSCLE, trunk < 1 - 0.9 * body.fat_mm / np.sqrt(a * b))
    # Fat of the armpit between the muscles of the chest wall and those of the shoulder.
    r = thorax_radius(body, canvas.x, canvas.y, canvas.z)
    armpit = (r > 1.26) & (r < 1.7) & (np.abs(canvas.y + 2) < 34)
    canvas.paint(Tissue.FAT, armpit & (canvas.labels == Tissue.MUSCLE))
    if body.female:
        for side in (-1, 1):
            centre: Point = (side * 0.5 * a, -b + 2, 0.42 * body.lung_length_mm)
            canvas.ellipsoid(Tissue.FAT, centre, (52, 34, 46), over=(Tissue.AIR, Tissue.SKIN))
            canvas.ellipsoid(Tissue.GLAND, centre, (30, 17, 26), over=(Tissue.FAT,))
    couch = (np.abs(canvas.axes[1] - (b + 16)) < 5)[None, :, None]
    width = (np.abs(canvas.axes[2]) < 185)[None, None, :]
    canvas.paint(Tissue.COUCH, (canvas.labels == Tissue.AIR) & couch & width)


def _paint_abdomen(canvas: Canvas, body: Body) -> None:
    top = canvas.box((-200, -200, -200), (200, 200, 12))
    x, y, z = canvas.x[top], canvas.y[top], canvas.z[top]
    cavity = thorax_radius(body, x, y, z) < 1
    canvas.paint(Tissue.FAT, cavity, top)
    k = body.organ_scale
    w = body.thorax_half_width_mm
    liver = ((x + 0.34 * w) / (0.78 * w * k)) ** 2 + ((y + 6) / (84 * k)) ** 2
    liver += ((z + 42) / (58 * k)) ** 2
    canvas.paint(Tissue.LIVER, cavity & (liver < 1) & (x < 0.25 * w), top)
    canvas.ellipsoid(Tissue.STOMACH, (0.42 * w, -24, -42), (42, 42, 32), over=(Tissue.FAT,))
    canvas.ellipsoid(Tissue.GAS, (0.45 * w, -42, -36), (26, 16, 20), over=(Tissue.STOMACH,))
    canvas.ellipsoid(
        Tissue.SPLEEN, (0.70 * w, 34, -40), (30 * k, 44 * k, 40 * k), over=(Tissue.FAT,)
    )
    for side in (-1, 1):
        canvas.ellipsoid(Tissue.KIDNEY, (side * 58, 52, -92), (27, 25, 48), over=(Tissue.FAT,))
    canvas.ellipsoid(Tissue.FAT, (0, 40, -50), (44, 22, 40), over=(Tissue.LIVER, Tissue.STOMACH))


def _paint_lungs(canvas: Canvas, body: Body) -> None:
    x, y, z = canvas.x, canvas.y, canvas.z
    inside = thorax_radius(body, x, y, z) < 0.97
    above = z > diaphragm_z(body, x, y)
    canvas.paint(Tissue.LUNG, inside & above)


def _paint_mediastinum(canvas: Canvas, body: Body) -> None:
    """Put the fat of the mediastinum and its great vessels between the lungs."""
    c = body.carina_z_mm
    where = canvas.box((-80, -110, -80), (80, 110, 230))
    x, y, z = canvas.x[where], canvas.y[where], canvas.z[where]
    # Narrow behind the sternum, broad around the vessels, narrow beside the oesophagus.
    width = 12 + 26 * np.exp(-(((y - 4) / 34) ** 2)) + 10 * np.exp(-(((y - 60) / 26) ** 2))
    width *= np.minimum(1, 0.55 + 0.45 * thorax_taper(body, z))
    inside = (np.abs(x) < width) & (thorax_radius(body, x, y, z) < 1)
    canvas.paint(Tissue.FAT, inside & (canvas.labels[where] != Tissue.LIVER), where)
    top = body.lung_length_mm + 30
    arch = ((-14, -22, c + 14), (-6, -8, c + 30), (14, 16, c + 31), (26, 40, c + 14))
    canvas.tube(Tissue.AORTA, ((-8, -20, c - 40), (-14, -22, c + 14)), 15.5)
    canvas.tube(Tissue.AORTA, arch, 13.5)
    canvas.tube(Tissue.AORTA, ((26, 40, c + 14), (27, 46, 20), (14, 42, -90)), 12.0)
    canvas.tube(Tissue.BLOOD, ((-30, -10, c - 40), (-28, -8, c + 40), (-22, 0, top)), 9.0)
    canvas.tube(Tissue.BLOOD, ((18, -30, c - 34), (20, -16, c - 6)), 13.0)
    canvas.tube(Tissue.BLOOD, ((20, -16, c - 6), (-44, 4, c - 12)), 10.0)
    canvas.tube(Tissue.BLOOD, ((20, -14, c - 6), (46, 6, c - 4)), 10.0)
    for start, end in (((-8, -6, c + 38), (-18, 2, top)), ((14, 8, c + 40), (18, 6, top))):
        canvas.tube(Tissue.BLOOD, (start, end), 5.5)
    canvas.tube(Tissue.BLOOD, ((-22, 8, 10), (-14, 22, -90)), 11.0, over=(Tissue.FAT,))
    canvas.tube(Tissue.OESOPHAGUS, ((2, 36, top), (4, 36, c), (12, 32, 5), (30, 10, -30)), 7.0)


def _paint_heart(canvas: Canvas, body: Body) -> None:
    k, c = body.heart_scale, body.carina_z_mm
    base = c - 62
    canvas.ellipsoid(Tissue.FAT, (18, -24, base), (64 * k, 50 * k, 52 * k), over=(Tissue.LUNG,))
    canvas.ellipsoid(Tissue.BLOOD, (-20, -14, base + 4), (27 * k, 31 * k, 34 * k))  # right atrium
    canvas.ellipsoid(Tissue.BLOOD, (8, -42, base - 4), (37 * k, 22 * k, 33 * k))  # right ventricle
    canvas.ellipsoid(Tissue.BLOOD, (12, 12, base + 16), (34 * k, 19 * k, 24 * k))  # left atrium
    canvas.ellipsoid(Tissue.MYOCARDIUM, (42, -22, base - 8), (35 * k, 31 * k, 34 * k))
    canvas.ellipsoid(Tissue.BLOOD, (39, -21, base - 5), (24 * k, 20 * k, 23 * k))


def _paint_airways(canvas: Canvas, body: Body) -> None:
    c, top = body.carina_z_mm, body.lung_length_mm + 30
    wall = ((-1.0, 18.0, top), (-1.0, 20.0, c))
    canvas.tube(Tissue.CARTILAGE, wall, 10.5)
    canvas.tube(Tissue.GAS, wall, 8.5)
    for side, reach in ((-1, 34), (1, 42)):
        branch: tuple[Point, ...] = ((-1, 20, c), (side * reach, 18, c - 26))
        canvas.tube(Tissue.CARTILAGE, branch, 7.5)
        canvas.tube(Tissue.GAS, branch, 5.8)
        for z, y in ((10, -20), (-22, 34), (-48, 14)):
            end: Point = (side * (reach + 30), y, c - 26 + z)
            canvas.tube(Tissue.GAS, (branch[1], end), 2.6)


def _paint_lung_vessels(canvas: Canvas, body: Body, rng: np.random.Generator) -> None:
    """Grow branching vessels from each hilum; they thin towards the pleura."""
    c = body.carina_z_mm
    for side in (-1, 1):
        hilum = np.array([side * 44.0, 8.0, c - 14.0])
        for _ in range(13):
            direction = rng.normal(0, 1, 3) * (0.7, 0.9, 1.3)
            direction[0] = side * abs(direction[0]) + side * 0.3
            direction /= np.linalg.norm(direction)
            _grow_vessel(canvas, rng, start=hilum, direction=direction, radius_mm=4.2)


def _grow_vessel(
    canvas: Canvas,
    rng: np.random.Generator,
    *,
    start: np.ndarray,
    direction: np.ndarray,
    radius_mm: float,
) -> None:
    point = start
    while radius_mm > 1.3:
        turn = direction + rng.normal(0, 0.28, 3)
        direction = turn / np.linalg.norm(turn)
        end = point + direction * rng.uniform(14, 24)
        segment = (_point(point), _point(end))
        canvas.tube(Tissue.VESSEL, segment, radius_mm, over=(Tissue.LUNG,))
        point, radius_mm = end, radius_mm * 0.74
        side_branch = end + (direction + rng.normal(0, 0.7, 3)) * rng.uniform(10, 20)
        canvas.tube(
            Tissue.VESSEL, (_point(end), _point(side_branch)), radius_mm * 0.7, over=(Tissue.LUNG,)
        )


def _point(vector: np.ndarray) -> Point:
    return float(vector[0]), float(vector[1]), float(vector[2])


def _paint_skeleton(canvas: Canvas, body: Body) -> None:
    _paint_ribs(canvas, body)
    _paint_spine(canvas)
    _paint_sternum_and_girdle(canvas, body)


def _paint_ribs(canvas: Canvas, body: Body) -> None:
    """Draw ribs as slanting bands in the chest wall, one every 26 mm."""
    x, y, z = canvas.x, canvas.y, canvas.z
    r = thorax_radius(body, x, y, z)
    shell = (r > 1.0) & (r < 1.085) & (z < body.lung_length_mm - 4)
    # Ribs fall from the spine to the front; cartilage replaces bone near the sternum.
    level = np.mod(z + 0.42 * (60 - y) + 400, 26)
    rib = shell & (np.abs(level - 13) < 5.6) & (np.abs(x) > 16)
    front = y < -0.62 * body.thorax_half_depth_mm
    canvas.paint(Tissue.CORTEX, rib & ~front)
    core = rib & (np.abs(level - 13) < 3.4) & (r > 1.02) & (r < 1.065)
    canvas.paint(Tissue.MARROW, core & ~front)
    canvas.paint(Tissue.CARTILAGE, rib & front & (np.abs(x) < 62))


def _paint_spine(canvas: Canvas) -> None:
    where = canvas.box((-50, 30, -100), (50, 130, 260))
    x, y, z = canvas.x[where], canvas.y[where], canvas.z[where]
    vertebra = (x / 19) ** 2 + ((y - 62) / 16.5) ** 2
    level = np.mod(z + 400, 25)
    disc = level < 5
    canvas.paint(Tissue.MUSCLE, ((x / 46) ** 2 + ((y - 84) / 30) ** 2 < 1), where)
    canvas.paint(Tissue.CORTEX, vertebra < 1, where)
    canvas.paint(Tissue.MARROW, vertebra < 0.84, where)
    canvas.paint(Tissue.CARTILAGE, (vertebra < 1) & disc, where)
    arch = ((x / 17) ** 2 + ((y - 85) / 15) ** 2 < 1) & (level > 8)
    spinous = (np.abs(x) < 3.5) & (y > 92) & (y < 116) & (np.abs(level - 15) < 6)
    transverse = (np.abs(x) < 33) & (np.abs(y - 88) < 5) & (np.abs(level - 17) < 5)
    canvas.paint(Tissue.CORTEX, (arch & (vertebra >= 1)) | spinous | transverse, where)
    canvas.paint(Tissue.CORD, (x / 9) ** 2 + ((y - 86) / 8) ** 2 < 1, where)


def _paint_sternum_and_girdle(canvas: Canvas, body: Body) -> None:
    x, y, z = canvas.x, canvas.y, canvas.z
    length = body.lung_length_mm
    r = thorax_radius(body, x, y, z)
    sternum = (r > 1.0) & (r < 1.14) & (np.abs(x) < 17) & (y < 0)
    sternum &= (z > 0.2 * length) & (z < 0.86 * length)
    canvas.paint(Tissue.CORTEX, sternum)
    canvas.paint(Tissue.MARROW, sternum & (r > 1.025) & (r < 1.115) & (np.abs(x) < 14))
    blade = (r > 1.17) & (r < 1.235) & (y > 12) & (np.abs(x) > 52)
    blade &= (z > 0.42 * length) & (z < 0.92 * length) & (canvas.labels == Tissue.MUSCLE)
    canvas.paint(Tissue.CORTEX, blade)
    for side in (-1, 1):
        clavicle: tuple[Point, ...] = (
            (side * 22, -58, 0.9 * length),
            (side * 70, -48, 0.97 * length),
            (side * 120, -20, 1.04 * length),
        )
        over = (Tissue.MUSCLE, Tissue.FAT)
        canvas.tube(Tissue.CORTEX, clavicle, 6.5, over=over)
        canvas.tube(Tissue.MARROW, clavicle, 4.0, over=(Tissue.CORTEX,))
