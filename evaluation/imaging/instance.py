"""One DICOM file looked at with suspicion: its header, and what is wrong with it."""

import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom import Dataset
from pydicom.filereader import read_file_meta_info
from pydicom.tag import BaseTag
from pydicom.uid import UID

from evaluation.imaging.header import number, text, texts
from evaluation.imaging.kinds import kind_fault
from evaluation.imaging.pixels import Plane
from evaluation.imaging.reasons import Reason
from evaluation.imaging.stored_values import NATIVE_SYNTAXES, RLE, no_pixels

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
PET_IMAGE = "1.2.840.10008.5.1.4.1.1.128"
_SOP_CLASS_OF = {"CT": CT_IMAGE, "PT": PET_IMAGE}
MULTIFRAME = {
    "1.2.840.10008.5.1.4.1.1.2.1": "Enhanced CT",
    "1.2.840.10008.5.1.4.1.1.2.2": "Legacy Converted Enhanced CT",
    "1.2.840.10008.5.1.4.1.1.130": "Enhanced PET",
    "1.2.840.10008.5.1.4.1.1.128.1": "Legacy Converted Enhanced PET",
}
_DEFLATED, _BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
_LOSSLESS_WITH_END_MARKER = {
    "1.2.840.10008.1.2.4.57",  # JPEG lossless
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",  # JPEG-LS lossless
    "1.2.840.10008.1.2.4.90",  # JPEG 2000 lossless
    "1.2.840.10008.1.2.4.201",  # HTJ2K lossless
    "1.2.840.10008.1.2.4.202",
}
_LOSSY = {
    f"1.2.840.10008.1.2.4.{n}"
    for n in ("50", "51", "81", "91", "93", "203", "100", "101", "102", "103")
}
ACCEPTED_SYNTAXES = NATIVE_SYNTAXES | {RLE} | _LOSSLESS_WITH_END_MARKER
LARGEST_FILE_BYTES = 1 << 30
_UID = re.compile(r"[0-9.]{1,64}")  # components with a leading zero occur
_DESCRIPTIONS = ("SeriesDescription", "ImageComments", "DerivationDescription")
MARKING_KEYWORDS = ("SyntheticData", *_DESCRIPTIONS)


@dataclass(frozen=True, eq=False)
class Instance:
    """One image file: where it is, its header without pixels, its pixels after slope/intercept.

    Where values are not kept, `plane` says what they are like.
    """

    path: Path
    header: Dataset
    pixels: np.ndarray | None
    reasons: tuple[Reason, ...]
    dropped: tuple[str, ...] = ()
    plane: Plane | None = None


def drop_unreadable(header: Dataset, *only: int) -> tuple[str, ...]:
    """Remove elements whose value cannot be read, at every depth, and return their tags.

    An element is read when it is first asked for, and a broken one raises then, anywhere. After this
    none does; what was dropped counts as absent, and absent facts are refused where they are needed.
    With tags in `only`, just these elements of the root are looked at.
    """
    dropped: list[str] = []
    for tag in only or list(header.keys()):
        try:
            element = header[tag]
        except Exception:  # noqa: BLE001 - pydicom's converters raise anything
            del header[tag]
            dropped.append(str(BaseTag(tag)))
            continue
        if element.VR == "SQ":
            for nested in element.value or ():
                dropped += drop_unreadable(nested)
    return tuple(dropped)


def read_header(path: Path, *, pixels: bool = False) -> tuple[Dataset, Reason | None]:
    """Return the header of a file, or an empty one with the reason why it cannot be read."""
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            return Dataset(), Reason("too_large", f"{path.name} is larger than 1 GiB.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if _is_zip(path):
                sentence = f"{path.name} is a zip; it is not unpacked."
                return Dataset(), Reason("zipped", sentence)
            # The transfer syntax is looked at first: a deflated file of 1 MB can unpack to 1 GB.
            syntax = str(read_file_meta_info(path).get("TransferSyntaxUID", ""))
            if syntax not in ACCEPTED_SYNTAXES:
                return Dataset(), _syntax_reason(syntax, path.name)
            return pydicom.dcmread(path, stop_before_pixels=not pixels), None
    except Exception as error:  # noqa: BLE001 - hostile bytes raise anything, also RecursionError
        kind = type(error).__name__
        return Dataset(), Reason(
            "not_dicom", f"{path.name} cannot be read as a DICOM file ({kind})."
        )


def _is_zip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def _syntax_reason(syntax: str, name: str) -> Reason:
    if syntax == _DEFLATED:
        sentence = f"{name} is deflated: a small file can unpack to one of any size."
        return Reason("deflated", sentence, "(0002,0010)")
    if syntax == _BIG_ENDIAN:
        sentence = f"{name} is stored in big-endian order, which the standard has withdrawn."
        return Reason("big_endian", sentence, "(0002,0010)")
    if syntax in _LOSSY:
        return Reason(
            "lossy",
            f"{name} is compressed with loss ({UID(syntax).name}); its values cannot be measured.",
            "(0002,0010)",
        )
    known = UID(syntax).name if syntax else "none stated"
    return Reason(
        "transfer_syntax", f"{name} has a transfer syntax that is not read: {known}.", "(0002,0010)"
    )


def header_faults(header: Dataset, name: str, *, allow_synthetic: bool) -> tuple[Reason, ...]:
    """Return everything in a header that keeps its file from being an image of a series."""
    other = kind_fault(header, name)
    if other is not None:
        return (other,)
    if "PixelData" not in header and text(header, "Modality") in ("", "CT", "PT"):
        # What a cut file has lost is simply absent: naming each absent element would mislead.
        return (no_pixels(name),)
    found = [_class_fault(header, name), _uid_fault(header, name)]
    if text(header, "LossyImageCompression") == "01":
        sentence = f"{name} was once compressed with loss; its values cannot be measured."
        found.append(Reason("lossy", sentence, "(0028,2110)"))
    found += _picture_faults(header, name)
    marks = synthetic_marks(header)
    if marks and not allow_synthetic:
        sentence = f"{name} is marked as a synthetic image ({', '.join(marks)})."
        found.append(Reason("synthetic", sentence, "(0008,001C)"))
    return tuple(reason for reason in found if reason is not None)


def _class_fault(header: Dataset, name: str) -> Reason | None:
    modality, sop_class = text(header, "Modality"), text(header, "SOPClassUID")
    if sop_class in MULTIFRAME or (number(header, "NumberOfFrames") or 1) > 1:
        kind = MULTIFRAME.get(sop_class, "a multi-frame image")
        sentence = f"{name} is {kind}; only single-frame CT and PET images are read."
        return Reason("multiframe", sentence, "(0008,0016)")
    if modality not in _SOP_CLASS_OF:
        shown = modality or "missing"
        sentence = f"{name} is neither CT nor PET: its modality is {shown}."
        return Reason("modality", sentence, "(0008,0060)")
    if sop_class != _SOP_CLASS_OF[modality]:
        sentence = f"{name} says {modality} but is stored as {UID(sop_class).name or 'nothing'}."
        return Reason("sop_class", sentence, "(0008,0016)")
    return None


def _uid_fault(header: Dataset, name: str) -> Reason | None:
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
        stated = text(header, keyword)
        if stated and _UID.fullmatch(stated) is None:
            tag = str(header[keyword].tag)
            return Reason("identifier", f"{name} states a {keyword} that is none.", tag)
    return None


def _picture_faults(header: Dataset, name: str) -> list[Reason]:
    kinds = {kind.upper() for kind in texts(header, "ImageType")}
    found = []
    if "LOCALIZER" in kinds:
        sentence = f"{name} is a localizer (scout) image."
        found.append(Reason("localizer", sentence, "(0008,0008)"))
    if text(header, "BurnedInAnnotation").upper() == "YES" or "SCREEN SAVE" in kinds:
        sentence = f"{name} says that text is burned into its picture."
        found.append(Reason("burned_in", sentence, "(0028,0301)"))
    return found


def synthetic_marks(header: Dataset) -> tuple[str, ...]:
    """Return the names of the marks of a synthetic image that the header carries."""
    marks = []
    if text(header, "SyntheticData").upper() == "YES":
        marks.append("SyntheticData")
    marks += [
        keyword
        for keyword in _DESCRIPTIONS
        if re.search(r"\bsynthetic\b", text(header, keyword), re.IGNORECASE)
    ]
    if any("SYNTHETIC" in owner.upper() for owner in _private_creators(header)):
        marks.append("private block")
    return tuple(marks)


def _private_creators(header: Dataset) -> list[str]:
    tags = [t for t in header.keys() if t.is_private and 0x10 <= t.element <= 0xFF]  # noqa: SIM118
    values = [header[tag].value for tag in tags]
    return [v.decode("ascii", "replace") if isinstance(v, bytes) else str(v) for v in values]
