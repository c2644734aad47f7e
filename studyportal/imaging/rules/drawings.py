"""What a browser sends when a person has drawn: one NIfTI mask on the grid of the PET."""

import zlib

import nibabel
import numpy as np

from evaluation.imaging import Grid
from evaluation.imaging.nifti import grid_of_affine

_HEADER, _OFFSET, _UINT8 = 348, 352, 2
_TOLERANCE_MM = 0.05  # a browser keeps places as 32-bit numbers


def mask_of_drawing(content: bytes, grid: Grid) -> np.ndarray:
    """Return the drawn voxels [z, y, x] of a compressed NIfTI file, which must lie on `grid`.

    Raises
    ------
    ValueError
        With a sentence, when the file is anything else; no more is unpacked than the grid can hold.
    """
    voxels = int(np.prod(grid.shape))
    raw = _unpacked(content, _OFFSET + voxels)
    if len(raw) != _OFFSET + voxels:
        raise ValueError("The drawing does not have the size of the PET.")
    try:
        header = nibabel.Nifti1Header(raw[:_HEADER])
    except Exception as error:  # whatever a crafted header breaks
        raise ValueError("The drawing is no readable file.") from error
    if int(header["datatype"]) != _UINT8 or header.get_data_shape()[:3] != grid.shape[::-1]:
        raise ValueError("The drawing does not have the size of the PET.")
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ header.get_best_affine()
    if not grid_of_affine(affine, grid.shape).same_as(grid, _TOLERANCE_MM):
        raise ValueError("The drawing does not lie on this PET.")
    return np.frombuffer(raw, np.uint8, voxels, _OFFSET).reshape(grid.shape) != 0


def _unpacked(content: bytes, limit: int) -> bytes:
    reader = zlib.decompressobj(wbits=31)
    try:
        return reader.decompress(content, limit + 1)
    except zlib.error as error:
        raise ValueError("The drawing is no readable file.") from error
