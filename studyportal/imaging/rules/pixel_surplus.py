"""Bytes after the last pixel belong to no image and could hold anything: they are cut off."""

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from evaluation.imaging.header import number

_NATIVE = frozenset({ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian})
_FACTORS = ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")
SIZES = (*_FACTORS, "NumberOfFrames")


def trim_pixels(dataset: Dataset) -> bool:
    """Cut uncompressed pixel data to the size the image states; True where something was cut.

    Size in bytes: rows x columns x samples x frames x bits / 8, one byte more where that is odd.
    Compressed pixels end where their own marker says, and are left alone.
    """
    pixels = dataset.get("PixelData")
    if not isinstance(pixels, bytes) or dataset.file_meta.TransferSyntaxUID not in _NATIVE:
        return False
    wanted = stated_bytes(dataset)
    if wanted == 0 or len(pixels) <= wanted:
        return False
    dataset.PixelData = pixels[:wanted]
    return True


def stated_bytes(dataset: Dataset) -> int:
    """How many bytes uncompressed pixels have by what the image states; 0 where it does not say."""
    stated = [number(dataset, k) for k in _FACTORS]
    size = number(dataset, "NumberOfFrames") or 1.0
    for factor in stated:
        size *= factor or 0.0
    wanted = int(size) // 8
    return wanted + wanted % 2
