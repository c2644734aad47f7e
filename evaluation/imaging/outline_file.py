"""One DICOM file of outlines (RT Structure Set or Segmentation), read with suspicion: its header and what is wrong with it."""

from collections.abc import Iterator
from pathlib import Path

from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.encaps import generate_frames

from evaluation.imaging.header import number, text
from evaluation.imaging.instance import drop_unreadable, read_header
from evaluation.imaging.reasons import Reason
from evaluation.imaging.stored_values import NATIVE_SYNTAXES

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
# The second one is the label map segmentation of the standard of 2024.
SEGMENTATIONS = frozenset({SEGMENTATION, "1.2.840.10008.5.1.4.1.1.66.7"})
OUTLINE_CLASSES = SEGMENTATIONS | {RTSTRUCT}
_UNDEFINED_LENGTH = 0xFFFFFFFF
_PARTS = {
    "StructureSetROISequence": "(3006,0020)",
    "ROIContourSequence": "(3006,0039)",
}


def read_outline_file(path: Path) -> tuple[Dataset, tuple[Reason, ...]]:
    """Return the dataset of a file of outlines, and every fault of it; never raises for what it holds.

    A file that was cut is told: pydicom reads what is left of it without a word, and a tumour would be
    smaller for it.
    """
    header, unreadable = read_header(path, pixels=True)
    if unreadable is not None:
        return Dataset(), (unreadable,)
    cut = _shorter_than_stated(header)  # asked before values are converted
    drop_unreadable(header)
    if text(header, "SOPClassUID") not in OUTLINE_CLASSES:
        sentence = f"{path.name} is neither a DICOM segmentation nor an RTSTRUCT."
        return header, (Reason("sop_class", sentence, "(0008,0016)"),)
    if text(header, "LossyImageCompression") == "01":
        sentence = f"{path.name} was once compressed with loss."
        return header, (Reason("lossy", sentence, "(0028,2110)"),)
    if text(header, "BurnedInAnnotation").upper() == "YES":
        sentence = f"{path.name} says that text is burned into its picture."
        return header, (Reason("burned_in", sentence, "(0028,0301)"),)
    missing = cut or next(_missing(header), "")
    reasons = (_cut(path, missing),) if missing else ()
    return header, reasons


def _cut(path: Path, tag: str) -> Reason:
    return Reason("cut_file", f"{path.name} is cut: its outlines end early.", tag)


def _shorter_than_stated(header: Dataset) -> str:
    """The tag of an element of the root that holds fewer bytes than it states; empty without one."""
    for tag in header.keys():  # noqa: SIM118 - iterating the dataset itself would read every value
        raw = header.get_item(tag, keep_deferred=True)
        if isinstance(raw, RawDataElement) and raw.length != _UNDEFINED_LENGTH:
            held = raw.value if isinstance(raw.value, bytes) else b""
            if len(held) < raw.length:
                return str(tag)
    return ""


def _missing(header: Dataset) -> Iterator[str]:
    if text(header, "SOPClassUID") == RTSTRUCT:
        yield from (tag for keyword, tag in _PARTS.items() if keyword not in header)
        yield from _short_contours(header)
    elif not header.get("SegmentSequence") or not _pixels_whole(header):
        yield "(7FE0,0010)"


def _short_contours(header: Dataset) -> Iterator[str]:
    for region in header.get("ROIContourSequence") or ():
        for contour in region.get("ContourSequence") or ():
            stated, points = number(contour, "NumberOfContourPoints"), contour.get("ContourData")
            if stated is not None and len(points or ()) != 3 * stated:
                yield "(3006,0050)"


def _pixels_whole(header: Dataset) -> bool:
    held, frames = header.get("PixelData"), int(number(header, "NumberOfFrames") or 1)
    sides = [number(header, keyword) for keyword in ("Rows", "Columns", "BitsAllocated")]
    if not isinstance(held, bytes) or any(side is None or side <= 0 for side in sides):
        return False
    if str(header.file_meta.TransferSyntaxUID) in NATIVE_SYNTAXES:
        bits = float(frames)
        for side in sides:
            bits *= side or 0.0
        return len(held) >= -(-int(bits) // 8)
    try:
        return sum(1 for _ in generate_frames(held, number_of_frames=frames)) == frames
    except Exception:  # noqa: BLE001 - any broken encapsulation is the same fault
        return False
