"""A volume as the bytes of a `.nii.gz` with 16-bit voxels; the same volume always gives the same bytes."""

import gzip
from dataclasses import dataclass, replace
from typing import Any

import nibabel
import numpy as np

from evaluation.imaging import Grid, Volume

_nib: Any = nibabel
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
# Noise does not shrink further with more effort: level 4 costs a third of level 6 and a few per cent of size.
_GZIP_LEVEL = 4
_SIGNED, _UNSIGNED = 32767, 65535


@dataclass(frozen=True)
class CodedVolume:
    """A compressed NIfTI file and what is known of it; no voxel is off by more than half a `step`."""

    content: bytes
    unit: str
    step: float
    low: float
    high: float
    grid: Grid

    def facts(self) -> dict[str, object]:
        """What the page has to know, ready for JSON."""
        return {
            "unit": self.unit,
            "step": self.step,
            "low": self.low,
            "high": self.high,
            "shape": list(self.grid.shape),
            "spacing_mm": list(self.grid.spacing_mm),
        }


def coded(volume: Volume, *, step: float | None = None) -> CodedVolume:
    """Return the volume with 16-bit voxels: whole numbers exactly, others in the finest even step.

    Parameters
    ----------
    volume
        Image [z, y, x] with finite values.
    step
        A coarser step than needed, for a picture that only has to look right.

    Raises
    ------
    ValueError
        When a value is no finite number.
    """
    low, high = float(volume.array.min()), float(volume.array.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError("The image holds values that are no finite numbers.")
    kind, own_step = _step(volume.array, low=low, high=high, wanted=step)
    raw = np.rint(volume.array / np.float32(own_step)).astype(kind)
    content = nifti_bytes(raw, volume.grid, slope=own_step, unit=volume.unit)
    return CodedVolume(content, volume.unit, own_step, low, high, volume.grid)


def coded_labels(labels: np.ndarray, grid: Grid) -> CodedVolume:
    """Return a label map [z, y, x] of at most 255 regions as bytes."""
    content = nifti_bytes(labels.astype(np.uint8), grid, slope=1.0, unit="label")
    return CodedVolume(content, "label", 1.0, 0.0, float(labels.max(initial=0)), grid)


def nifti_bytes(raw: np.ndarray, grid: Grid, *, slope: float, unit: str) -> bytes:
    """Return voxels [z, y, x] (or [frame, z, y, x]) times `slope`, placed as `grid` says, compressed."""
    header = _nib.Nifti1Header()
    header.set_data_dtype(raw.dtype)
    header.set_data_shape(raw.shape[::-1])
    # Setting the affine writes the spacing of the three axes, too.
    affine = _LPS_TO_RAS @ grid.affine()
    header.set_qform(affine, code=1)
    header.set_sform(affine, code=1)
    zooms = [float(edge) for edge in grid.spacing_mm[::-1]]
    header.set_zooms([*zooms, 1.0][: raw.ndim])
    header.set_xyzt_units("mm")
    header["scl_slope"], header["scl_inter"] = slope, 0.0
    header["descrip"] = unit.encode("ascii", "replace")
    header["vox_offset"] = 352
    little = raw.astype(raw.dtype.newbyteorder("<"), copy=False)
    return gzip.compress(
        header.binaryblock + bytes(4) + np.ascontiguousarray(little).tobytes(),
        compresslevel=_GZIP_LEVEL,
        mtime=0,
    )


def coarser(volume: Volume, *, edge_mm: float) -> Volume:
    """Return means of whole blocks of voxels, so that no edge is much shorter than `edge_mm`."""
    factors = [max(1, round(edge_mm / own)) for own in volume.grid.spacing_mm]
    sizes = [size // factor for size, factor in zip(volume.grid.shape, factors, strict=True)]
    if min(sizes) < 1:
        return volume
    kept = tuple(slice(0, n * factor) for n, factor in zip(sizes, factors, strict=True))
    (z, y, x), (fz, fy, fx) = sizes, factors
    blocks = volume.array[kept].reshape(z, fz, y, fy, x, fx)
    means = blocks.mean(axis=(1, 3, 5), dtype=np.float32)
    first = np.array([*((factor - 1) / 2 for factor in reversed(factors)), 1.0])
    centre = volume.grid.affine() @ first
    spacing = [edge * factor for edge, factor in zip(volume.grid.spacing_mm, factors, strict=True)]
    grid = replace(
        volume.grid,
        shape=(z, y, x),
        spacing_mm=(spacing[0], spacing[1], spacing[2]),
        origin_mm=(float(centre[0]), float(centre[1]), float(centre[2])),
    )
    return Volume(means, grid, volume.unit)


def _step(
    array: np.ndarray, *, low: float, high: float, wanted: float | None
) -> tuple[type[np.int16] | type[np.uint16], float]:
    if wanted is not None:
        return np.int16, max(wanted, max(-low, high) / _SIGNED)
    if low >= -_SIGNED and high <= _SIGNED and bool((array == np.rint(array)).all()):
        return np.int16, 1.0
    if low < 0:
        return np.int16, max(-low, high) / _SIGNED
    return np.uint16, high / _UNSIGNED
