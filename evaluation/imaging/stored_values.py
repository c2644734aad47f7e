"""The values of one image: whether its pixels are whole, and what they mean."""

import math

import numpy as np
from pydicom import Dataset
from pydicom.encaps import generate_frames

from evaluation.imaging.header import number, text
from evaluation.imaging.reasons import Reason

NATIVE_SYNTAXES = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"}
RLE = "1.2.840.10008.1.2.5"
LARGEST_SIDE = 4096  # pixels; a slice of CT or PET has at most 2048
_END_MARKER = b"\xff\xd9"
_EXACT = 1 << 23  # float32 holds all whole numbers up to twice this
_GREY = ("MONOCHROME1", "MONOCHROME2")


def values_of(header: Dataset, name: str) -> tuple[np.ndarray | None, tuple[Reason, ...]]:
    """Return the values [y, x] of an image after slope and intercept, or why there are none."""
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
        stored = _plain(header)
    except Exception as error:  # noqa: BLE001 - decoders raise anything on broken streams
        sentence = f"The pixels of {name} cannot be decoded ({type(error).__name__})."
        return None, (Reason("pixel_content", sentence, "(7FE0,0010)"),)
    return _rescaled(stored, slope, intercept, name)


def _rescaled(
    stored: np.ndarray, slope: float, intercept: float, name: str
) -> tuple[np.ndarray | None, tuple[Reason, ...]]:
    if slope == 1 and intercept.is_integer() and abs(intercept) < _EXACT and stored.itemsize < 4:
        values = stored.astype(np.float32) + np.float32(intercept)  # whole numbers, none is rounded
    else:
        # Slope in float64 per slice first: an integer first slope must not truncate later ones.
        exact = np.multiply(stored, np.float64(slope), dtype=np.float64)
        values = np.add(exact, intercept, out=exact).astype(np.float32)
    if values.ndim != 2 or not np.isfinite(values).all():
        sentence = f"{name} holds values that are no finite numbers."
        return None, (Reason("pixel_content", sentence, "(7FE0,0010)"),)
    return values, ()


def _plain(header: Dataset) -> np.ndarray:
    """The stored numbers [y, x]. Those of nearly all scanners, 16 bits as they stand, need no decoder."""
    bits, signed = number(header, "BitsStored"), number(header, "PixelRepresentation")
    rows, columns = number(header, "Rows"), number(header, "Columns")
    usual = (
        str(header.file_meta.TransferSyntaxUID) in NATIVE_SYNTAXES
        and (number(header, "BitsAllocated"), number(header, "SamplesPerPixel")) == (16, 1)
        and bits is not None
        and bits in range(1, 17)
        and number(header, "HighBit") == bits - 1
        and signed in (0, 1)
        and text(header, "PhotometricInterpretation") in _GREY
        and "NumberOfFrames" not in header
    )
    if not usual or rows is None or columns is None or bits is None:
        return header.pixel_array
    count = int(rows) * int(columns)
    stored = np.frombuffer(header.PixelData, dtype="<i2" if signed else "<u2", count=count)
    unused = 16 - int(bits)
    if unused:  # what stands in them is no part of the number
        stored = (stored << unused) >> unused
    return stored.reshape(int(rows), int(columns))


def no_pixels(name: str) -> Reason:
    """Return the reason that names a file without pixels."""
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
        return no_pixels(name)
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
    complete = frame and (syntax == RLE or frame.rstrip(b"\0").endswith(_END_MARKER))
    if complete:
        return None
    return Reason("cut_file", f"{name} is cut: its compressed pixels end early.", "(7FE0,0010)")
