"""The organs under the diaphragm, as far down as the field reaches."""

from __future__ import annotations

import numpy as np

from synthesis.data.canvas import Canvas
from synthesis.data.frame import Body, Coordinate, Point
from synthesis.data.tissue import Tissue

LOWEST_MM = -220.0
LOOSE = (Tissue.BOWEL, Tissue.AVID_BOWEL, Tissue.CHYME, Tissue.GAS)  # gives way to organs
HOLLOW = (Tissue.STOMACH, Tissue.MEAL, Tissue.STOMACH_GAS)


def paint_abdomen(
    canvas: Canvas, body: Body, rib_cage: Coordinate, rng: np.random.Generator
) -> None:
    """Fill the cavity below the domes; the lungs are painted over it afterwards."""
    top = canvas.box((-200, -200, LOWEST_MM), (200, 200, 14))
    canvas.paint(Tissue.FAT, rib_cage[top] < 1, top)
    _paint_bowel(canvas, body, rng)
    _paint_liver(canvas, body, rib_cage)
    _paint_stomach(canvas, body)
    _paint_kidneys(canvas, body)
    _paint_spleen(canvas, body)
    _paint_pancreas(canvas, body)
    _paint_vessels(canvas)


def _paint_liver(canvas: Canvas, body: Body, rib_cage: Coordinate) -> None:
    where = canvas.box((-180, -130, LOWEST_MM), (90, 130, 20))
    x, y, z = canvas.x[where], canvas.y[where], canvas.z[where]
    k, w = body.liver_scale, body.thorax_half_width_mm
    right = ((x + 0.47 * w) / (0.56 * w * k)) ** 2 + ((y + 2) / (80 * k)) ** 2
    right += ((z + 62) / (79 * k)) ** 2
    left = ((x + 0.02 * w) / (0.5 * w * k)) ** 2 + ((y + 40) / (38 * k)) ** 2
    left += ((z + 36 + 0.16 * x) / (34 * k)) ** 2
    liver = (np.minimum(right, left) < 1) & (rib_cage[where] < 0.985)
    canvas.paint(Tissue.LIVER, liver, where)
    inside = (Tissue.LIVER,)
    canvas.ellipsoid(Tissue.FAT, (-24, -2, -92), (26, 24, 22), over=inside)  # the hilum
    portal: tuple[Point, ...] = ((-8, -8, -88), (-34, -6, -68), (-72, 4, -60))
    canvas.tube(Tissue.BLOOD, portal, 6.0)
    for end in ((-74.0, 8.0, -36.0), (-44.0, -34.0, -34.0), (2.0, -34.0, -30.0)):
        canvas.tube(Tissue.BLOOD, ((-20, 10, -14), end), 4.0, over=inside)
    canvas.ellipsoid(Tissue.BILE, (-50, -46, -96), (14, 20, 23), over=(Tissue.LIVER, Tissue.FAT))


def _paint_stomach(canvas: Canvas, body: Body) -> None:
    w, k = body.thorax_half_width_mm, body.organ_scale
    fundus: Point = (0.44 * w, 0, -40)
    over = (Tissue.FAT, *LOOSE)
    course: tuple[Point, ...] = ((0.46 * w, -8, -48), (0.38 * w, -42, -84), (0.08 * w, -52, -112))
    canvas.ellipsoid(Tissue.STOMACH, fundus, (38 * k, 40 * k, 32 * k), over=over)
    canvas.tube(Tissue.STOMACH, course, 24 * k, over=over)
    within = (Tissue.STOMACH,)
    canvas.ellipsoid(Tissue.MEAL, fundus, (32 * k, 34 * k, 26 * k), over=within)
    canvas.tube(Tissue.MEAL, course, 18 * k, over=within)
    # Gas rises to the front of a participant who lies on the back.
    canvas.ellipsoid(
        Tissue.STOMACH_GAS, (0.45 * w, -30, -40), (26 * k, 16 * k, 20 * k), over=(Tissue.MEAL,)
    )
    canvas.ellipsoid(Tissue.STOMACH_GAS, (0.34 * w, -56, -86), (14, 9, 18), over=(Tissue.MEAL,))


def _paint_spleen(canvas: Canvas, body: Body) -> None:
    k, w = body.spleen_scale, body.thorax_half_width_mm
    over = (Tissue.FAT, *LOOSE, *HOLLOW)
    centre: Point = (0.77 * w, 28, -66)
    canvas.ellipsoid(Tissue.SPLEEN, centre, (25 * k, 42 * k, 50 * k), over=over)


def _paint_kidneys(canvas: Canvas, body: Body) -> None:
    """Each kidney in its fat, with medial sinus fat and a pelvis that holds urine."""
    k = body.kidney_scale
    beside = (Tissue.LIVER, Tissue.SPLEEN, *HOLLOW, *LOOSE)
    y = 46 + min(0.0, body.thorax_half_depth_mm - 84)
    for side, z in ((1, -80.0), (-1, -90.0)):
        x = side * 61.0
        canvas.ellipsoid(Tissue.FAT, (x, y, z), (33 * k, 31 * k, 59 * k), over=beside)
        canvas.ellipsoid(
            Tissue.KIDNEY, (x, y, z), (27 * k, 25 * k, 54 * k), over=(Tissue.FAT, Tissue.MUSCLE)
        )
        medial = x - side * 18 * k
        canvas.ellipsoid(Tissue.FAT, (medial, y - 4, z), (15, 9, 19), over=(Tissue.KIDNEY,))
        over = (Tissue.FAT, Tissue.KIDNEY)
        canvas.ellipsoid(Tissue.URINE, (medial, y - 4, z), (8, 5, 12), over=over)
        for turn in (-1, 0, 1):  # the calyces
            calyx: Point = (x + side * 3, y - 2, z + 20 * turn * k)
            canvas.tube(Tissue.URINE, ((medial, y - 4, z + 6 * turn), calyx), 2.6, over=over)
        ureter: tuple[Point, ...] = ((medial - side * 6, y - 6, z - 8), (side * 36, y - 6, z - 60))
        canvas.tube(Tissue.URINE, ureter, 2.2, over=(Tissue.FAT,))


def _paint_bowel(canvas: Canvas, body: Body, rng: np.random.Generator) -> None:
    """Transverse colon in front with gas, loops of small bowel behind; one segment may be avid."""
    w, b = body.thorax_half_width_mm, body.thorax_half_depth_mm
    front = -0.66 * b
    colon: tuple[Point, ...] = (
        (-0.62 * w, front + 18, -128),
        (-0.1 * w, front, -116),
        (0.55 * w, front + 16, -100),
        (0.76 * w, -8, -84),
    )
    fat = (Tissue.FAT,)
    canvas.tube(Tissue.BOWEL, colon, 19, over=fat)
    canvas.tube(Tissue.CHYME, colon, 15, over=(Tissue.BOWEL,))
    canvas.tube(Tissue.GAS, tuple((x, y - 4, z) for x, y, z in colon), 10, over=(Tissue.CHYME,))
    for loop in range(9):
        point = np.array([rng.uniform(-30, 70), rng.uniform(-48, 6), rng.uniform(-150, -98)])
        end = point + rng.normal(0, 1, 3) * (24, 14, 8)
        label = Tissue.AVID_BOWEL if loop == 0 else Tissue.BOWEL
        course: tuple[Point, ...] = (
            (float(point[0]), float(point[1]), float(point[2])),
            (float(end[0]), float(end[1]), float(end[2])),
        )
        canvas.tube(label, course, 12, over=fat)
        canvas.tube(Tissue.CHYME, course, 6, over=(label,))


def _paint_pancreas(canvas: Canvas, body: Body) -> None:
    k = body.organ_scale
    course: tuple[Point, ...] = ((-22, -8, -102), (0, -20, -94), (36, -4, -78), (64, 14, -66))
    canvas.tube(Tissue.PANCREAS, course, 10 * k, over=(Tissue.FAT,))
    canvas.ellipsoid(Tissue.PANCREAS, (-24, -6, -106), (17, 13, 20), over=(Tissue.FAT,))


def _paint_vessels(canvas: Canvas) -> None:
    """Cava, aorta and its fat, the crura of the diaphragm and the psoas muscles."""
    canvas.ellipsoid(Tissue.FAT, (0, 38, -50), (44, 22, 40), over=(Tissue.LIVER, Tissue.STOMACH))
    for side in (-1, 1):
        canvas.tube(Tissue.MUSCLE, ((side * 13, 40, -14), (side * 15, 44, -116)), 6.0)
        psoas: tuple[Point, ...] = ((side * 28, 66, -66), (side * 38, 62, LOWEST_MM))
        canvas.tube(Tissue.MUSCLE, psoas, 15.0, over=(Tissue.FAT,))
    canvas.tube(Tissue.BLOOD, ((-22, 8, 10), (-18, 16, -40), (-17, 28, LOWEST_MM)), 10.5)
    canvas.tube(Tissue.AORTA, ((22, 40, 20), (9, 30, -50), (7, 30, LOWEST_MM)), 10.5)
    canvas.tube(Tissue.BLOOD, ((62, 20, -66), (20, -4, -86), (-8, -8, -88)), 4.5)  # splenic vein
