"""Bytes of DICOM files that are wrong on purpose, made from good ones."""

import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
)

CANARY = "ZHANGSAN"  # stands for a name in texts that are no names of DICOM
_PREAMBLE = b"\0" * 128 + b"DICM"


def changed(content: bytes, change: Callable[[Dataset], None]) -> bytes:
    """The file after a change of its dataset."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that are wrong on purpose
        dataset = pydicom.dcmread(BytesIO(content))
        change(dataset)
        return written(dataset)


def few_slices(folder: Path, chosen: slice) -> dict[str, bytes]:
    """Some slices of a series by their names; a PET states how many it has, so it states these."""
    few = sorted(folder.iterdir())[chosen]

    def stating(dataset: Dataset) -> None:
        if dataset.Modality == "PT":
            dataset.NumberOfSlices = len(few)

    return {path.name: changed(path.read_bytes(), stating) for path in few}


def written(dataset: Dataset) -> bytes:
    """The dataset as a file, whatever values it holds."""
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, dataset)
    return buffer.getvalue()


def zipped(entries: Mapping[str, bytes]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def overlapping() -> bytes:
    """One kernel of zeros that a thousand entries share: 10 GB by its table of contents."""
    kernel = zipped({"0": bytes(10 << 20)})
    end = kernel.rindex(b"PK\x01\x02")
    entry, tail = kernel[end : kernel.rindex(b"PK\x05\x06")], kernel[-22:]
    table = entry * 1000
    closing = tail[:8] + struct.pack("<HHII", 1000, 1000, len(table), end) + tail[20:]
    return kernel[:end] + table + closing


def huge(dataset: Dataset) -> None:
    dataset.Rows = dataset.Columns = 65535


def huge_stream(dataset: Dataset) -> None:
    """JPEG 2000 whose own header states a picture of 65535 x 65535, whatever the image says."""
    dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
    stream = bytearray(dataset.PixelData)
    at = stream.index(b"\xff\x51") + 6
    for place in (at, at + 4, at + 16, at + 20):  # the picture and its tile
        stream[place : place + 4] = struct.pack(">I", 65535)
    dataset.PixelData = bytes(stream)


def path_uid(dataset: Dataset) -> None:
    dataset.SOPInstanceUID = "../../x"


def put(dataset: Dataset, **values: object) -> None:
    for keyword, value in values.items():
        setattr(dataset, keyword, value)


def drop(dataset: Dataset, keyword: str) -> None:
    delattr(dataset, keyword)


def without_pixels(dataset: Dataset) -> None:
    del dataset.PixelData


def longer(dataset: Dataset) -> None:
    dataset.PixelData += b"\1" * 512


def injected_later(tracer: Dataset) -> None:
    tracer.RadiopharmaceuticalStartTime = "235900"
    tracer.RadiopharmaceuticalStartDateTime = tracer.RadiopharmaceuticalStartDateTime[:8] + "235900"


def past_midnight(dataset: Dataset) -> None:
    tracer = dataset.RadiopharmaceuticalInformationSequence[0]
    del tracer.RadiopharmaceuticalStartDateTime
    tracer.RadiopharmaceuticalStartTime = "231500"
    dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = "001500"


def tag_bytes(group: int, element: int) -> bytes:
    return struct.pack("<HH", group, element)


def vr(content: bytes, group: int, element: int, vr: bytes) -> bytes:
    at = content.rindex(tag_bytes(group, element), 0, content.index(tag_bytes(0x7FE0, 0x0010)))
    return content[: at + 4] + vr + content[at + 6 :]


def raw_value(content: bytes, group: int, element: int, value: bytes) -> bytes:
    at = content.index(tag_bytes(group, element))
    (length,) = struct.unpack("<H", content[at + 6 : at + 8])
    return content[: at + 6] + struct.pack("<H", len(value)) + value + content[at + 8 + length :]


def promising(content: bytes) -> bytes:
    """An element that declares 4 GB and holds three bytes, in front of the pixels."""
    at = content.index(tag_bytes(0x7FE0, 0x0010))
    return (
        content[:at]
        + tag_bytes(0x0029, 0x1010)
        + b"OB\0\0"
        + struct.pack("<I", 0xFFFFFFFE)
        + b"abc"
    )


def meta_with(syntax: str, sop_class: str) -> bytes:
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(sop_class), UID("1.2.3.7.8")
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID = UID("1.2.3.7")
    buffer = BytesIO()
    pydicom.filewriter.write_file_meta_info(buffer, meta)
    return _PREAMBLE + buffer.getvalue()


def deflated(content: bytes) -> bytes:
    """One megabyte that unpacks to a gigabyte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = tag_bytes(0x7FE0, 0x0010) + b"OB\0\0" + struct.pack("<I", 1 << 30)
    body = packer.compress(head)
    zeros = bytes(1 << 24)
    for _ in range(64):
        body += packer.compress(zeros)
    body += packer.flush()
    return meta_with(DeflatedExplicitVRLittleEndian, class_of(content)) + body


def class_of(content: bytes) -> str:
    return str(pydicom.dcmread(BytesIO(content), stop_before_pixels=True).SOPClassUID)


def nested(content: bytes) -> bytes:
    """20,000 sequences inside one another."""
    at = content.index(tag_bytes(0x0008, 0x0060))
    opening = (
        tag_bytes(0x0008, 0x1140)
        + b"SQ\0\0"
        + b"\xff" * 4
        + tag_bytes(0xFFFE, 0xE000)
        + b"\xff" * 4
    )
    return content[:at] + opening * 20_000 + content[at:]


def plain(sop_class: str, modality: str) -> bytes:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = UID(sop_class), UID("1.2.3.7.8")
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.7", "1.2.3.7.1"
    dataset.PatientID, dataset.PatientName = "PH000003", f"{CANARY}^REPORT"
    if modality:
        dataset.Modality = modality
    buffer = BytesIO()
    pydicom.dcmwrite(
        buffer, dataset, implicit_vr=False, little_endian=True, enforce_file_format=False
    )
    return meta_with(ExplicitVRLittleEndian, sop_class) + buffer.getvalue()


def named(content: bytes, charset: str, name: bytes) -> bytes:
    """The file with this name as bytes, and this or no character set declared."""
    padded = name + b" " * (len(name) % 2)

    def declare(dataset: Dataset) -> None:
        if charset:
            dataset.SpecificCharacterSet = charset.split("\\")
        elif "SpecificCharacterSet" in dataset:
            del dataset.SpecificCharacterSet
        dataset.PatientName = "X"

    return raw_value(changed(content, declare), 0x0010, 0x0010, padded)
