"""CT and PET series made in code, as headers that tests then spoil one at a time."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    PositronEmissionTomographyImageStorage,
    generate_uid,
)

SERIES_UID = "1.2.826.0.1.3680043.10.1001"
ROWS, COLUMNS = 12, 14


def injected(**changes: object) -> Dataset:
    item = Dataset()
    item.Radiopharmaceutical = "Fluorodeoxyglucose"
    item.RadiopharmaceuticalStartTime = "100000"
    item.RadionuclideTotalDose = "350000000"
    item.RadionuclideHalfLife = "6586.2"
    for keyword, value in changes.items():
        setattr(item, keyword, value)
    return item


def ct_slice(z_mm: float, stored: np.ndarray | None = None) -> Dataset:
    stored = np.full((ROWS, COLUMNS), 1064, dtype=np.int16) if stored is None else stored
    slice_ = _placed_slice(z_mm, stored)
    slice_.Modality, slice_.SOPClassUID = "CT", CTImageStorage
    slice_.RescaleSlope, slice_.RescaleIntercept, slice_.RescaleType = "1", "-1024", "HU"
    return slice_


def pet_slice(z_mm: float, stored: np.ndarray | None = None, *, slope: float = 1.0) -> Dataset:
    stored = np.full((ROWS, COLUMNS), 5000, dtype=np.int16) if stored is None else stored
    slice_ = _placed_slice(z_mm, stored)
    slice_.Modality, slice_.SOPClassUID = "PT", PositronEmissionTomographyImageStorage
    slice_.RescaleSlope, slice_.RescaleIntercept = str(slope), "0"
    slice_.Units, slice_.DecayCorrection = "BQML", "START"
    slice_.CorrectedImage = ["ATTN", "SCAT", "DECY"]
    slice_.SeriesDate = slice_.AcquisitionDate = "20250110"
    slice_.SeriesTime = slice_.AcquisitionTime = "110000"
    slice_.ActualFrameDuration, slice_.FrameReferenceTime = "180000", "0"
    slice_.PatientWeight, slice_.PatientSize, slice_.PatientSex = "70", "1.75", "M"
    slice_.RadiopharmaceuticalInformationSequence = [injected()]
    return slice_


def _placed_slice(z_mm: float, stored: np.ndarray) -> Dataset:
    slice_ = Dataset()
    slice_.file_meta = FileMetaDataset()
    slice_.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    slice_.StudyInstanceUID, slice_.SeriesInstanceUID = "1.2.826.0.1.3680043.10.1000", SERIES_UID
    slice_.SOPInstanceUID = generate_uid(entropy_srcs=[f"{z_mm}"])
    slice_.FrameOfReferenceUID, slice_.PatientID = "1.2.826.0.1.3680043.10.1002", "P-001"
    slice_.ImagePositionPatient = [-20.0, -30.0, z_mm]
    slice_.ImageOrientationPatient = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    slice_.PixelSpacing, slice_.SliceThickness = [2.0, 4.0], "3"
    slice_.Rows, slice_.Columns = stored.shape
    slice_.BitsAllocated = slice_.BitsStored = 16
    slice_.HighBit, slice_.PixelRepresentation = 15, 1
    slice_.SamplesPerPixel, slice_.PhotometricInterpretation = 1, "MONOCHROME2"
    slice_.PixelData = stored.astype("<i2").tobytes()
    return slice_


def write_series(folder: Path, slices: Sequence[Dataset]) -> Path:
    """Write slices under names whose order says nothing about their place."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, slice_ in enumerate(slices):
        slice_.file_meta.MediaStorageSOPClassUID = slice_.SOPClassUID
        slice_.file_meta.MediaStorageSOPInstanceUID = slice_.SOPInstanceUID
        name = f"{(number * 7919) % 1000:03d}-{number}.dcm"
        slice_.save_as(folder / name, enforce_file_format=True)
    return folder


def ct_series(folder: Path, spoil: Callable[[list[Dataset]], None] = lambda _: None) -> Path:
    """Write six CT slices 3 mm apart after ``spoil`` has changed what it likes."""
    slices = [ct_slice(3.0 * k) for k in range(6)]
    spoil(slices)
    return write_series(folder, slices)
