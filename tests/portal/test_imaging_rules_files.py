"""Files for the tests of de-identification: made ones, planted ones, and the published ones."""

import io
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian

from studyportal.imaging.rules.confidentiality import table_by_tag
from studyportal.imaging.rules.pseudonym import DeidentificationKey, PseudonymContext

DATA = Path(
    os.environ.get("STUDYPORTAL_REAL_DATA")
    or Path(__file__).resolve().parents[2].parent / "shared" / "data"
)
KEY = DeidentificationKey(bytes(range(32)))
CONTEXT = PseudonymContext.of_participant(participant_code="SH01-0007", site_code="SH01", key=KEY)
PET_CLASS = "1.2.840.10008.5.1.4.1.1.128"
CANARY = "Xq7Zkanary"
MAKERS = {
    0x0009: "GEMS_PETD_01", 0x7053: "Philips PET Private Group", 0x0029: "SIEMENS CSA HEADER",
}  # fmt: skip
DCIODVFY = Path("/usr/bin/dciodvfy")


def real_file(*parts: str) -> Path:
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the published data are not here: {'/'.join(parts)}")
    return path


def read(path: Path | io.BytesIO) -> Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(path)


def written(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def every_element(dataset: Dataset) -> Iterator[DataElement]:
    for element in dataset:
        yield element
        if element.VR == "SQ":
            for part in element.value:
                yield from every_element(part)


def raw_add(dataset: Dataset, tag: int, vr: str, value: object) -> None:
    """Plant an element without pydicom's own checks, as a careless sender would."""
    dataset[tag] = DataElement(Tag(tag), vr, value, already_converted=True)


def pet_slice() -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4.5"
    dataset.SOPClassUID = PET_CLASS
    dataset.SOPInstanceUID = "1.2.3.4.5"
    dataset.Modality = "PT"
    dataset.Manufacturer = "GE MEDICAL SYSTEMS"
    dataset.PatientName = "Meyer^Hildegard"
    dataset.PatientID = "H-4711-88"
    dataset.PatientBirthDate = "19480203"
    dataset.PatientSex = "F"
    dataset.PatientAge = "075Y"
    dataset.PatientWeight = "71.5"
    dataset.SeriesDate = "20240101"
    dataset.SeriesTime = "000512.250000"
    dataset.AcquisitionDate = "20240101"
    dataset.AcquisitionTime = "000512"
    injected = Dataset()
    injected.Radiopharmaceutical = "FDG -- fluorodeoxyglucose"
    injected.RadiopharmaceuticalStartDateTime = "20231231230512.00"
    injected.RadionuclideTotalDose = "370000000"
    dataset.RadiopharmaceuticalInformationSequence = Sequence([injected])
    dataset.Rows = dataset.Columns = 4
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.SamplesPerPixel = 1
    dataset.PixelRepresentation = 0
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelData = np.arange(16, dtype="<u2").tobytes()
    return dataset


PLANTED = {
    "DA": "19480203", "TM": "031415.926535", "DT": "19480203031415", "AS": "093Y", "IS": "4711",
    "DS": "47.11", "UI": "1.2.826.0.1.4711", "OB": CANARY.encode(), "OW": CANARY.encode(),
    "UN": CANARY.encode(), "US": 4711, "AE": CANARY, "CS": CANARY.upper(), "UR": f"http://{CANARY}/",
}  # fmt: skip


def planted_element(tag: int) -> DataElement:
    """An element of this tag whose value gives itself away."""
    vr = dictionary_VR(tag) if keyword_for_tag(tag) else "LO"
    if vr == "SQ":
        inside = Dataset()
        inside.PatientComments = CANARY
        inside.InstitutionName = CANARY
        return DataElement(Tag(tag), "SQ", Sequence([inside]))
    if vr == "PN":
        return DataElement(Tag(tag), vr, f"{CANARY}^Anna")
    return DataElement(Tag(tag), vr, PLANTED.get(vr, CANARY), already_converted=True)


def planted(sop_class: str = PET_CLASS) -> Dataset:
    """Every table attribute at the root and again inside a sequence the table does not name.

    Beside them the private blocks of three makers, at both levels.
    """
    dataset = pet_slice()
    dataset.SOPClassUID = sop_class
    nested = Dataset()
    for tag in table_by_tag():
        if tag in dataset or Tag(tag).group in {0, 2}:
            continue
        dataset[tag] = planted_element(tag)
        nested[tag] = planted_element(tag)
    for tag in (0x00100010, 0x00100020, 0x00080018):
        nested[tag] = planted_element(tag)
    for level in (dataset, nested):
        for group, creator in MAKERS.items():
            block = level.private_block(group, creator, create=True)
            for element in (0x01, 0x02, 0x10, 0xA0):
                block.add_new(element, "LO", CANARY)
    dataset.EnergyWindowRangeSequence = Sequence([nested])
    return dataset
