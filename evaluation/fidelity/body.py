"""The body in a CT, and the three images that a good metric must call bad."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import SimpleITK
from scipy import ndimage

from evaluation.imaging import Grid, Volume, resample

BODY_THRESHOLD_HU = -500.0
TABLE_OPENING_MM = 3.0
_itk: Any = SimpleITK
_IN_PLANE = np.array([[[0, 0, 0]] * 3, [[0, 1, 0], [1, 1, 1], [0, 1, 0]], [[0, 0, 0]] * 3])


class BodyNotFound(ValueError):
    """No voxel of the CT belongs to a body."""


def body_mask(ct: Volume, grid: Grid | None = None) -> np.ndarray:
    """Return the body of a CT as bool [z, y, x] on ``grid`` (default: the CT's own, every voxel).

    Above -500 HU, opened in plane by 3 mm (square) so that the table and cushions come off, the largest
    connected part, holes (lungs, bowel gas) filled slice by slice, then resampled (nearest); voxels
    outside the CT are no body. For another grid the CT is first thinned in plane to at most half a voxel
    of that grid.

    Raises
    ------
    BodyNotFound
        When nothing in the CT, or nothing of the body on ``grid``, is left.
    ValueError
        When the volume is not in HU.
    """
    if ct.unit != "HU":
        raise ValueError(f"a body is found in Hounsfield units, not in {ct.unit}")
    sparse = ct if grid is None else _thinned(ct, grid)
    dense = sparse.array > BODY_THRESHOLD_HU
    if not dense.any():
        raise BodyNotFound("nothing in the CT is denser than -500 HU")
    filled = _filled_by_slice(_largest_part(_opened(dense, sparse.grid)))
    if grid is None:
        return filled
    body = resample(Volume(filled, sparse.grid, "mask"), grid, outside=0, order="nearest").array
    if not body.any():
        raise BodyNotFound("the body of the CT does not reach the grid of the PET")
    return body


def _thinned(ct: Volume, grid: Grid) -> Volume:
    """Return every k-th row and column, k as large as half a voxel of the target grid allows.

    A mask for 4 mm voxels needs no CT of 0.7 mm; the search is several times quicker without.
    """
    steps = [
        max(int(0.5 * target / own), 1)
        for target, own in zip(grid.spacing_mm[1:], ct.grid.spacing_mm[1:], strict=True)
    ]
    array = ct.array[:, :: steps[0], :: steps[1]]
    z_mm, y_mm, x_mm = ct.grid.spacing_mm
    spacing = (z_mm, y_mm * steps[0], x_mm * steps[1])
    z, y, x = array.shape
    return Volume(array, replace(ct.grid, shape=(z, y, x), spacing_mm=spacing), ct.unit)


def _opened(dense: np.ndarray, grid: Grid) -> np.ndarray:
    radii = {axis: round(TABLE_OPENING_MM / grid.spacing_mm[axis]) for axis in (1, 2)}
    if min(radii.values()) < 1:
        return dense  # voxels as coarse as the table: an opening would take limbs away
    opened = dense
    for combine in (np.logical_and, np.logical_or):
        for axis, radius in radii.items():
            opened = _shifted(opened, radius, axis, combine)
    opened &= dense
    return opened if opened.any() else dense


def _shifted(mask: np.ndarray, radius: int, axis: int, combine: np.ufunc) -> np.ndarray:
    """Combine each voxel with its neighbours along an axis; beyond the border nothing is assumed.

    So the border is not eroded: in a cropped CT the body runs through it.
    """
    result = mask.copy()
    source, target = np.moveaxis(mask, axis, 0), np.moveaxis(result, axis, 0)
    for k in range(1, min(radius, len(source) - 1) + 1):
        combine(target[k:], source[:-k], out=target[k:])
        combine(target[:-k], source[k:], out=target[:-k])
    return result


def _largest_part(dense: np.ndarray) -> np.ndarray:
    image = _itk.GetImageFromArray(dense.astype(np.uint8))
    parts = _itk.RelabelComponent(_itk.ConnectedComponent(image), sortByObjectSize=True)
    largest: np.ndarray = _itk.GetArrayFromImage(parts) == 1
    return largest


def _filled_by_slice(body: np.ndarray) -> np.ndarray:
    labels, _ = ndimage.label(~body, structure=_IN_PLANE)
    frame = np.zeros(body.shape[1:], dtype=np.bool_)
    frame[[0, -1], :] = True
    frame[:, [0, -1]] = True
    outside = np.zeros(labels.max() + 1, dtype=np.bool_)
    outside[labels[:, frame]] = True
    outside[0] = False
    filled: np.ndarray = ~outside[labels]
    return filled


def negative_controls(
    reference: Volume, *, mask: np.ndarray, lesions: Mapping[Any, np.ndarray]
) -> dict[str, Volume]:
    """Return three images that carry no metabolic information, to be measured beside any model.

    ``zero`` is empty; ``body_mean`` has the mean of the reference inside ``mask`` and zero outside;
    ``lesions_erased`` is the reference with each lesion replaced by the mean of the voxels within
    two voxels round it. A metric that does not punish the last one does not see lesions.
    """
    zero = np.zeros_like(reference.array, dtype=np.float32)
    inside = np.asarray(mask, dtype=np.bool_)
    flat = zero.copy()
    if inside.any():
        flat[inside] = reference.array[inside].mean(dtype=np.float64)
    images = {"zero": zero, "body_mean": flat}
    if lesions:
        images["lesions_erased"] = _erased(reference.array, lesions)
    return {name: Volume(array, reference.grid, reference.unit) for name, array in images.items()}


def _erased(array: np.ndarray, lesions: Mapping[Any, np.ndarray]) -> np.ndarray:
    erased = array.astype(np.float32, copy=True)
    every = np.any([np.asarray(m, dtype=np.bool_) for m in lesions.values()], axis=0)
    for mask in lesions.values():
        lesion = np.asarray(mask, dtype=np.bool_)
        shell = ndimage.binary_dilation(lesion, iterations=2) & ~every
        if lesion.any():
            erased[lesion] = array[shell].mean(dtype=np.float64) if shell.any() else 0.0
    return erased
