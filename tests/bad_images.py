"""Bad input B1 to B28: series of a small phantom with one thing wrong, made in code.

Each case says which reasons may be given, by their ids. Nothing here is of a person.
"""

import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    MediaStorageDirectoryStorage,
    SecondaryCaptureImageStorage,
    XRayRadiationDoseSRStorage,
)

CANARY = "ZHANGSAN"  # stands for a name in texts that are no names of DICOM
GBK_NAMES = {
    "GB18030": ("GB18030", "张三^测试".encode("gb18030")),
    "GBK": ("GBK", "张三^测试".encode("gbk")),
    "IR58": ("\\ISO 2022 IR 58", b"Zhang\x1b$)A" + "张三".encode("gb2312")),
    "undeclared": ("", "张三^测试".encode("gbk")),
}
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
# What the network entrances say of a class or a transfer syntax that they do not take.
_NOT_TAKEN = ("class_not_taken", "syntax_not_taken", "not_negotiated")
_PREAMBLE = b"\0" * 128 + b"DICM"
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class BadCase:
    """Files that are sent as one series, and what must be said of them.

    `reasons` are the ids of findings, or what a network entrance says, of which one must be given; empty where the files are good. `before` is sent for
    the same participant first and is good; `of_another` is sent for another one first. `rows` is how many
    series may lie in the archive afterwards because of these files.
    """

    name: str
    files: Files
    reasons: tuple[str, ...]
    role: str = "source"
    before: Files = field(default_factory=dict)
    before_role: str = "source"
    of_another: Files = field(default_factory=dict)
    of_another_role: str = "source"
    canaries: tuple[bytes, ...] = ()
    rows: tuple[int, ...] = (0,)


def changed(content: bytes, change: Callable[[Dataset], None]) -> bytes:
    """The file after a change of its dataset."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that are wrong on purpose
        dataset = pydicom.dcmread(BytesIO(content))
        change(dataset)
        return written(dataset)


def written(dataset: Dataset) -> bytes:
    """The dataset as a file, whatever values it holds."""
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, dataset)
    return buffer.getvalue()


def bad_cases(ct: Files, pet: Files) -> list[BadCase]:
    """Every case of the corpus, out of a good CT and a good PET of one examination."""
    return [
        *_broken_files(ct),
        *_broken_values(ct, pet),
        *_mixtures(ct, pet),
        *_bombs(ct),
        *_archives(ct),
        *_kinds(ct),
    ]


def _one(files: Files, content: bytes | Callable[[bytes], bytes]) -> Files:
    """The series in which the file in the middle is another."""
    middle = sorted(files)[len(files) // 2]
    return {**files, middle: content if isinstance(content, bytes) else content(files[middle])}


def _all(files: Files, change: Callable[[Dataset], None]) -> Files:
    return {name: changed(content, change) for name, content in files.items()}


def _broken_files(ct: Files) -> list[BadCase]:
    return [
        BadCase("B1 0-byte", _one(ct, b""), ("not_dicom", "not_sent")),
        BadCase("B2 text named .dcm", _one(ct, b"This is no image.\n" * 9), ("not_dicom",)),
        BadCase("B3 no preamble", _one(ct, lambda c: c[132:]), ("not_dicom",)),
        BadCase("B4 cut in header", _one(ct, lambda c: c[:900]), ("cut_file", "not_dicom")),
        BadCase("B5 cut in pixels", _one(ct, lambda c: c[:-999]), ("cut_file",)),
        BadCase("B6 no PixelData", _one(ct, lambda c: changed(c, _without_pixels)), ("cut_file",)),
        BadCase(
            "B7 PixelData too long", _one(ct, lambda c: changed(c, _longer)), ("pixel_surplus",)
        ),
        BadCase("B8 unknown VR", _one(ct, lambda c: _vr(c, 0x0028, 0x0010, b"ZZ")), _VR),
        BadCase("B8 wrong VR", _one(ct, lambda c: _vr(c, 0x0020, 0x000E, b"LO")), _VR),
    ]


_VR = ("value_representation", "not_dicom")


def _broken_values(ct: Files, pet: Files) -> list[BadCase]:
    def tracer(change: Callable[[Dataset], None]) -> Files:
        return _all(pet, lambda d: change(d.RadiopharmaceuticalInformationSequence[0]))

    def of_pet(name: str, files: Files, *reasons: str) -> BadCase:
        return BadCase(name, files, reasons, role="reference")

    def slope(text: bytes) -> Files:
        return _one(pet, lambda c: _raw_value(c, 0x0028, 0x1053, text))

    no_suv = ("suv_not_computable",)
    return [
        of_pet("B9 slope NaN", slope(b"NaN "), "pixel_content"),
        of_pet("B9 slope infinite", slope(b"inf "), "pixel_content"),
        of_pet("B9 slope 0", slope(b"0 "), "pixel_content"),
        of_pet("B10 intercept", _all(pet, lambda d: _set(d, RescaleIntercept="-5")), *no_suv),
        of_pet("B11 dose 0", tracer(lambda t: _set(t, RadionuclideTotalDose="0")), *no_suv),
        of_pet("B11 no dose", tracer(lambda t: _drop(t, "RadionuclideTotalDose")), *no_suv),
        of_pet("B12 injection after scan", tracer(_injected_later), *no_suv),
        of_pet("B13 no injection date", _all(pet, _past_midnight), "previous_day", *no_suv),
        of_pet("B14 weight 0", _all(pet, lambda d: _set(d, PatientWeight="0")), *no_suv),
        of_pet(
            "B14 weight 700", _all(pet, lambda d: _set(d, PatientWeight="700")), "weight", *no_suv
        ),
        of_pet("B14 no weight", _all(pet, lambda d: _drop(d, "PatientWeight")), *no_suv),
        of_pet(
            "B15 half-life", tracer(lambda t: _set(t, RadionuclideHalfLife="1223")), "half_life"
        ),
        of_pet("B16 counts", _all(pet, lambda d: _set(d, Units="CNTS")), *no_suv),
    ]


def _mixtures(ct: Files, pet: Files) -> list[BadCase]:
    other_patient = lambda d: _set(d, PatientID="PH-OTHER")  # noqa: E731
    other_frame = lambda d: _set(d, FrameOfReferenceUID="1.2.3.99")  # noqa: E731
    swap = lambda d: _set(d, PixelData=d.PixelData[::-1])  # noqa: E731
    return [
        BadCase("B17 two patients", _one(ct, lambda c: changed(c, other_patient)), ("mixed_patient",)),
        BadCase("B18 CT and PET apart", _all(pet, other_frame), ("other_position",), role="reference", before=ct, rows=(1,)),
        BadCase("B19 two frames", _one(ct, lambda c: changed(c, other_frame)), ("mixed_frame_of_reference",)),
        BadCase("B20 same UID, other bytes", {**ct, "twin.dcm": changed(ct[min(ct)], swap)}, ("conflict",), rows=(0, 1)),
        BadCase("B21 series of another", _all(ct, other_patient), ("identity_conflict",), of_another=pet, of_another_role="reference"),
    ]  # fmt: skip


def _bombs(ct: Files) -> list[BadCase]:
    return [
        BadCase(
            "B22 element of 4 GB", _one(ct, _promising), ("cut_file", "not_dicom", "too_costly")
        ),
        BadCase("B23 deflated bomb", _one(ct, _deflated), ("deflated", *_NOT_TAKEN)),
        BadCase("B24 20,000 nested", _one(ct, _nested), ("not_dicom", "too_costly")),
        BadCase("B25 lossy JPEG", _all_lossy(ct), ("lossy", *_NOT_TAKEN)),
    ]


def _archives(ct: Files) -> list[BadCase]:
    """Zips that unpack to far more than they are, and pictures that do."""
    return [
        BadCase("R10 overlapping zip", _one(ct, _overlapping()), ("zipped", "not_dicom")),
        BadCase("R10 nested zip", _one(ct, _zip({"a.zip": _zip({"b.zip": _zip({"c": bytes(1 << 20)})})})), ("zipped", "not_dicom")),
        BadCase("R10 100,000 entries", _one(ct, _zip({str(k): b"" for k in range(100_000)})), ("zipped", "not_dicom")),
        BadCase("R10 65535 x 65535", _one(ct, lambda c: changed(c, _huge)), ("pixel_content", "cut_file")),
        BadCase("R10 codestream of 65535", _one(ct, lambda c: changed(c, _huge_stream)), ("pixel_content", "too_costly")),
        BadCase("R11 UID of a path", _one(ct, lambda c: changed(c, _path_uid)), ("identifier", "not_dicom")),
    ]  # fmt: skip


def _zip(entries: Mapping[str, bytes]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _overlapping() -> bytes:
    """One kernel of zeros that a thousand entries share: 10 GB by its table of contents."""
    kernel = _zip({"0": bytes(10 << 20)})
    end = kernel.rindex(b"PK\x01\x02")
    entry, tail = kernel[end : kernel.rindex(b"PK\x05\x06")], kernel[-22:]
    table = entry * 1000
    closing = tail[:8] + struct.pack("<HHII", 1000, 1000, len(table), end) + tail[20:]
    return kernel[:end] + table + closing


def _huge(dataset: Dataset) -> None:
    dataset.Rows = dataset.Columns = 65535


def _huge_stream(dataset: Dataset) -> None:
    """JPEG 2000 whose own header states a picture of 65535 x 65535, whatever the image says."""
    dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
    stream = bytearray(dataset.PixelData)
    at = stream.index(b"\xff\x51") + 6
    for place in (at, at + 4, at + 16, at + 20):  # the picture and its tile
        stream[place : place + 4] = struct.pack(">I", 65535)
    dataset.PixelData = bytes(stream)


def _path_uid(dataset: Dataset) -> None:
    dataset.SOPInstanceUID = "../../x"


def _kinds(ct: Files) -> list[BadCase]:
    capture, report, pdf, directory = (
        _plain(SecondaryCaptureImageStorage, "OT"), _plain(XRayRadiationDoseSRStorage, "SR"),
        _plain(ENCAPSULATED_PDF, "DOC"), _plain(MediaStorageDirectoryStorage, ""),
    )  # fmt: skip
    cases = [
        BadCase("B26 secondary capture", _one(ct, capture), ("secondary_capture", *_NOT_TAKEN)),
        BadCase("B26 dose report", _one(ct, report), ("structured_report", *_NOT_TAKEN)),
        BadCase("B26 PDF", _one(ct, pdf), ("encapsulated_document", *_NOT_TAKEN)),
        BadCase("B26 DICOMDIR", _one(ct, directory), ("dicomdir", *_NOT_TAKEN)),
        BadCase("B28 synthetic", _all(ct, lambda d: _set(d, SyntheticData="YES")), ("synthetic",)),
    ]
    for kind, (charset, name) in GBK_NAMES.items():
        files = {k: _named(content, charset, name) for k, content in ct.items()}
        cases.append(
            BadCase(f"B27 name in {kind}", files, (), canaries=(name, "张三".encode()), rows=(1,))
        )
    return cases


def _set(dataset: Dataset, **values: object) -> None:
    for keyword, value in values.items():
        setattr(dataset, keyword, value)


def _drop(dataset: Dataset, keyword: str) -> None:
    delattr(dataset, keyword)


def _without_pixels(dataset: Dataset) -> None:
    del dataset.PixelData


def _longer(dataset: Dataset) -> None:
    dataset.PixelData += b"\1" * 512


def _injected_later(tracer: Dataset) -> None:
    tracer.RadiopharmaceuticalStartTime = "235900"
    tracer.RadiopharmaceuticalStartDateTime = tracer.RadiopharmaceuticalStartDateTime[:8] + "235900"


def _past_midnight(dataset: Dataset) -> None:
    tracer = dataset.RadiopharmaceuticalInformationSequence[0]
    del tracer.RadiopharmaceuticalStartDateTime
    tracer.RadiopharmaceuticalStartTime = "231500"
    dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = "001500"


def _element(group: int, element: int) -> bytes:
    return struct.pack("<HH", group, element)


def _vr(content: bytes, group: int, element: int, vr: bytes) -> bytes:
    at = content.rindex(_element(group, element), 0, content.index(_element(0x7FE0, 0x0010)))
    return content[: at + 4] + vr + content[at + 6 :]


def _raw_value(content: bytes, group: int, element: int, value: bytes) -> bytes:
    at = content.index(_element(group, element))
    (length,) = struct.unpack("<H", content[at + 6 : at + 8])
    return content[: at + 6] + struct.pack("<H", len(value)) + value + content[at + 8 + length :]


def _promising(content: bytes) -> bytes:
    """An element that declares 4 GB and holds three bytes, in front of the pixels."""
    at = content.index(_element(0x7FE0, 0x0010))
    return (
        content[:at] + _element(0x0029, 0x1010) + b"OB\0\0" + struct.pack("<I", 0xFFFFFFFE) + b"abc"
    )


def _meta_with(syntax: str, sop_class: str) -> bytes:
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(sop_class), UID("1.2.3.7.8")
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID = UID("1.2.3.7")
    buffer = BytesIO()
    pydicom.filewriter.write_file_meta_info(buffer, meta)
    return _PREAMBLE + buffer.getvalue()


def _deflated(content: bytes) -> bytes:
    """One megabyte that unpacks to a gigabyte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = _element(0x7FE0, 0x0010) + b"OB\0\0" + struct.pack("<I", 1 << 30)
    body = packer.compress(head)
    zeros = bytes(1 << 24)
    for _ in range(64):
        body += packer.compress(zeros)
    body += packer.flush()
    return _meta_with(DeflatedExplicitVRLittleEndian, _class_of(content)) + body


def _class_of(content: bytes) -> str:
    return str(pydicom.dcmread(BytesIO(content), stop_before_pixels=True).SOPClassUID)


def _nested(content: bytes) -> bytes:
    """20,000 sequences inside one another."""
    at = content.index(_element(0x0008, 0x0060))
    opening = (
        _element(0x0008, 0x1140) + b"SQ\0\0" + b"\xff" * 4 + _element(0xFFFE, 0xE000) + b"\xff" * 4
    )
    return content[:at] + opening * 20_000 + content[at:]


def _all_lossy(files: Files) -> Files:
    def change(dataset: Dataset) -> None:
        grey = (dataset.pixel_array.astype(np.float32) / 16).clip(0, 255).astype(np.uint8)
        buffer = BytesIO()
        Image.fromarray(grey).save(buffer, "JPEG", quality=70)
        dataset.PixelData = encapsulate([buffer.getvalue()])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
        dataset.PixelRepresentation = 0
        dataset.LossyImageCompression = "01"
        dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit

    return _all(files, change)


def _plain(sop_class: str, modality: str) -> bytes:
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
    return _meta_with(ExplicitVRLittleEndian, sop_class) + buffer.getvalue()


def _named(content: bytes, charset: str, name: bytes) -> bytes:
    """The file with this name as bytes, and this or no character set declared."""
    padded = name + b" " * (len(name) % 2)

    def declare(dataset: Dataset) -> None:
        if charset:
            dataset.SpecificCharacterSet = charset.split("\\")
        elif "SpecificCharacterSet" in dataset:
            del dataset.SpecificCharacterSet
        dataset.PatientName = "X"

    return _raw_value(changed(content, declare), 0x0010, 0x0010, padded)


ANY_REASON = ("any",)


def wanted_and_given(case: BadCase, given: Sequence[str]) -> bool:
    """Whether what was said of the case is what must be said, and no fault of ours."""
    if "intake_broke" in given:
        return False
    if case.reasons == ANY_REASON:
        return bool(given)
    return not given if not case.reasons else bool(set(given) & set(case.reasons))
