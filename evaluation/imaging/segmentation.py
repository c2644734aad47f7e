"""Segmentations of any of three formats, placed on the grid of the image that is measured."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
from pydicom import Dataset

from evaluation.imaging.grid import Grid
from evaluation.imaging.header import text
from evaluation.imaging.nifti import grid_of_affine, labels_of, load_nifti
from evaluation.imaging.outline_file import RTSTRUCT, read_outline_file
from evaluation.imaging.outlines import outlined_regions
from evaluation.imaging.reasons import Reason, SegmentationRefused
from evaluation.imaging.volume import Volume, resample

_highdicom: Any = highdicom


@dataclass(frozen=True, eq=False)
class Segment:
    """One region: its number and label in the file, its mask [z, y, x] on the grid asked for."""

    number: int
    label: str
    mask: np.ndarray
    source: str


def read_segmentation(
    path: Path | str, grid: Grid, *, frame_of_reference_uid: str = ""
) -> dict[int, Segment]:
    """Return the regions of a DICOM SEG, an RTSTRUCT or a NIfTI label map on ``grid``.

    Parameters
    ----------
    path
        One file.
    grid
        Grid of the image to be measured; label maps on another grid are resampled (nearest).
    frame_of_reference_uid
        Frame of the image; when given, a DICOM segmentation in another one is refused.

    Raises
    ------
    SegmentationRefused
        When the file cannot be read, holds no region, or no region has a voxel on ``grid``.
    """
    file = Path(path)
    if file.name.endswith((".nii", ".nii.gz")):
        segments = _from_nifti(file, grid)
    else:
        segments = _from_dicom(file, grid, frame_of_reference_uid)
    if not segments:
        raise _refusal("no_segments", f"{file.name} holds no region.")
    if not any(segment.mask.any() for segment in segments.values()):
        raise _refusal("outside", f"No region of {file.name} has a voxel on the image.")
    return segments


def _refusal(identifier: str, sentence: str, tag: str = "") -> SegmentationRefused:
    return SegmentationRefused((Reason(identifier, sentence, tag),))


def _from_nifti(file: Path, grid: Grid) -> dict[int, Segment]:
    try:
        array, own_grid = load_nifti(file)
    except ValueError as error:
        sentence = f"{file.name} cannot be read as a label map: {error}."
        raise _refusal("not_nifti", sentence) from error
    labels = labels_of(array, file.name)
    placed = resample(
        Volume(labels.astype(np.int32), own_grid, "mask"), grid, outside=0, order="nearest"
    ).array
    return {
        int(n): Segment(int(n), f"label {n}", placed == n, "NIfTI")
        for n in np.unique(labels)
        if n != 0
    }


def _from_dicom(file: Path, grid: Grid, frame_uid: str) -> dict[int, Segment]:
    header, reasons = read_outline_file(file)
    if reasons:
        raise SegmentationRefused(reasons)
    _check_frame(header, frame_uid, file.name)
    if text(header, "SOPClassUID") == RTSTRUCT:
        regions = outlined_regions(header, grid)
        return {n: Segment(n, name, mask, "RTSTRUCT") for n, (name, mask) in regions.items()}
    return _from_seg(file, grid)


def _check_frame(header: Dataset, wanted: str, name: str) -> None:
    references = header.get("ReferencedFrameOfReferenceSequence") or []
    stated = {text(header, "FrameOfReferenceUID")}
    stated |= {text(reference, "FrameOfReferenceUID") for reference in references}
    stated -= {""}
    if wanted and stated and wanted not in stated:
        sentence = f"{name} lies in another frame of reference than the image."
        raise _refusal("frame_of_reference", sentence, "(0020,0052)")


def _from_seg(file: Path, grid: Grid) -> dict[int, Segment]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            seg = _highdicom.seg.Segmentation.from_dataset(pydicom.dcmread(file), copy=False)
            if str(seg.segmentation_type.value) == "FRACTIONAL":
                raise _refusal("fractional", f"{file.name} is fractional; a mask is needed.")
            volume = seg.get_volume(combine_segments=False)
    except (ValueError, RuntimeError, AttributeError, KeyError, IndexError) as error:
        sentence = f"{file.name} cannot be read as a segmentation of one volume: {error}"
        raise _refusal("not_segmentation", sentence) from error
    own_grid = _grid_of(volume)
    found = {}
    for k, segment_number in enumerate(seg.segment_numbers):
        mask = Volume(np.asarray(volume.array[..., k]) > 0, own_grid, "mask")
        placed = resample(mask, grid, outside=0, order="nearest").array
        label = str(seg.get_segment_description(segment_number).segment_label)
        found[int(segment_number)] = Segment(int(segment_number), label, placed, "DICOM SEG")
    return found


def _grid_of(volume: Any) -> Grid:
    # highdicom counts slices, rows, columns; our affine counts columns, rows, slices.
    affine = np.array(volume.affine)[:, [2, 1, 0, 3]]
    z, y, x = volume.spatial_shape
    return grid_of_affine(affine, (z, y, x))
