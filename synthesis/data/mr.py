"""MR signal on a scale that is the same for every participant.

MR has no unit: the same tissue gives another number on another scanner, coil or day. Scaling an
image by its own percentiles would make a large bright tumour darken everything else, so that the
same tissue again gives another number. Instead each volume is divided by one number that was
measured in a tissue which the disease spares: the median signal of a reference tissue (muscle in the
chest, white matter in the brain), outlined or measured by whoever provides the images. This is what
reference-tissue normalisation does (Shinohara et al., NeuroImage Clin 2014;6:9-19, in the brain). No
offset is fitted: air gives no signal, so zero already means the same everywhere.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evaluation.imaging import Volume, read_nifti, read_segmentation
from synthesis.data.model_grid import to_axial

REFERENCE = 1000.0  # the reference tissue, in the unit of the standardised volume
FEWEST_VOXELS = 50
UNIT = "reference tissue / 1000"


def standardise(volume: Volume, reference: float) -> Volume:
    """Return MR in thousandths of the reference tissue's signal.

    Raises
    ------
    ValueError
        When the signal of the reference tissue is not positive, or the volume holds negative signal.
    """
    if not np.isfinite(reference) or reference <= 0:
        raise ValueError("the reference tissue has no positive signal")
    if float(volume.array.min()) < 0:
        raise ValueError("the MR holds negative signal, so its zero is not that of air")
    scaled = volume.array.astype(np.float32) * np.float32(REFERENCE / reference)
    return Volume(scaled, volume.grid, UNIT)


def read_mr(path: Path, outline: Path | None, measured: str) -> Volume:
    """Return a NIfTI volume of MR on the common scale, with axes along the patient's.

    Parameters
    ----------
    outline
        Label map of the reference tissue alone; None where the signal was measured elsewhere.
    measured
        Median signal of the reference tissue in the file's own numbers; empty where it is outlined.

    Raises
    ------
    ValueError
        When the reference tissue is neither outlined nor measured, or is both, or cannot be used.
    """
    volume = read_nifti(path, "MR")
    if (outline is None) != bool(measured):
        raise ValueError(
            "MR needs its reference tissue once: outlined in reference.nii.gz, or as mr_reference "
            "in the table"
        )
    signal = float(measured) if outline is None else _outlined(volume, outline)
    return to_axial(standardise(volume, signal))


def _outlined(volume: Volume, outline: Path) -> float:
    segments = read_segmentation(outline, volume.grid)
    if len(segments) != 1:
        raise ValueError(f"{outline.name} must outline the reference tissue alone")
    inside = volume.array[next(iter(segments.values())).mask]
    if inside.size < FEWEST_VOXELS:
        raise ValueError(
            f"{outline.name} has {inside.size} voxels in the MR; its median needs {FEWEST_VOXELS}"
        )
    return float(np.median(inside))
