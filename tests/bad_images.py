"""Bad input B1 to B28: series of a small phantom with one thing wrong, made in code.

Each case says which reasons may be given, by their ids. Nothing here is of a person.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEGBaseline8Bit,
    MediaStorageDirectoryStorage,
    SecondaryCaptureImageStorage,
    XRayRadiationDoseSRStorage,
)

from tests import bad_bytes

GBK_NAMES = {
    "GB18030": ("GB18030", "张三^测试".encode("gb18030")),
    "GBK": ("GBK", "张三^测试".encode("gbk")),
    "IR58": ("\\ISO 2022 IR 58", b"Zhang\x1b$)A" + "张三".encode("gb2312")),
    "undeclared": ("", "张三^测试".encode("gbk")),
}
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"

# What the network entrances say of a class or a transfer syntax that they do not take.
_NOT_TAKEN = ("class_not_taken", "syntax_not_taken", "not_negotiated")
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
    return {name: bad_bytes.changed(content, change) for name, content in files.items()}


def _broken_files(ct: Files) -> list[BadCase]:
    return [
        BadCase("B1 0-byte", _one(ct, b""), ("not_dicom", "not_sent")),
        BadCase("B2 text named .dcm", _one(ct, b"This is no image.\n" * 9), ("not_dicom",)),
        BadCase("B3 no preamble", _one(ct, lambda c: c[132:]), ("not_dicom",)),
        BadCase("B4 cut in header", _one(ct, lambda c: c[:900]), ("cut_file", "not_dicom")),
        BadCase("B5 cut in pixels", _one(ct, lambda c: c[:-999]), ("cut_file",)),
        BadCase(
            "B6 no PixelData",
            _one(ct, lambda c: bad_bytes.changed(c, bad_bytes.without_pixels)),
            ("cut_file",),
        ),
        BadCase(
            "B7 PixelData too long",
            _one(ct, lambda c: bad_bytes.changed(c, bad_bytes.longer)),
            ("pixel_surplus",),
        ),
        BadCase("B8 unknown VR", _one(ct, lambda c: bad_bytes.vr(c, 0x0028, 0x0010, b"ZZ")), _VR),
        BadCase("B8 wrong VR", _one(ct, lambda c: bad_bytes.vr(c, 0x0020, 0x000E, b"LO")), _VR),
    ]


_VR = ("value_representation", "not_dicom")


def _broken_values(ct: Files, pet: Files) -> list[BadCase]:
    def tracer(change: Callable[[Dataset], None]) -> Files:
        return _all(pet, lambda d: change(d.RadiopharmaceuticalInformationSequence[0]))

    def of_pet(name: str, files: Files, *reasons: str) -> BadCase:
        return BadCase(name, files, reasons, role="reference")

    def slope(text: bytes) -> Files:
        return _one(pet, lambda c: bad_bytes.raw_value(c, 0x0028, 0x1053, text))

    no_suv = ("suv_not_computable",)
    return [
        of_pet("B9 slope NaN", slope(b"NaN "), "pixel_content"),
        of_pet("B9 slope infinite", slope(b"inf "), "pixel_content"),
        of_pet("B9 slope 0", slope(b"0 "), "pixel_content"),
        of_pet(
            "B10 intercept", _all(pet, lambda d: bad_bytes.put(d, RescaleIntercept="-5")), *no_suv
        ),
        of_pet(
            "B11 dose 0", tracer(lambda t: bad_bytes.put(t, RadionuclideTotalDose="0")), *no_suv
        ),
        of_pet(
            "B11 no dose", tracer(lambda t: bad_bytes.drop(t, "RadionuclideTotalDose")), *no_suv
        ),
        of_pet("B12 injection after scan", tracer(bad_bytes.injected_later), *no_suv),
        of_pet(
            "B13 no injection date", _all(pet, bad_bytes.past_midnight), "previous_day", *no_suv
        ),
        of_pet("B14 weight 0", _all(pet, lambda d: bad_bytes.put(d, PatientWeight="0")), *no_suv),
        of_pet(
            "B14 weight 700",
            _all(pet, lambda d: bad_bytes.put(d, PatientWeight="700")),
            "weight",
            *no_suv,
        ),
        of_pet("B14 no weight", _all(pet, lambda d: bad_bytes.drop(d, "PatientWeight")), *no_suv),
        of_pet(
            "B15 half-life",
            tracer(lambda t: bad_bytes.put(t, RadionuclideHalfLife="1223")),
            "half_life",
        ),
        of_pet("B16 counts", _all(pet, lambda d: bad_bytes.put(d, Units="CNTS")), *no_suv),
    ]


def _mixtures(ct: Files, pet: Files) -> list[BadCase]:
    other_patient = lambda d: bad_bytes.put(d, PatientID="PH-OTHER")  # noqa: E731
    other_frame = lambda d: bad_bytes.put(d, FrameOfReferenceUID="1.2.3.99")  # noqa: E731
    swap = lambda d: bad_bytes.put(d, PixelData=d.PixelData[::-1])  # noqa: E731
    return [
        BadCase("B17 two patients", _one(ct, lambda c: bad_bytes.changed(c, other_patient)), ("mixed_patient",)),
        BadCase("B18 CT and PET apart", _all(pet, other_frame), ("other_position",), role="reference", before=ct, rows=(1,)),
        BadCase("B19 two frames", _one(ct, lambda c: bad_bytes.changed(c, other_frame)), ("mixed_frame_of_reference",)),
        BadCase("B20 same UID, other bytes", {**ct, "twin.dcm": bad_bytes.changed(ct[min(ct)], swap)}, ("conflict",)),
        BadCase("B21 series of another", _all(ct, other_patient), ("identity_conflict",), of_another=pet, of_another_role="reference"),
    ]  # fmt: skip


def _bombs(ct: Files) -> list[BadCase]:
    return [
        BadCase(
            "B22 element of 4 GB",
            _one(ct, bad_bytes.promising),
            ("cut_file", "not_dicom", "too_costly"),
        ),
        BadCase("B23 deflated bomb", _one(ct, bad_bytes.deflated), ("deflated", *_NOT_TAKEN)),
        BadCase("B24 20,000 nested", _one(ct, bad_bytes.nested), ("not_dicom", "too_costly")),
        BadCase("B25 lossy JPEG", _all_lossy(ct), ("lossy", *_NOT_TAKEN)),
    ]


def _archives(ct: Files) -> list[BadCase]:
    """Zips that unpack to far more than they are, and pictures that do."""
    return [
        BadCase("R10 overlapping zip", _one(ct, bad_bytes.overlapping()), ("zipped", "not_dicom")),
        BadCase("R10 nested zip", _one(ct, bad_bytes.zipped({"a.zip": bad_bytes.zipped({"b.zip": bad_bytes.zipped({"c": bytes(1 << 20)})})})), ("zipped", "not_dicom")),
        BadCase("R10 100,000 entries", _one(ct, bad_bytes.zipped({str(k): b"" for k in range(100_000)})), ("zipped", "not_dicom")),
        BadCase("R10 65535 x 65535", _one(ct, lambda c: bad_bytes.changed(c, bad_bytes.huge)), ("pixel_content", "cut_file")),
        BadCase("R10 codestream of 65535", _one(ct, lambda c: bad_bytes.changed(c, bad_bytes.huge_stream)), ("pixel_content", "too_costly")),
        BadCase("R11 UID of a path", _one(ct, lambda c: bad_bytes.changed(c, bad_bytes.path_uid)), ("identifier", "not_dicom")),
    ]  # fmt: skip


def _kinds(ct: Files) -> list[BadCase]:
    capture, report, pdf, directory = (
        bad_bytes.plain(SecondaryCaptureImageStorage, "OT"), bad_bytes.plain(XRayRadiationDoseSRStorage, "SR"),
        bad_bytes.plain(ENCAPSULATED_PDF, "DOC"), bad_bytes.plain(MediaStorageDirectoryStorage, ""),
    )  # fmt: skip
    cases = [
        BadCase("B26 secondary capture", _one(ct, capture), ("secondary_capture", *_NOT_TAKEN)),
        BadCase("B26 dose report", _one(ct, report), ("structured_report", *_NOT_TAKEN)),
        BadCase("B26 PDF", _one(ct, pdf), ("encapsulated_document", *_NOT_TAKEN)),
        BadCase("B26 DICOMDIR", _one(ct, directory), ("dicomdir", *_NOT_TAKEN)),
        BadCase(
            "B28 synthetic",
            _all(ct, lambda d: bad_bytes.put(d, SyntheticData="YES")),
            ("synthetic",),
        ),
    ]
    for kind, (charset, name) in GBK_NAMES.items():
        files = {k: bad_bytes.named(content, charset, name) for k, content in ct.items()}
        cases.append(
            BadCase(f"B27 name in {kind}", files, (), canaries=(name, "张三".encode()), rows=(1,))
        )
    return cases


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


ANY_REASON = ("any",)


def wanted_and_given(case: BadCase, given: Sequence[str]) -> bool:
    """Whether what was said of the case is what must be said, and no fault of ours."""
    if "intake_broke" in given:
        return False
    if case.reasons == ANY_REASON:
        return bool(given)
    return not given if not case.reasons else bool(set(given) & set(case.reasons))
