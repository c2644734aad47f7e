"""Writes the PET Image IOD of a synthetic series; no other library has a PET writer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import PositronEmissionTomographyImageStorage

from evaluation.imaging import Series, Volume
from synthesis.data.dicom_base import add_pixels, add_slice, code, ds, new_file, uid_from
from synthesis.dicom_out.marks import Provenance, add_marks

SERIES_NUMBER = 9001
LARGEST_STORED = 32767
LONGEST_STUDY_ID = 16  # DICOM's short string
SEAL = "SEAL "  # how the portal's seal begins in DeidentificationMethod
# Copied from the (already de-identified) CT, so that the synthetic series joins its study.
COPIED = (
    "SpecificCharacterSet",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "StudyInstanceUID",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
    "BodyPartExamined",
)
REQUIRED_BUT_MAY_BE_EMPTY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PositionReferenceIndicator",
)


# Body parts without a side; for any other part DICOM wants to know the side.
UNPAIRED = {
    "CHEST", "ABDOMEN", "PELVIS", "HEAD", "NECK", "HEART", "LIVER", "SPINE", "WHOLEBODY",
    "CHESTABDOMEN", "CHESTABDPELVIS", "ABDOMENPELVIS", "HEADNECK", "MEDIASTINUM",
}  # fmt: skip


class NoDateError(ValueError):
    """The CT carries no date at all, and a PET series must have one."""


def series_uid(source: Series, provenance: Provenance) -> str:
    """Return the UID of the series: one job on one CT makes one series, however often it runs."""
    return _uid(source, provenance, "series")


def _uid(source: Series, provenance: Provenance, part: object) -> str:
    # Job ids are only unique within one installation; the CT's UID is unique in the world.
    ct = source.header.SeriesInstanceUID
    return uid_from("synthetic-pet", ct, provenance.job_id, provenance.release_digest, part)


def write_synthetic_pet(
    suv: Volume, folder: Path, source: Series, provenance: Provenance
) -> tuple[Path, ...]:
    """Write one file per slice and return the paths from the feet up.

    Parameters
    ----------
    suv
        SUVbw (g/ml) on an axial grid in the CT's frame of reference.
    folder
        Existing folder.
    source
        The CT series that was translated.
    provenance
        Job, release and seed; all UIDs derive from them.

    Raises
    ------
    NoDateError
        When the CT has none of series, acquisition, content and study date.
    ValueError
        When a value is not finite.
    """
    day, time = _moment(source.header)
    stored, slopes = _quantise(suv.array)
    common = _common(source, provenance, day=day, time=time)
    paths = []
    for index, (pixels, slope) in enumerate(zip(stored, slopes, strict=True)):
        uid = _uid(source, provenance, index)
        dataset = new_file(PositronEmissionTomographyImageStorage, uid)
        dataset.update(common)
        add_slice(dataset, suv.grid, index)
        dataset.NumberOfSlices = len(stored)
        dataset.ImageIndex = index + 1
        dataset.SourceImageSequence = _sources(source, float(dataset.SliceLocation), suv)
        dataset.RescaleSlope = ds(slope)
        dataset.RescaleIntercept = ds(0)
        add_pixels(dataset, pixels)
        path = folder / f"SPET{index + 1:04d}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        paths.append(path)
    return tuple(paths)


def _quantise(suv: NDArray[np.float32]) -> tuple[NDArray[np.int16], list[float]]:
    """Return 16-bit pixels and the slope of each slice, as it will read back from its text."""
    slopes, planes = [], []
    if not np.isfinite(suv).all():
        raise ValueError("A synthetic PET holds a value that is no finite number.")
    for plane in suv.astype(np.float64):
        top = max(float(np.abs(plane).max()), 1e-3)  # below zero, too, nothing may wrap round
        slope = float(ds(top / (LARGEST_STORED - 1)))
        slopes.append(slope)
        planes.append(np.rint(plane / slope).astype(np.int16))
    return np.stack(planes), slopes


def _moment(header: Dataset) -> tuple[str, str]:
    """Return date and time of the CT: a derived series claims no moment of its own."""
    for kind in ("Series", "Acquisition", "Content", "Study"):
        if day := str(header.get(f"{kind}Date") or ""):
            return day, str(header.get(f"{kind}Time") or "000000")
    raise NoDateError("The CT carries no date, and a PET series must have one.")


def _common(source: Series, provenance: Provenance, *, day: str, time: str) -> Dataset:
    """Return what all slices share."""
    dataset = Dataset()
    for keyword in COPIED:
        if keyword in source.header:
            dataset[keyword] = source.header[keyword]
    _leave_seal(dataset)
    if len(str(dataset.get("StudyID", ""))) > LONGEST_STUDY_ID:
        dataset.StudyID = ""  # found in published files; an illegal value is not passed on
    _add_laterality(dataset, source.header)
    for keyword in REQUIRED_BUT_MAY_BE_EMPTY:
        if keyword not in dataset:
            setattr(dataset, keyword, "")
    for kind in ("Series", "Acquisition", "Content"):
        setattr(dataset, f"{kind}Date", day)
        setattr(dataset, f"{kind}Time", time)
    dataset.SeriesInstanceUID = series_uid(source, provenance)
    dataset.SeriesNumber = SERIES_NUMBER
    _add_pet(dataset)
    _add_equipment(dataset, source.header, provenance)
    dataset.ReferencedSeriesSequence = [_referenced_series(source)]
    add_marks(dataset, provenance)
    return dataset


def _leave_seal(dataset: Dataset) -> None:
    """Keep how the CT was de-identified; the portal's seal on it fits the CT alone."""
    method = dataset.get("DeidentificationMethod") or ""
    values = [method] if isinstance(method, str) else list(method)
    if values != [""]:
        dataset.DeidentificationMethod = [v for v in values if not v.startswith(SEAL)] or values


def _add_laterality(dataset: Dataset, ct: Dataset) -> None:
    """Write the side where the body part may have one: the CT's, or empty for unknown."""
    if str(dataset.get("BodyPartExamined", "")).upper() not in UNPAIRED:
        side = str(ct.get("Laterality") or "")
        dataset.Laterality = side if side in {"L", "R"} else ""


def _add_pet(dataset: Dataset) -> None:
    """Write the PET modules; nothing of a real injection, which never happened."""
    dataset.Modality = "PT"
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.SeriesType = ["STATIC", "IMAGE"]
    dataset.CountsSource = "EMISSION"
    dataset.Units = "GML"
    dataset.SUVType = "BW"
    dataset.DecayCorrection = "NONE"
    dataset.CorrectedImage = ""
    dataset.CollimatorType = "NONE"
    dataset.FrameReferenceTime = ds(0)
    dataset.ActualFrameDuration = 0
    dataset.RadiopharmaceuticalInformationSequence = []
    dataset.PatientOrientationCodeSequence = []
    dataset.PatientGantryRelationshipCodeSequence = []


def _add_equipment(dataset: Dataset, ct: Dataset, provenance: Provenance) -> None:
    dataset.Manufacturer = "StudyPortal"
    dataset.ManufacturerModelName = provenance.release_name[:64]
    dataset.SoftwareVersions = [provenance.release_version[:64], provenance.release_digest[:64]]
    scanner = Dataset()
    scanner.Manufacturer = str(ct.get("Manufacturer") or "unknown")
    if ct.get("ManufacturerModelName"):
        scanner.ManufacturerModelName = ct.ManufacturerModelName
    scanner.PurposeOfReferenceCodeSequence = [code("109101", "DCM", "Acquisition Equipment")]
    dataset.ContributingEquipmentSequence = [scanner]


def _referenced_series(source: Series) -> Dataset:
    series = Dataset()
    series.SeriesInstanceUID = source.header.SeriesInstanceUID
    series.ReferencedInstanceSequence = [_reference(h) for h in source.slice_headers]
    return series


def _reference(header: Dataset) -> Dataset:
    entry = Dataset()
    entry.ReferencedSOPClassUID = header.SOPClassUID
    entry.ReferencedSOPInstanceUID = header.SOPInstanceUID
    return entry


def _sources(source: Series, z_mm: float, suv: Volume) -> list[Dataset]:
    """Return the CT slices within one output slice of this height, at least the nearest one."""
    heights = np.array([float(h.ImagePositionPatient[2]) for h in source.slice_headers])
    gaps = np.abs(heights - z_mm)
    chosen = np.flatnonzero(gaps <= max(suv.grid.spacing_mm[0] / 2, gaps.min() + 1e-6))
    purpose = code("121322", "DCM", "Source image for image processing operation")
    entries = []
    for index in chosen:
        entry = _reference(source.slice_headers[int(index)])
        entry.PurposeOfReferenceCodeSequence = [purpose]
        entries.append(entry)
    return entries
