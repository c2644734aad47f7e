"""What the CT, PET and SEG files of one phantom share: identity, dates, identifiers, geometry."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian
from pydicom.valuerep import DSfloat, format_number_as_ds

from evaluation.imaging import Grid
from synthesis.data.participant import PhantomParticipant
from synthesis.data.scanner import ScannerProfile

IMPLEMENTATION = UID("2.25.302043790172249692526321623266752743501")


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """The study that all series of one phantom belong to."""

    participant: PhantomParticipant
    scanner: ScannerProfile
    starts_at: datetime

    @property
    def study_uid(self) -> str:
        """UID of the imaging study."""
        return self.uid("study")

    @property
    def frame_uid(self) -> str:
        """UID of the frame of reference that CT and PET share."""
        return self.uid("frame")

    def uid(self, *parts: object) -> str:
        """Return the UID of a part of this study; the same part always has the same UID."""
        return uid_from("phantom", self.participant.seed, self.scanner.name, *parts)


def uid_from(*parts: object) -> str:
    """Return a UID in the 2.25 arc, the same for the same parts (a UUID made of their SHA-256)."""
    digest = bytearray(hashlib.sha256("\x1f".join(str(p) for p in parts).encode()).digest()[:16])
    digest[6] = (digest[6] & 0x0F) | 0x80  # version 8: custom
    digest[8] = (digest[8] & 0x3F) | 0x80
    return f"2.25.{int.from_bytes(digest, 'big')}"


def ds(value: float) -> DSfloat:
    """Return the number as a decimal string of at most 16 characters, as DICOM demands."""
    return DSfloat(format_number_as_ds(float(value)))


def study_facts(
    participant: PhantomParticipant, scanner: ScannerProfile, study_date: date
) -> StudyFacts:
    """Return the study's identity; the hour of day follows from the seed."""
    minutes = int(np.random.default_rng([participant.seed, 606]).integers(8 * 60, 16 * 60))
    midnight = datetime(study_date.year, study_date.month, study_date.day)  # noqa: DTZ001 DICOM times carry no zone
    return StudyFacts(participant, scanner, midnight + timedelta(minutes=minutes))


def new_file(sop_class: str, sop_uid: str) -> Dataset:
    """Return an empty dataset with its file meta information."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(sop_uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID = UID(sop_class)
    dataset.SOPInstanceUID = UID(sop_uid)
    return dataset


def add_study(dataset: Dataset, facts: StudyFacts) -> None:
    """Write the modules that every file of the study carries (patient, study, frame)."""
    person = facts.participant
    born = facts.starts_at - timedelta(days=round(365.25 * person.age_years) + person.seed % 360)
    # An invented name, identifier and birth date: de-identification must have something to do.
    dataset.PatientName = f"PHANTOM^{person.seed:04d}"
    dataset.PatientID = f"PH{person.seed:06d}"
    dataset.PatientBirthDate = born.strftime("%Y%m%d")
    dataset.PatientSex = person.sex
    dataset.PatientAge = f"{person.age_years:03d}Y"
    dataset.PatientSize = ds(round(person.height_cm / 100, 3))
    dataset.PatientWeight = ds(person.weight_kg)
    dataset.StudyInstanceUID = facts.study_uid
    dataset.StudyID = f"{person.seed % 10000:04d}"
    dataset.StudyDate = facts.starts_at.strftime("%Y%m%d")
    dataset.StudyTime = facts.starts_at.strftime("%H%M%S")
    dataset.StudyDescription = "FDG PET/CT chest (simulated phantom)"
    dataset.AccessionNumber = f"A{person.seed:07d}"
    dataset.ReferringPhysicianName = "PHANTOM^REFERRER"
    dataset.InstitutionName = f"Simulated site {facts.scanner.site}"
    dataset.FrameOfReferenceUID = facts.frame_uid
    dataset.PositionReferenceIndicator = ""


def add_slice(dataset: Dataset, grid: Grid, index: int) -> None:
    """Write the place of slice `index` (from the feet up) of an axial grid."""
    dz, dy, dx = grid.spacing_mm
    x, y, z = grid.origin_mm
    dataset.InstanceNumber = index + 1
    dataset.ImagePositionPatient = [ds(round(v, 6)) for v in (x, y, z + index * dz)]
    dataset.ImageOrientationPatient = [ds(v) for v in (1, 0, 0, 0, 1, 0)]
    dataset.PixelSpacing = [ds(round(dy, 9)), ds(round(dx, 9))]
    dataset.SliceThickness = ds(dz)
    dataset.SliceLocation = ds(round(z + index * dz, 6))


def add_pixels(dataset: Dataset, stored: NDArray[np.int16] | NDArray[np.uint16]) -> None:
    """Write one slice of 16-bit pixels."""
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored.shape
    dataset.BitsAllocated = 16
    dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    dataset.PixelData = (
        np.ascontiguousarray(stored).astype(stored.dtype.newbyteorder("<")).tobytes()
    )


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """Return one coded concept."""
    entry = Dataset()
    entry.CodeValue = value
    entry.CodingSchemeDesignator = scheme
    entry.CodeMeaning = meaning
    return entry
