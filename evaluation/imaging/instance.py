"""One DICOM file read with suspicion: its header, its stored pixels, and what is wrong with it."""

import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pydicom
from pydicom import Dataset
from pydicom.filereader import read_file_meta_info
from pydicom.tag import BaseTag
from pydicom.uid import UID

from evaluation.imaging.header import number, text, texts
from evaluation.imaging.kinds import kind_fault
from evaluation.imaging.pieces import PIXEL_DATA, Pieces, cut
from evaluation.imaging.pixels import Plane, plane_of
from evaluation.imaging.reasons import Reason
from evaluation.imaging.representation import representation_fault
from evaluation.imaging.shared_header import HeaderReader, read_piece
from evaluation.imaging.stored_values import NATIVE_SYNTAXES, RLE, no_pixels, values_of

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
_LONGEST_HEADER = 1 << 16  # of those that are read in one go; longer ones exist
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


def read_instance(path: Path, *, allow_synthetic: bool = False) -> Instance:
    """Read one file completely and list every fault of it; never raises for what the file holds.

    Parameters
    ----------
    path
        A DICOM file (with preamble) of a CT or PET image.
    allow_synthetic
        Accept a file that carries one of the marks of a synthetic image.
    """
    return InstanceReader(allow_synthetic=allow_synthetic).read(path)


class InstanceReader:
    """Reads the files of a series one after the other; what a header shares with the one before is read once.

    Parameters
    ----------
    allow_synthetic
        Accept files that carry one of the marks of a synthetic image.
    values
        Whether the values are kept, or only what they are like, or whether they are not looked at.
    """

    def __init__(
        self,
        *,
        allow_synthetic: bool = False,
        values: Literal["kept", "measured", "unread"] = "kept",
    ) -> None:
        self._allow_synthetic = allow_synthetic
        self._values = values
        self._headers = HeaderReader()
        self._dropped: dict[BaseTag, tuple[str, ...]] = {}  # of the file before, by root element
        self._former: Pieces | None = None

    def read(self, path: Path) -> Instance:
        """Read one file completely and list every fault of it; never raises for what the file holds."""
        content = content_of(path)
        return self.read_content(path, content, self.cut(content))

    def cut(self, content: bytes) -> Pieces | None:
        """Return the bytes of a file cut into its elements; None where its layout is not the standard's."""
        pieces = cut(content, like=self._former)
        self._former = pieces or self._former
        return pieces

    def read_content(self, path: Path, content: bytes, pieces: Pieces | None) -> Instance:
        """Read a file whose bytes are at hand, cut by `cut`; `path` says where it is."""
        with warnings.catch_warnings():
            # pydicom warns about values too long for their VR; each value used here is checked anyway.
            warnings.simplefilter("ignore")
            if pieces is None or pieces.transfer_syntax not in ACCEPTED_SYNTAXES:
                return self._read_generally(path)
            return self._read_pieces(path, content, pieces)

    def _read_generally(self, path: Path) -> Instance:
        header, unreadable = read_header(path, pixels=True)
        if unreadable is not None:
            return Instance(path, header, None, (unreadable,))
        wrong = representation_fault(header, path.name)
        return self._judged(path, header, wrong, drop_unreadable(header))

    def _read_pieces(self, path: Path, content: bytes, pieces: Pieces) -> Instance:
        try:
            header, shared = self._headers.header(pieces)
            pixels = content[pieces.pixels_at :]
            header[PIXEL_DATA] = read_piece(pixels, implicit=pieces.implicit)
        except Exception:  # noqa: BLE001 - hostile bytes raise anything; the general parser says what they are
            return self._read_generally(path)
        wrong = representation_fault(header, path.name, judged=shared)
        dropped = self._dropped_of(header, shared)
        if wrong is None:
            self._headers.remember(pieces, header)
        else:
            self._headers.forget()
        return self._judged(path, header, wrong, dropped)

    def _dropped_of(self, header: Dataset, shared: frozenset[BaseTag]) -> tuple[str, ...]:
        """Remove what cannot be read; of shared elements that happened before, to the very objects."""
        before, self._dropped = self._dropped, {}
        for tag in (*header.keys(), *(before.keys() & shared) - header.keys()):
            gone = before.get(tag, ()) if tag in shared else drop_unreadable(header, tag)
            if gone:
                self._dropped[tag] = gone
        return tuple(tag for gone in self._dropped.values() for tag in gone)

    def _judged(
        self, path: Path, header: Dataset, wrong: Reason | None, dropped: tuple[str, ...]
    ) -> Instance:
        reasons = _header_faults(header, path.name, allow_synthetic=self._allow_synthetic)
        if wrong is not None:
            reasons = (wrong, *reasons)
        unread = reasons or self._values == "unread"
        pixels, pixel_reasons = (None, ()) if unread else values_of(header, path.name)
        if "PixelData" in header:
            del header.PixelData
        measured = pixels is not None and self._values == "measured"
        plane = plane_of(pixels) if pixels is not None and measured else None
        kept = pixels if self._values == "kept" else None
        return Instance(path, header, kept, reasons + pixel_reasons, dropped, plane)


class FileHeaders:
    """Reads headers one after the other, as `read_header` does; what one shares with the one before is read once."""

    def __init__(self) -> None:
        self._headers = HeaderReader()
        self._former: tuple[Pieces, Dataset] | None = None
        self._like: Pieces | None = None

    def read(self, path: Path) -> tuple[Dataset, Reason | None]:
        """Return the header of a file, or an empty one with the reason why it cannot be read."""
        if self._former is not None:  # by now what was asked of it is read
            self._headers.remember(*self._former)
            self._former = None
        pieces = _beginning_in_pieces(path, like=self._like)
        self._like = pieces or self._like
        if pieces is None or pieces.transfer_syntax not in ACCEPTED_SYNTAXES:
            return read_header(path)
        try:
            header, _shared = self._headers.header(pieces)
        except Exception:  # noqa: BLE001 - hostile bytes raise anything; the general parser says what they are
            return read_header(path)
        self._former = (pieces, header)
        return header, None


def _beginning_in_pieces(path: Path, *, like: Pieces | None) -> Pieces | None:
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            start = stream.read(_LONGEST_HEADER)
    except OSError:
        return None
    return None if size > LARGEST_FILE_BYTES else cut(start, size=size, like=like)


def content_of(path: Path) -> bytes:
    """Return the bytes of a file; none where it is larger than any image or cannot be read."""
    try:
        return path.read_bytes() if path.stat().st_size <= LARGEST_FILE_BYTES else b""
    except OSError:
        return b""


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


def _header_faults(header: Dataset, name: str, *, allow_synthetic: bool) -> tuple[Reason, ...]:
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
