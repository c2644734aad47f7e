"""Stored images in the encodings that clients ask for."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import ExplicitVRLittleEndian

EXPLICIT_LE = str(ExplicitVRLittleEndian)
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_MEDIA_TYPES = {
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.201": "image/jphc",
    "1.2.840.10008.1.2.4.202": "image/jphc",
}


@dataclass(frozen=True)
class CompressedFrame:
    """A frame as it is stored, and the media type of its encoding."""

    media_type: str
    content: bytes


def stored_syntax(image: Dataset) -> str:
    """The transfer syntax in which the image is stored."""
    return str(image.file_meta.TransferSyntaxUID)


def as_explicit(content: bytes) -> bytes:
    """The DICOM file in explicit VR little endian; untouched when it is so already."""
    image = pydicom.dcmread(BytesIO(content))
    syntax = stored_syntax(image)
    if syntax == EXPLICIT_LE:
        return content
    if syntax in _MEDIA_TYPES:
        image.decompress(generate_instance_uid=False)
    elif syntax == _BIG_ENDIAN:
        image.PixelData = frame_bytes(image)
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, image, implicit_vr=False, little_endian=True, enforce_file_format=True)
    return buffer.getvalue()


def frame_bytes(image: Dataset) -> bytes:
    """The stored values of the frame, little endian, row by row."""
    stored = image.pixel_array
    return np.ascontiguousarray(stored, stored.dtype.newbyteorder("<")).tobytes()


def as_stored_frame(image: Dataset) -> CompressedFrame | None:
    """The compressed frame as it is stored; None where it is stored uncompressed."""
    media_type = _MEDIA_TYPES.get(stored_syntax(image))
    if media_type is None:
        return None
    return CompressedFrame(media_type, next(generate_frames(image.PixelData, number_of_frames=1)))
