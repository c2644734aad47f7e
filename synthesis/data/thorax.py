"""Lungs with their vessels, the mediastinum, the heart and the airways."""

from __future__ import annotations

import numpy as np

from synthesis.data.canvas import Canvas
from synthesis.data.frame import Body, Coordinate, Point, diaphragm_z, thorax_taper
from synthesis.data.tissue import Tissue


def paint_thorax(
    canvas: Canvas, body: Body, rib_cage: Coordinate, rng: np.random.Generator
) -> None:
    """Paint what lies above the diaphragm; `rib_cage` is `thorax_radius` of every voxel."""
    _paint_lungs(canvas, body, rib_cage)
    _paint_lung_vessels(canvas, body, rng)
    _paint_mediastinum(canvas, body, rib_cage)
    _paint_heart(canvas, body)
    _paint_airways(canvas, body)


def _paint_lungs(canvas: Canvas, body: Body, rib_cage: Coordinate) -> None:
    where = canvas.box((-200, -150, -110), (200, 150, body.lung_length_mm + 10))
    x, y, z = canvas.x[where], canvas.y[where], canvas.z[where]
    above = z > diaphragm_z(body, x, y)
    canvas.paint(Tissue.LUNG, (rib_cage[where] < 0.97) & above, where)


def _paint_mediastinum(canvas: Canvas, body: Body, rib_cage: Coordinate) -> None:
    """Put the fat of the mediastinum and its great vessels between the lungs."""
    where = canvas.box((-80, -110, -80), (80, 110, 230))
    x, y, z = canvas.x[where], canvas.y[where], canvas.z[where]
    # Narrow behind the sternum, broad around the vessels, narrow beside the oesophagus.
    width = 12 + 26 * np.exp(-(((y - 4) / 34) ** 2)) + 10 * np.exp(-(((y - 60) / 26) ** 2))
    width *= np.minimum(1, 0.55 + 0.45 * thorax_taper(body, z))
    inside = (np.abs(x) < width) & (rib_cage[where] < 1)
    canvas.paint(Tissue.FAT, inside & (z > diaphragm_z(body, x, y) - 4), where)
    _paint_great_vessels(canvas, body)


def _paint_great_vessels(canvas: Canvas, body: Body) -> None:
    c = body.carina_z_mm
    top = body.lung_length_mm + 30
    arch = ((-14, -22, c + 14), (-6, -8, c + 30), (14, 16, c + 31), (26, 40, c + 14))
    canvas.tube(Tissue.AORTA, ((-8, -20, c - 40), (-14, -22, c + 14)), 15.5)
    canvas.tube(Tissue.AORTA, arch, 13.5)
    canvas.tube(Tissue.AORTA, ((26, 40, c + 14), (27, 44, 24), (20, 40, 14)), 12.0)
    canvas.tube(Tissue.BLOOD, ((-30, -10, c - 40), (-28, -8, c + 40), (-22, 0, top)), 9.0)
    canvas.tube(Tissue.BLOOD, ((18, -30, c - 34), (20, -16, c - 6)), 13.0)
    canvas.tube(Tissue.BLOOD, ((20, -16, c - 6), (-44, 4, c - 12)), 10.0)
    canvas.tube(Tissue.BLOOD, ((20, -14, c - 6), (46, 6, c - 4)), 10.0)
    for start, end in (((-8, -6, c + 38), (-18, 2, top)), ((14, 8, c + 40), (18, 6, top))):
        canvas.tube(Tissue.BLOOD, (start, end), 5.5)
    canvas.tube(Tissue.OESOPHAGUS, ((2, 36, top), (4, 36, c), (12, 32, 5), (30, 10, -30)), 7.0)


def _paint_heart(canvas: Canvas, body: Body) -> None:
    k, c = body.heart_scale, body.carina_z_mm
    base = c - 62
    chamber = Tissue.CHAMBER
    canvas.ellipsoid(Tissue.FAT, (18, -24, base), (64 * k, 50 * k, 52 * k), over=(Tissue.LUNG,))
    canvas.ellipsoid(chamber, (-20, -14, base + 4), (27 * k, 31 * k, 34 * k))  # right atrium
    canvas.ellipsoid(chamber, (10, -40, base - 6), (38 * k, 23 * k, 34 * k))  # right ventricle
    canvas.tube(chamber, ((14, -42, base + 8), (18, -32, c - 30)), 13.0 * k)  # its outflow
    canvas.ellipsoid(chamber, (12, 14, base + 16), (36 * k, 19 * k, 24 * k))  # left atrium
    for side in (-1, 1):  # the lower pulmonary veins
        canvas.tube(chamber, ((12 + side * 26, 16, base + 14), (12 + side * 52, 24, base + 8)), 5.5)
    wall, cavity = body.wall_mm, (42.0, -22.0, base - 8)
    inner = (25 * k, 21 * k, 24 * k)
    outer = (inner[0] + wall, inner[1] + wall, inner[2] + wall)
    canvas.ellipsoid(Tissue.MYOCARDIUM, cavity, outer)
    canvas.ellipsoid(chamber, (39, -21, base - 5), inner)
    # The mitral valve opens the wall towards the left atrium: the horseshoe of an axial slice.
    canvas.tube(chamber, ((14, 10, base + 12), (32, -14, base + 2)), 13.0 * k)
    canvas.tube(Tissue.AORTA, ((-8, -20, c - 40), (16, -14, base + 12)), 12.0)


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
