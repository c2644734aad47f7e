"""What a client accepts, and answers of many parts that are sent piece by piece."""

import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.http import StreamingHttpResponse
from pydicom.dataset import Dataset
from rest_framework.request import Request

from studyportal.dicom.endpoints import DICOM_JSON, NotAcceptable
from studyportal.dicom.multipart import MediaType, media_type

_ENTRY = re.compile(r'(?:[^,"]|"[^"]*")+')
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_PIECE = 1 << 18
ANY = "*/*"


@dataclass(frozen=True)
class Piece:
    """One part of an answer: its Content-Type and its bytes."""

    content_type: str
    content: bytes


def accepted(request: Request) -> list[MediaType]:
    """What the client accepts, best first; `accept` in the address counts more than the header."""
    text = request.GET.get("accept") or request.META.get("HTTP_ACCEPT") or ANY
    entries = [media_type(entry.strip()) for entry in _ENTRY.findall(text) if entry.strip()]
    return sorted(entries or [MediaType(ANY, {})], key=_weight, reverse=True)


def require_json(entries: Sequence[MediaType]) -> None:
    """Refuse clients that do not take DICOM JSON."""
    if not {entry.name for entry in entries} & {
        DICOM_JSON,
        "application/json",
        "application/*",
        ANY,
    }:
        raise NotAcceptable


def wanted_type(entry: MediaType) -> str:
    """The type that the entry asks for in the end, whether in one part or in many."""
    many = entry.name == "multipart/related"
    return entry.parameters.get("type", "").lower() or ANY if many else entry.name


def multipart(pieces: Iterable[Piece], *, kind: str) -> StreamingHttpResponse:
    """An answer of many parts; each is read when its turn comes."""
    boundary = uuid.uuid4().hex

    def stream() -> Iterator[bytes]:
        for piece in pieces:
            yield f"\r\n--{boundary}\r\nContent-Type: {piece.content_type}\r\n\r\n".encode("ascii")
            for start in range(0, len(piece.content), _PIECE):
                yield piece.content[start : start + _PIECE]
        yield f"\r\n--{boundary}--\r\n".encode("ascii")

    content_type = f'multipart/related; type="{kind}"; boundary={boundary}'
    return StreamingHttpResponse(stream(), content_type=content_type)


def root_of(request: Request) -> str:
    """The address of this service, as the client knows it."""
    address: str = request.build_absolute_uri("/dicomweb")
    return address


def no_pixels(item: Dataset) -> None:
    """Pixels and whatever else is bulk are not told as JSON."""
    for keyword in _PIXELS:
        if keyword in item:
            delattr(item, keyword)


def _weight(entry: MediaType) -> float:
    try:
        return float(entry.parameters.get("q", "1"))
    except ValueError:
        return 0.0
