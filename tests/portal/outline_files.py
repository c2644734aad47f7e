"""An RT Structure Set as a treatment planning system exports it, full of words that name people."""

from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from evaluation.imaging.outline_file import RTSTRUCT
from tests.bad_bytes import written

NAMES = ("Meyer", "Hildegard", "Dr. Weiss", "H-4711")


def structure_set(pet: Path, *names: str) -> bytes:
    """A square on three slices of the PET for each name, seen from the folder of the PET."""
    slices = sorted(
        (pydicom.dcmread(path, stop_before_pixels=True) for path in pet.iterdir()),
        key=lambda one: float(one.ImagePositionPatient[2]),
    )
    first = slices[0]
    made = Dataset()
    made.preamble = b"\0" * 128
    made.file_meta = pydicom.dataset.FileMetaDataset()
    made.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = RTSTRUCT
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = generate_uid()
    for keyword in (
        "PatientName",
        "PatientID",
        "PatientSex",
        "StudyInstanceUID",
        "StudyDate",
        "StudyTime",
    ):
        setattr(made, keyword, first.get(keyword, ""))
    made.PatientBirthDate, made.ReferringPhysicianName, made.AccessionNumber = "", "", ""
    made.StudyID, made.SeriesNumber, made.InstanceNumber = "", "1", "1"
    made.Modality, made.Manufacturer, made.SeriesInstanceUID = "RTSTRUCT", "Planner", generate_uid()
    made.OperatorsName, made.StructureSetLabel = "Meyer^Hildegard", "Meyer H-4711"
    made.StructureSetDescription = "drawn by Dr. Weiss"
    made.StructureSetDate, made.StructureSetTime = first.SeriesDate, "101500"
    made.FrameOfReferenceUID, made.PositionReferenceIndicator = first.FrameOfReferenceUID, ""
    made.ReferencedFrameOfReferenceSequence = Sequence([_frame(slices)])
    made.StructureSetROISequence = Sequence(
        _with(ROINumber=n, ReferencedFrameOfReferenceUID=first.FrameOfReferenceUID, ROIName=name,
              ROIDescription="Hildegard", ROIGenerationAlgorithm="MANUAL")
        for n, name in enumerate(names, start=1)
    )  # fmt: skip
    made.ROIContourSequence = Sequence(
        _with(ReferencedROINumber=n, ContourSequence=Sequence(_square(one, n) for one in slices[2:5]))
        for n, _ in enumerate(names, start=1)
    )  # fmt: skip
    made.RTROIObservationsSequence = Sequence(
        _with(ObservationNumber=n, ReferencedROINumber=n, RTROIInterpretedType="", ROIInterpreter="Weiss^Dr.")
        for n, _ in enumerate(names, start=1)
    )  # fmt: skip
    made.ApprovalStatus = "UNAPPROVED"
    return written(made)


def _with(**values: object) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def _frame(slices: list[Dataset]) -> Dataset:
    series = _with(SeriesInstanceUID=slices[0].SeriesInstanceUID)
    series.ContourImageSequence = Sequence(map(_reference, slices))
    study = _with(ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1",
                  ReferencedSOPInstanceUID=slices[0].StudyInstanceUID)  # fmt: skip
    study.RTReferencedSeriesSequence = Sequence([series])
    frame = _with(FrameOfReferenceUID=slices[0].FrameOfReferenceUID)
    frame.RTReferencedStudySequence = Sequence([study])
    return frame


def _reference(one: Dataset) -> Dataset:
    return _with(ReferencedSOPClassUID=one.SOPClassUID, ReferencedSOPInstanceUID=one.SOPInstanceUID)


def _square(one: Dataset, number: int) -> Dataset:
    x, y, z = (float(value) for value in one.ImagePositionPatient)
    side, left = float(one.PixelSpacing[0]), 3.0 * number
    corners = [(left, 3.0), (left + 2.9, 3.0), (left + 2.9, 6.1), (left, 6.1)]
    points = [v for c, r in corners for v in (round(x + c * side, 4), round(y + r * side, 4), z)]
    return _with(ContourImageSequence=Sequence([_reference(one)]), ContourGeometricType="CLOSED_PLANAR",
                 NumberOfContourPoints=len(corners), ContourData=points)  # fmt: skip
