"""Reads `multipart/related` as it comes in, piece by piece: a body may be larger than the memory of the machine."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message

_PIECE = 1 << 18
_MOST_HEADER_BYTES = 8192
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")


class MultipartBroken(ValueError):
    """The body is no multipart message, or it ends too early."""


@dataclass(frozen=True)
class MediaType:
    """A media type with its parameters, names in lower case."""

    name: str
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class Part:
    """One part: its media type, and its content, which is read once and before the next part is asked for."""

    media_type: MediaType
    content: Iterator[bytes]


def media_type(text: str) -> MediaType:
    """The media type that a Content-Type field or one entry of an Accept field names."""
    message = Message()
    message["Content-Type"] = text.replace("\n", " ").replace("\r", " ")
    parameters = dict(message.get_params(failobj=[], unquote=True)[1:])
    name = text.partition(";")[0].strip().lower()
    return MediaType(name, {key.lower(): str(value) for key, value in parameters.items()})


def parts_of(read: Callable[[int], bytes], boundary: str) -> Iterator[Part]:
    """The parts of the body that `read` gives, in order.

    Raises
    ------
    MultipartBroken
        When the boundary is none, a delimiter or the headers of a part are malformed, or the body ends before its
        closing delimiter.
    """
    if not _BOUNDARY.fullmatch(boundary):
        raise MultipartBroken("The Content-Type names no usable boundary.")
    reader = _Reader(read, b"\r\n--" + boundary.encode("ascii"))
    for _ in reader.until_delimiter():
        pass  # what stands before the first part is to be ignored
    while reader.goes_on():
        part = Part(reader.part_type(), reader.until_delimiter())
        yield part
        for _ in part.content:
            pass  # what its reader left


class _Reader:
    def __init__(self, read: Callable[[int], bytes], delimiter: bytes) -> None:
        self._read = read
        self._delimiter = delimiter
        self._held = bytearray(
            b"\r\n"
        )  # so that a delimiter at the very start looks like every other

    def until_delimiter(self) -> Iterator[bytes]:
        """The bytes up to the next delimiter, which is passed over."""
        while (at := self._held.find(self._delimiter)) < 0:
            safe = len(self._held) - len(self._delimiter) + 1
            if safe > 0:
                yield bytes(self._held[:safe])
                del self._held[:safe]
            self._fill()
        if at:
            yield bytes(self._held[:at])
        del self._held[: at + len(self._delimiter)]

    def goes_on(self) -> bool:
        """Whether a part follows the delimiter; False after the closing one."""
        while len(self._held) < 2:
            self._fill()
        if self._held[:2] == b"--":
            return False
        rest = self._line(limit=80)
        if rest.strip(b" \t"):
            raise MultipartBroken("A delimiter is followed by something else.")
        return True

    def part_type(self) -> MediaType:
        """The media type that the headers of the part name; empty when they name none."""
        left, found = _MOST_HEADER_BYTES, MediaType("", {})
        while line := self._line(limit=left):
            left -= len(line) + 2
            name, colon, value = line.partition(b":")
            if not colon or left < 0:
                raise MultipartBroken("The headers of a part are malformed or too long.")
            if name.strip().lower() == b"content-type":
                found = media_type(value.decode("latin-1").strip())
        return found

    def _line(self, *, limit: int) -> bytes:
        while (at := self._held.find(b"\r\n")) < 0:
            if len(self._held) > limit:
                raise MultipartBroken("The headers of a part are malformed or too long.")
            self._fill()
        line = bytes(self._held[:at])
        del self._held[: at + 2]
        return line

    def _fill(self) -> None:
        piece = self._read(_PIECE)
        if not piece:
            raise MultipartBroken("The body ends before its closing delimiter.")
        self._held += piece
