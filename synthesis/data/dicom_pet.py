"""The PET series of a phantom as DICOM files, in the styles of three kinds of vendor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import PositronEmissionTomographyImageStorage

from evaluation.imaging import Volume
from synthesis.data.dicom_base import (
    StudyFacts,
    add_pixels,
    add_slice,
    add_study,
    code,
    ds,
    new_file,
)
from synthesis.data.scanner import PetStyle

F18_HALF_LIFE_S = 6586.2
F18_POSITRON_FRACTION = 0.967
BED_SECONDS = 150.0
BED_SLICES = 40
LARGEST_STORED = 32767


@dataclass(frozen=True, slots=True)
class Injection:
    """What was given and when."""

    at: datetime
    activity_bq: float

    def activity_at(self, moment: datetime) -> float:
        """Return the injected activity decayed to a moment, in Bq."""
        seconds = (moment - self.at).total_seconds()
        return self.activity_bq * math.exp(-math.log(2) * seconds / F18_HALF_LIFE_S)


def injection_of(facts: StudyFacts, scan_starts_at: datetime) -> Injection:
    """Return the injection: the site's dose per kilogram, its uptake time before the scan."""
    activity = facts.scanner.dose_mbq_per_kg * facts.participant.weight_kg * 1e6
    return Injection(
        scan_starts_at - timedelta(minutes=facts.scanner.uptake_min), float(round(activity, -3))
    )


def write_pet(volume: Volume, folder: Path, facts: StudyFacts, *, style: PetStyle) -> None:
    """Write one file per slice in the units and with the slopes that the style stands for.

    Parameters
    ----------
    volume
        SUVbw (g/ml), [z, y, x].
    style
        `bqml_start`: Bq/ml, decay-corrected to the series start, one slope;
        `bqml_per_slice`: the same with a slope per slice; `gml`: SUV itself, one slope.
    """
    folder.mkdir(parents=True)
    starts = facts.starts_at + timedelta(minutes=5)
    injection = injection_of(facts, starts)
    values = volume.array.astype(np.float64)
    if style != "gml":
        # SUVbw = activity concentration x weight / activity at the scan's start.
        values *= injection.activity_at(starts) / (facts.participant.weight_kg * 1000)
    slopes = _slopes(values, per_slice=style == "bqml_per_slice")
    for index, (plane, slope) in enumerate(zip(values, slopes, strict=True)):
        dataset = new_file(PositronEmissionTomographyImageStorage, facts.uid("pet", index))
        add_study(dataset, facts)
        add_slice(dataset, volume.grid, index)
        _add_series(dataset, facts, style=style, slices=len(values), starts=starts)
        _add_frame(dataset, index, starts)
        dataset.RadiopharmaceuticalInformationSequence = [_tracer(injection)]
        dataset.RescaleSlope = ds(slope)
        dataset.RescaleIntercept = ds(0)
        stored = np.rint(plane / float(dataset.RescaleSlope)).astype(np.int16)
        add_pixels(dataset, stored)
        dataset.SmallestImagePixelValue = int(stored.min())
        dataset.LargestImagePixelValue = int(stored.max())
        dataset.save_as(folder / f"IM{index + 1:04d}.dcm", enforce_file_format=True)


def _slopes(values: NDArray[np.float64], *, per_slice: bool) -> list[float]:
    tops = values.max(axis=(1, 2))
    if not per_slice:
        tops = np.full_like(tops, tops.max())
    return [max(float(top), 1e-6) / (LARGEST_STORED - 1) for top in tops]


def _add_series(
    dataset: Dataset, facts: StudyFacts, *, style: PetStyle, slices: int, starts: datetime
) -> None:
    scanner = facts.scanner
    dataset.Modality = "PT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.SeriesInstanceUID = facts.uid("pet")
    dataset.SeriesNumber = 3
    dataset.SeriesDescription = "PET CHEST AC (simulated)"
    dataset.ProtocolName = "PET/CT chest"
    dataset.BodyPartExamined = "CHEST"
    dataset.Manufacturer = f"StudyPortal phantom ({style})"
    dataset.ManufacturerModelName = scanner.name
    dataset.DeviceSerialNumber = f"{scanner.site}-1"
    dataset.StationName = f"{scanner.site}PT1"
    dataset.SoftwareVersions = "phantom 1"
    dataset.SeriesDate = starts.strftime("%Y%m%d")
    dataset.SeriesTime = starts.strftime("%H%M%S")
    dataset.PatientOrientationCodeSequence = [_supine()]
    dataset.PatientGantryRelationshipCodeSequence = [code("102540001", "SCT", "headfirst")]
    dataset.SeriesType = ["WHOLE BODY", "IMAGE"]
    dataset.NumberOfSlices = slices
    dataset.CountsSource = "EMISSION"
    dataset.Units = "GML" if style == "gml" else "BQML"
    if style == "gml":
        dataset.SUVType = "BW"
    dataset.DecayCorrection = "START"
    dataset.CorrectedImage = ["DECY", "ATTN", "SCAT", "DTIM", "RAN", "NORM"]
    dataset.AttenuationCorrectionMethod = "CT based"
    dataset.ScatterCorrectionMethod = "model based"
    dataset.RandomsCorrectionMethod = "DLYD"
    dataset.ReconstructionMethod = "simulated, Gaussian point spread"
    dataset.CollimatorType = "NONE"


def _supine() -> Dataset:
    position = code("102538003", "SCT", "recumbent")
    position.PatientOrientationModifierCodeSequence = [code("40199007", "SCT", "supine")]
    return position


def _add_frame(dataset: Dataset, index: int, starts: datetime) -> None:
    """Write the times of the slice's bed position; two beds, the lower one first."""
    bed = index // BED_SLICES
    taken = starts + timedelta(seconds=bed * BED_SECONDS)
    # Mean activity within the frame is reached a little before its middle.
    rate = math.log(2) / F18_HALF_LIFE_S
    middle = math.log(rate * BED_SECONDS / (1 - math.exp(-rate * BED_SECONDS))) / rate
    reference_s = bed * BED_SECONDS + middle
    dataset.ImageIndex = index + 1
    dataset.AcquisitionDate = dataset.ContentDate = taken.strftime("%Y%m%d")
    dataset.AcquisitionTime = dataset.ContentTime = taken.strftime("%H%M%S")
    dataset.FrameReferenceTime = ds(round(reference_s * 1000, 1))
    dataset.ActualFrameDuration = int(BED_SECONDS * 1000)
    dataset.DecayFactor = ds(round(math.exp(rate * reference_s), 6))


def _tracer(injection: Injection) -> Dataset:
    tracer = Dataset()
    tracer.Radiopharmaceutical = "Fluorodeoxyglucose"
    tracer.RadiopharmaceuticalRoute = "Intravenous route"
    tracer.RadiopharmaceuticalStartTime = injection.at.strftime("%H%M%S")
    tracer.RadiopharmaceuticalStartDateTime = injection.at.strftime("%Y%m%d%H%M%S")
    tracer.RadionuclideTotalDose = ds(injection.activity_bq)
    tracer.RadionuclideHalfLife = ds(F18_HALF_LIFE_S)
    tracer.RadionuclidePositronFraction = ds(F18_POSITRON_FRACTION)
    tracer.RadionuclideCodeSequence = [code("77004003", "SCT", "^18^Fluorine")]
    tracer.RadiopharmaceuticalCodeSequence = [code("35321007", "SCT", "Fluorodeoxyglucose F^18^")]
    return tracer
