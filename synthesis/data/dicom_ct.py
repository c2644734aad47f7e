"""The CT series of a phantom as DICOM files."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from evaluation.imaging import Volume
from synthesis.data.dicom_base import StudyFacts, add_pixels, add_slice, add_study, ds, new_file

INTERCEPT_HU = -1024


def write_ct(volume: Volume, folder: Path, facts: StudyFacts) -> None:
    """Write one file per slice: signed pixels, intercept -1024, slope 1; padding is named."""
    folder.mkdir(parents=True)
    padding = facts.scanner.padding_hu
    stored = np.clip(np.rint(volume.array - INTERCEPT_HU), 0, 4095).astype(np.int16)
    if padding is not None:
        stored[volume.array == padding] = padding - INTERCEPT_HU
    for index, pixels in enumerate(stored):
        dataset = new_file(CTImageStorage, facts.uid("ct", index))
        add_study(dataset, facts)
        add_slice(dataset, volume.grid, index)
        _add_series(dataset, facts)
        add_pixels(dataset, pixels)
        if padding is not None:
            dataset.add_new("PixelPaddingValue", "SS", padding - INTERCEPT_HU)
        dataset.save_as(folder / f"IM{index + 1:04d}.dcm", enforce_file_format=True)


def _add_series(dataset: Dataset, facts: StudyFacts) -> None:
    scanner = facts.scanner
    taken = facts.starts_at + timedelta(minutes=2)
    dataset.Modality = "CT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.SeriesInstanceUID = facts.uid("ct")
    dataset.SeriesNumber = 2
    dataset.SeriesDescription = "CT CHEST 4.0 (simulated)"
    dataset.ProtocolName = "PET/CT chest"
    dataset.BodyPartExamined = "CHEST"
    dataset.PatientPosition = "HFS"
    dataset.Manufacturer = f"StudyPortal phantom ({scanner.style})"
    dataset.ManufacturerModelName = scanner.name
    dataset.DeviceSerialNumber = f"{scanner.site}-1"
    dataset.StationName = f"{scanner.site}CT1"
    dataset.SoftwareVersions = "phantom 1"
    for keyword in ("SeriesDate", "AcquisitionDate", "ContentDate"):
        setattr(dataset, keyword, taken.strftime("%Y%m%d"))
    for keyword in ("SeriesTime", "AcquisitionTime", "ContentTime"):
        setattr(dataset, keyword, taken.strftime("%H%M%S"))
    dataset.AcquisitionNumber = 1
    dataset.KVP = ds(scanner.tube_voltage_kvp)
    dataset.XRayTubeCurrent = 110
    dataset.ExposureTime = 500
    dataset.Exposure = 55
    dataset.ConvolutionKernel = "STANDARD"
    dataset.GantryDetectorTilt = ds(0)
    dataset.TableHeight = ds(150)
    dataset.RotationDirection = "CW"
    dataset.ReconstructionDiameter = ds(400)
    if facts.participant.body.contrast_hu > 0:
        dataset.ContrastBolusAgent = "Iodinated contrast"
    dataset.RescaleIntercept = ds(INTERCEPT_HU)
    dataset.RescaleSlope = ds(1)
    dataset.RescaleType = "HU"
    dataset.WindowCenter = ds(40)
    dataset.WindowWidth = ds(400)
