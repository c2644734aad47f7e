"""Outlines of an RTSTRUCT filled on the voxels of a grid."""

from collections import defaultdict
from typing import Any

import numpy as np
import skimage.draw
from pydicom import Dataset

from evaluation.imaging.grid import Grid
from evaluation.imaging.header import number, text
from evaluation.imaging.reasons import Reason, SegmentationRefused

_draw: Any = skimage.draw
_PLANE_TOLERANCE = 0.25
_WIDEST_PLANE_GAP = 1.5


def outlined_regions(header: Dataset, grid: Grid) -> dict[int, tuple[str, np.ndarray]]:
    """Return name and mask [z, y, x] of each region that has closed planar contours.

    A voxel belongs to a region when its centre lies inside; contours of one plane are combined
    even-odd, so that an inner contour cuts a hole. Contours must lie in the planes of ``grid``.
    """
    names = {
        int(number(region, "ROINumber") or 0): text(region, "ROIName")
        for region in header.get("StructureSetROISequence") or []
    }
    found = {}
    for region in header.get("ROIContourSequence") or []:
        region_number = int(number(region, "ReferencedROINumber") or 0)
        mask = _filled(region, grid, names.get(region_number, ""))
        if mask is not None:
            found[region_number] = (names.get(region_number, ""), mask)
    return found


def _filled(region: Dataset, grid: Grid, name: str) -> np.ndarray | None:
    to_index = np.linalg.inv(grid.affine())
    planes: dict[float, list[np.ndarray]] = defaultdict(list)
    for contour in region.get("ContourSequence") or []:
        if text(contour, "ContourGeometricType") != "CLOSED_PLANAR":
            continue
        points = np.array(contour.ContourData, dtype=np.float64).reshape(-1, 3)
        index = points @ to_index[:3, :3].T + to_index[:3, 3]
        if np.ptp(index[:, 2]) > _PLANE_TOLERANCE:
            sentence = f"The outlines of {name} do not lie in the planes of the image."
            raise SegmentationRefused((Reason("oblique_outline", sentence, "(3006,0050)"),))
        planes[round(float(index[:, 2].mean()), 2)].append(index[:, 1::-1])
    if not planes:
        return None
    _check_gaps(sorted(planes), name)
    return _fill_planes(planes, grid)


def _check_gaps(heights: list[float], name: str) -> None:
    if len(heights) > 1 and float(np.median(np.diff(heights))) > _WIDEST_PLANE_GAP:
        sentence = f"{name} is outlined on slices further apart than those of the image."
        raise SegmentationRefused((Reason("sparse_outline", sentence, "(3006,0050)"),))


def _fill_planes(planes: dict[float, list[np.ndarray]], grid: Grid) -> np.ndarray:
    mask = np.zeros(grid.shape, dtype=np.bool_)
    for height, contours in planes.items():
        z = round(height)
        if not 0 <= z < grid.shape[0]:
            continue
        filled = np.zeros(grid.shape[1:], dtype=np.bool_)
        for contour in contours:
            filled ^= _draw.polygon2mask(grid.shape[1:], contour)
        mask[z] |= filled
    return mask
