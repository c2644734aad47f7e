"""One DICOM file read with suspicion: its header, its stored pixels, and what is wrong with it."""

import math
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom import Dataset
from pydicom.encaps import generate_frames
from pydicom.filereader import read_file_meta_info
from pydicom.uid import UID

from evaluation.imaging.header import number, text, texts
from evaluation.imaging.kinds import kind_fault
from evaluation.imaging.reasons import Reason
from evaluation.imaging.representation import representation_fault

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
PET_IMAGE = "1.2.840.10008.5.1.4.1.1.128"
_SOP_CLASS_OF = {"CT": CT_IMAGE, "PT": PET_IMAGE}
MULTIFRAME = {
    "1.2.840.10008.5.1.4.1.1.2.1": "Enhanced CT",
    "1.2.840.10008.5.1.4.1.1.2.2": "Legacy Converted Enhanced CT",
    "1.2.840.10008.5.1.4.1.1.130": "Enhanced PET",
    "1.2.840.10008.5.1.4.1.1.128.1": "Legacy Converted Enhanced PET",
}
NATIVE_SYNTAXES = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"}
_DEFLATED, _BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
_RLE = "1.2.840.10008.1.2.5"
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
ACCEPTED_SYNTAXES = NATIVE_SYNTAXES | {_RLE} | _LOSSLESS_WITH_END_MARKER
LARGEST_FILE_BYTES = 1 << 30
LARGEST_SIDE = 4096  # pixels; a slice of CT or PET has at most 2048
_UID = re.compile(r"[0-9.]{1,64}")  # components with a leading zero occur
_END_MARKER = b"\xff\xd9"
_DESCRIPTIONS = ("SeriesDescription", "ImageComments", "DerivationDescription")
MARKING_KEYWORDS = ("SyntheticData", *_DESCRIPTIONS)


@dataclass(frozen=True, eq=False)
class Instance:
    """One image file: where it is, its header without pixels, its pixels after slope/intercept."""

    path: Path
    header: Dataset
    pixels: np.ndarray | None
    reasons: tuple[Reason, ...]
    dropped: tuple[str, ...] = ()


def read_instance(path: Path, *, allow_synthetic: bool = False) -> Instance:
    """Read one file completely and list every fault of it; never raises for what the file holds.

    Parameters
    ----------
    path
        A DICOM file (with preamble) of a CT or PET image.
    allow_synthetic
        Accept a file that carries one of the marks of a synthetic image.
    """
    header, unreadable = read_header(path, pixels=True)
    if unreadable is not None:
        return Instance(path, header, None, (unreadable,))
    with warnings.catch_warnings():
        # pydicom warns about values too long for their VR; each value used here is checked anyway.
        warnings.simplefilter("ignore")
        wrong = representation_fault(header, path.name)
        dropped = drop_unreadable(header)
        reasons = _header_faults(header, path.name, allow_synthetic=allow_synthetic)
        if wrong is not None:
            reasons = (wrong, *reasons)
        pixels, pixel_reasons = (None, ()) if reasons else _pixels(header, path.name)
    if "PixelData" in header:
        del header.PixelData
    return Instance(path, header, pixels, reasons + pixel_reasons, dropped)


def drop_unreadable(header: Dataset) -> tuple[str, ...]:
    """Remove elements whose value cannot be read, at every depth, and return their tags.

    An element is read when it is first asked for, and a broken one raises then, anywhere. After this
    none does; what was dropped counts as absent, and absent facts are refused where they are needed.
    """
    dropped: list[str] = []
    for tag in list(header.keys()):
        try:
            element = header[tag]
        except Exception:  # noqa: BLE001 - pydicom's converters raise anything
            del header[tag]
            dropped.append(str(tag))
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


def _header_faults(header: Dataset, name: str, *, allow_synthetic: bool) -> tuple[Reason, ...]:
    other = kind_fault(header, name)
    if other is not None:
        return (other,)
    if "PixelData" not in header and text(header, "Modality") in ("", "CT", "PT"):
        # What a cut file has lost is simply absent: naming each absent element would mislead.
        return (_no_pixels(name),)
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


def _pixels(header: Dataset, name: str) -> tuple[np.ndarray | None, tuple[Reason, ...]]:
    fault = _pixel_fault(header, name)
    if fault is not None:
        return None, (fault,)
    slope, intercept = number(header, "RescaleSlope"), number(header, "RescaleIntercept")
    if slope is None or intercept is None:
        sentence = f"{name} states no rescale slope and intercept."
        return None, (Reason("rescale", sentence, "(0028,1053)"),)
    if not (math.isfinite(slope) and math.isfinite(intercept)) or slope == 0:
        sentence = f"{name} has a rescale slope or intercept that is no usable number."
        return None, (Reason("pixel_content", sentence, "(0028,1053)"),)
    try:
        stored = header.pixel_array
    except Exception as error:  # noqa: BLE001 - decoders raise anything on broken streams
        sentence = f"The pixels of {name} cannot be decoded ({type(error).__name__})."
        return None, (Reason("pixel_content", sentence, "(7FE0,0010)"),)
    return _rescaled(stored, slope, intercept, name)


def _rescaled(
    stored: np.ndarray, slope: float, intercept: float, name: str
) -> tuple[np.ndarray | None, tuple[Reason, ...]]:
    # Slope in float64 per slice first: an integer first slope must not truncate later ones.
    values = (stored.astype(np.float64) * slope + intercept).astype(np.float32)
    if values.ndim != 2 or not np.isfinite(values).all():
        sentence = f"{name} holds values that are no finite numbers."
        return None, (Reason("pixel_content", sentence, "(7FE0,0010)"),)
    return values, ()


def _no_pixels(name: str) -> Reason:
    return Reason("cut_file", f"{name} holds no pixels; the file seems cut.", "(7FE0,0010)")


def _pixel_fault(header: Dataset, name: str) -> Reason | None:
    rows, columns = number(header, "Rows"), number(header, "Columns")
    bits, samples = number(header, "BitsAllocated"), number(header, "SamplesPerPixel")
    if not rows or not columns or bits not in (8, 16, 32) or samples != 1:
        return Reason("pixel_content", f"{name} does not describe a grey-scale image.")
    if max(rows, columns) > LARGEST_SIDE:
        sentence = f"{name} states a picture larger than any scanner makes."
        return Reason("pixel_content", sentence, "(0028,0010)")
    held = header.get("PixelData")
    if not isinstance(held, bytes) or not held:
        return _no_pixels(name)
    syntax = str(header.file_meta.TransferSyntaxUID)
    if syntax in NATIVE_SYNTAXES:
        expected = int(rows * columns * bits) // 8
        if len(held) < expected:
            sentence = f"{name} is cut: {len(held)} of {expected} bytes of pixels are there."
            return Reason("cut_file", sentence, "(7FE0,0010)")
        if len(held) > expected + expected % 2:  # values have an even length
            sentence = f"{name} holds {len(held) - expected} bytes after its last pixel."
            return Reason("pixel_surplus", sentence, "(7FE0,0010)")
        return None
    return _compressed_fault(held, syntax, name)


def _compressed_fault(held: bytes, syntax: str, name: str) -> Reason | None:
    try:
        frame = b"".join(generate_frames(held, number_of_frames=1))
    except Exception:  # noqa: BLE001 - any broken encapsulation is the same fault
        frame = b""
    # Decoders fill the rest of a cut stream with zeros without a word; the end marker tells.
    complete = frame and (syntax == _RLE or frame.rstrip(b"\0").endswith(_END_MARKER))
    if complete:
        return None
    return Reason("cut_file", f"{name} is cut: its compressed pixels end early.", "(7FE0,0010)")
