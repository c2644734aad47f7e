"""Ribs, spine, sternum, shoulder girdle and the bones of the arms."""

from __future__ import annotations

import numpy as np

from synthesis.data.canvas import Canvas
from synthesis.data.frame import Body, Coordinate, Point, arm_course
from synthesis.data.tissue import Tissue


def paint_skeleton(canvas: Canvas, body: Body, rib_cage: Coordinate) -> None:
    """Paint every bone; `rib_cage` is `thorax_radius` of every voxel."""
    _paint_ribs(canvas, body, rib_cage)
    _paint_spine(canvas)
    _paint_sternum(canvas, body, rib_cage)
    _paint_girdle(canvas, body, rib_cage)
    _paint_arm_bones(canvas, body)


def _paint_ribs(canvas: Canvas, body: Body, rib_cage: Coordinate) -> None:
    """Draw ribs as slanting bands in the chest wall, one every 26 mm."""
    where = canvas.box((-200, -150, -150), (200, 150, body.lung_length_mm))
    x, y, z, r = canvas.x[where], canvas.y[where], canvas.z[where], rib_cage[where]
    shell = (r > 1.0) & (r < 1.085) & (z < body.lung_length_mm - 4)
    # Ribs fall from the spine to the front; cartilage replaces bone near the sternum.
    middle = np.abs(np.mod(z + np.float32(0.42) * (60 - y) + 400, 26) - 13)
    rib = shell & (middle < 5.6) & (np.abs(x) > 16)
    # Below the sternum the front is open: the costal arch climbs back from the middle.
    arch = (-0.62 * body.thorax_half_depth_mm - np.minimum(z, 0)).astype(np.float32)
    front = y < arch
    canvas.paint(Tissue.CORTEX, rib & ~front, where)
    core = rib & (middle < 3.4) & (r > 1.02) & (r < 1.065)
    canvas.paint(Tissue.MARROW, core & ~front, where)
    canvas.paint(Tissue.CARTILAGE, rib & front & (np.abs(x) < 62) & (z > -8), where)
    canvas.paint(Tissue.CARTILAGE, shell & (np.abs(y - arch + 5) < 6) & (z < -4), where)


def _paint_spine(canvas: Canvas) -> None:
    where = canvas.box((-50, 30, -230), (50, 130, 260))
    x, y, z = canvas.x[where], canvas.y[where], canvas.z[where]
    vertebra = (x / 19) ** 2 + ((y - 62) / 16.5) ** 2
    level = np.mod(z + 400, 25)
    disc = level < 5
    canvas.paint(Tissue.MUSCLE, ((x / 46) ** 2 + ((y - 84) / 30) ** 2 < 1), where)
    canvas.paint(Tissue.CORTEX, vertebra < 1, where)
    canvas.paint(Tissue.VERTEBRA, vertebra < 0.84, where)
    canvas.paint(Tissue.CARTILAGE, (vertebra < 1) & disc, where)
    arch = ((x / 17) ** 2 + ((y - 85) / 15) ** 2 < 1) & (level > 8)
    spinous = (np.abs(x) < 3.5) & (y > 92) & (y < 116) & (np.abs(level - 15) < 6)
    transverse = (np.abs(x) < 33) & (np.abs(y - 88) < 5) & (np.abs(level - 17) < 5)
    canvas.paint(Tissue.CORTEX, (arch & (vertebra >= 1)) | spinous | transverse, where)
    canvas.paint(Tissue.CORD, (x / 9) ** 2 + ((y - 86) / 8) ** 2 < 1, where)


def _paint_sternum(canvas: Canvas, body: Body, rib_cage: Coordinate) -> None:
    length = body.lung_length_mm
    where = canvas.box((-20, -150, 0.2 * length), (20, 0, 0.86 * length))
    x, z, r = canvas.x[where], canvas.z[where], rib_cage[where]
    sternum = (r > 1.0) & (r < 1.14) & (np.abs(x) < 17) & (canvas.y[where] < 0)
    sternum &= (z > 0.2 * length) & (z < 0.86 * length)
    canvas.paint(Tissue.CORTEX, sternum, where)
    core = sternum & (r > 1.025) & (r < 1.115) & (np.abs(x) < 14)
    canvas.paint(Tissue.MARROW, core, where)


def _paint_girdle(canvas: Canvas, body: Body, rib_cage: Coordinate) -> None:
    length = body.lung_length_mm
    where = canvas.box((-200, 0, 0.42 * length), (200, 150, 0.92 * length))
    x, y, z, r = canvas.x[where], canvas.y[where], canvas.z[where], rib_cage[where]
    blade = (r > 1.17) & (r < 1.235) & (y > 12) & (np.abs(x) > 52)
    blade &= (z > 0.42 * length) & (z < 0.92 * length) & (canvas.labels[where] == Tissue.MUSCLE)
    canvas.paint(Tissue.CORTEX, blade, where)
    for side in (-1, 1):
        clavicle: tuple[Point, ...] = (
            (side * 22, -58, 0.9 * length),
            (side * 70, -48, 0.97 * length),
            (side * 120, -20, 1.04 * length),
        )
        over = (Tissue.MUSCLE, Tissue.FAT)
        canvas.tube(Tissue.CORTEX, clavicle, 6.5, over=over)
        canvas.tube(Tissue.MARROW, clavicle, 4.0, over=(Tissue.CORTEX,))


def _paint_arm_bones(canvas: Canvas, body: Body) -> None:
    for side in (-1, 1):
        humerus = arm_course(body, side)[1:]
        over = (Tissue.MUSCLE, Tissue.FAT)
        canvas.tube(Tissue.LIMB_BONE, humerus, 11.0, over=over)
        canvas.tube(Tissue.LIMB_MARROW, humerus, 6.5, over=(Tissue.LIMB_BONE,))
        head = humerus[0]
        canvas.ellipsoid(Tissue.LIMB_BONE, head, (23, 23, 22), over=(*over, Tissue.LIMB_BONE))
        canvas.ellipsoid(Tissue.LIMB_MARROW, head, (20, 20, 19), over=(Tissue.LIMB_BONE,))
