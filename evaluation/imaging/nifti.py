"""NIfTI files: volumes to and from the coordinates of DICOM (LPS, where NIfTI has RAS)."""

import zlib
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError

from evaluation.imaging.grid import Grid, triple
from evaluation.imaging.reasons import Reason, SegmentationRefused
from evaluation.imaging.volume import Volume

_nib: Any = nibabel
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def grid_of_affine(affine: np.ndarray, shape: tuple[int, int, int]) -> Grid:
    """Return the grid of an affine (4, 4) from index (x, y, z) to LPS; ``shape`` is (z, y, x).

    Raises
    ------
    ValueError
        When the axes are not at right angles: a sheared image is no grid.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or spacing.min() <= 0:
        raise ValueError("the affine of the file is not usable")
    direction = affine[:3, :3] / spacing
    if np.abs(direction.T @ direction - np.eye(3)).max() > 1e-3:
        raise ValueError("the axes of the image are not at right angles")
    return Grid(
        shape=shape,
        spacing_mm=triple(spacing[::-1]),
        origin_mm=triple(affine[:3, 3]),
        direction=(triple(direction[0]), triple(direction[1]), triple(direction[2])),
    )


def read_nifti(path: Path | str, unit: str) -> Volume:
    """Return a three-dimensional NIfTI file as a volume in ``unit``.

    Masks (``unit="mask"``) become bool; everything else float32.

    Raises
    ------
    ValueError
        When the file is not three-dimensional, is sheared, holds values that are not finite, or
        places itself nowhere (neither sform nor qform).
    """
    array, grid = load_nifti(Path(path))
    return Volume(array != 0 if unit == "mask" else array.astype(np.float32), grid, unit)


def load_nifti(path: Path) -> tuple[np.ndarray, Grid]:
    """Return the values [z, y, x] of a NIfTI file as stored after its slope, and its grid."""
    try:
        image = _nib.load(path)
        array = np.asarray(image.dataobj)
    except (ImageFileError, OSError, EOFError, zlib.error) as error:
        # The library's sentence holds the whole path, which may be a hospital's.
        raise ValueError(f"{path.name} is no readable NIfTI file") from error
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim != 3:
        raise ValueError(f"{path.name} has {array.ndim} dimensions, not three")
    if not np.isfinite(array).all():
        raise ValueError(f"{path.name} holds values that are no finite numbers")
    if int(image.header["sform_code"]) == 0 and int(image.header["qform_code"]) == 0:
        raise ValueError(f"{path.name} does not say where its voxels lie")
    z, y, x = array.shape[::-1]
    return array.T, grid_of_affine(_RAS_TO_LPS @ image.affine, (z, y, x))


def write_nifti(volume: Volume, path: Path | str) -> None:
    """Write a volume as NIfTI (``.nii`` or ``.nii.gz``), masks as bytes, images as float32."""
    dtype = np.uint8 if volume.array.dtype == np.bool_ else volume.array.dtype
    image = _nib.Nifti1Image(volume.array.T.astype(dtype), _RAS_TO_LPS @ volume.grid.affine())
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = volume.unit.encode("ascii", "replace")
    image.set_sform(image.affine, code=1)
    image.set_qform(image.affine, code=1)
    _nib.save(image, path)


def labels_of(array: np.ndarray, name: str) -> np.ndarray:
    """Return a label map as integers, refused when a value is no whole number >= 0."""
    labels = np.rint(array).astype(np.int64)
    if np.abs(array - labels).max(initial=0) > 1e-4 or labels.min(initial=0) < 0:
        sentence = f"{name} is no label map: its values are not whole numbers from 0 up."
        raise SegmentationRefused((Reason("not_labels", sentence),))
    return labels
