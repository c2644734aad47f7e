"""A DICOM file cut into the bytes of its elements, without reading any of them.

The slices of a series share nearly all of their header. Cut into pieces, what two files share is told by comparing
bytes, and need not be read, judged and cleaned again for each of some hundred slices. Only a file that is laid out
exactly as the standard says is cut; any other is left to a general parser, with all that it forgives and refuses.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct, error

from pydicom.tag import BaseTag

PIXEL_DATA = 0x7FE00010
IMPLICIT = "1.2.840.10008.1.2"
_NATIVE = {IMPLICIT, "1.2.840.10008.1.2.1"}
_TRANSFER_SYNTAX = 0x00020010
_PREAMBLE = 128
_FIRST_OF_DATASET = 0x00040000
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
_DEEPEST = 32
_EXPLICIT_HEAD, _PLAIN_HEAD, _LENGTH = Struct("<HH2sH"), Struct("<HHL"), Struct("<L")
_SHORT_KINDS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_LONG_KINDS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
# One object for each tag: dictionaries then find it without asking pydicom whether two tags are equal.
known_tag = lru_cache(maxsize=16384)(BaseTag)
_NONE: tuple[BaseTag, bytes] = (BaseTag(0), b"")


class _NotAsTheStandardSays(ValueError):
    """The layout is another one; a general parser decides what the file is."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """The encoded elements of a file by tag, pixels apart.

    `meta` and `elements` hold the bytes of whole elements: tag, kind, length and value. The dataset begins at
    `dataset_at`, the element of the pixels at `pixels_at` with its value from `value_at` to `value_end`.
    """

    transfer_syntax: str
    meta: dict[BaseTag, bytes]
    elements: dict[BaseTag, bytes]
    dataset_at: int
    pixels_at: int
    value_at: int
    value_end: int

    @property
    def implicit(self) -> bool:
        """Whether elements do not state their kind of value."""
        return self.transfer_syntax == IMPLICIT

    @property
    def native(self) -> bool:
        """Whether the pixels are not compressed."""
        return self.transfer_syntax in _NATIVE


def cut(content: bytes, *, size: int | None = None, like: Pieces | None = None) -> Pieces | None:
    """Cut a file whose layout is exactly the standard's and that ends with its pixels; None for any other.

    Parameters
    ----------
    content
        The bytes of the file.
    size
        How large the file is, where `content` is only its beginning; the pixels may then lie beyond.
    like
        Another file; the more it has in common with this one, the quicker it goes.
    """
    if content[_PREAMBLE : _PREAMBLE + 4] != b"DICM":
        return None
    try:
        return _cut(content, len(content) if size is None else size, like)
    except (_NotAsTheStandardSays, error, UnicodeDecodeError):
        return None


def _cut(content: bytes, size: int, like: Pieces | None) -> Pieces:
    known = like.meta if like else {}
    meta, dataset_at = _elements(
        content, _PREAMBLE + 4, implicit=False, below=_FIRST_OF_DATASET, known=known
    )
    syntax = _value(meta.get(known_tag(_TRANSFER_SYNTAX), b"")).rstrip(b"\0 ").decode("ascii")
    implicit = syntax == IMPLICIT
    if implicit and content[dataset_at + 4 : dataset_at + 6].isalpha():
        raise _NotAsTheStandardSays  # parsers take such bytes for the kind of an explicit element
    known = like.elements if like and like.implicit == implicit else {}
    elements, pixels_at = _elements(
        content, dataset_at, implicit=implicit, below=PIXEL_DATA, known=known
    )
    tag, kind, length, value_at = _head(content, pixels_at, implicit=implicit)
    if tag != PIXEL_DATA or not (implicit or kind in (b"OW", b"OB")):
        raise _NotAsTheStandardSays
    if (length != _UNDEFINED) != (syntax in _NATIVE):
        raise _NotAsTheStandardSays
    value_end = value_at + length
    if length == _UNDEFINED:
        value_end = size - _PLAIN_HEAD.size
        if size == len(content):
            value_end = _fragments_end(content, value_at)
    if value_end != size - (_PLAIN_HEAD.size if length == _UNDEFINED else 0):
        raise _NotAsTheStandardSays
    return Pieces(syntax, meta, elements, dataset_at, pixels_at, value_at, value_end)


def _elements(
    content: bytes, at: int, *, implicit: bool, below: int, known: Mapping[BaseTag, bytes]
) -> tuple[dict[BaseTag, bytes], int]:
    """The elements below a tag, which must stand in rising order, and where the first one beyond begins.

    `known` are those of another file. An element says itself where it ends, so where the next bytes are those of a
    known one, it is that one.
    """
    pieces: dict[BaseTag, bytes] = {}
    last = 0 if below == _FIRST_OF_DATASET else _FIRST_OF_DATASET - 1
    others = iter(known.items())
    tag, piece = next(others, _NONE)
    while True:
        while piece and content.startswith(piece, at):
            pieces[tag] = piece
            at += len(piece)
            last = tag
            tag, piece = next(others, _NONE)
        found = _tag(content, at)
        if found >= below:
            return pieces, at
        if found <= last:
            raise _NotAsTheStandardSays
        end = _element_end(content, at, implicit=implicit)
        pieces[known_tag(found)], at, last = content[at:end], end, found
        while piece and tag <= found:
            tag, piece = next(others, _NONE)


def _element_end(content: bytes, at: int, *, implicit: bool) -> int:
    _, kind, length, value_at = _head(content, at, implicit=implicit)
    if length == _UNDEFINED:
        # Only a list may leave its length open; without a stated kind its first item must tell that it is one.
        listed = kind == b"SQ" or (implicit and _tag(content, value_at) == _ITEM)
        end = _sequence_end(content, value_at, implicit=implicit, depth=1) if listed else -1
    else:
        end = value_at + length
    if not value_at <= end <= len(content):
        raise _NotAsTheStandardSays
    return end


def _head(content: bytes, at: int, *, implicit: bool) -> tuple[int, bytes, int, int]:
    """Tag, kind (empty where none is stated), length of the value and where the value begins."""
    if implicit:
        group, number, length = _PLAIN_HEAD.unpack_from(content, at)
        return group << 16 | number, b"", length, at + 8
    group, number, kind, length = _EXPLICIT_HEAD.unpack_from(content, at)
    if kind in _SHORT_KINDS:
        return group << 16 | number, kind, length, at + 8
    if kind not in _LONG_KINDS or length:  # two bytes that are reserved and nought
        raise _NotAsTheStandardSays
    return group << 16 | number, kind, _LENGTH.unpack_from(content, at + 8)[0], at + 12


def _sequence_end(content: bytes, at: int, *, implicit: bool, depth: int) -> int:
    """Where a list without a stated length ends."""
    if depth > _DEEPEST:
        raise _NotAsTheStandardSays
    while True:
        tag, length = _tag(content, at), _LENGTH.unpack_from(content, at + 4)[0]
        at += _PLAIN_HEAD.size
        if tag == _SEQUENCE_END and length == 0:
            return at
        if tag != _ITEM:
            raise _NotAsTheStandardSays
        if length == _UNDEFINED:
            at = _item_end(content, at, implicit=implicit, depth=depth)
        else:
            at += length


def _item_end(content: bytes, at: int, *, implicit: bool, depth: int) -> int:
    while _tag(content, at) != _ITEM_END:
        _, kind, length, at = _head(content, at, implicit=implicit)
        if length != _UNDEFINED:
            at += length
        elif kind == b"SQ" or (implicit and _tag(content, at) == _ITEM):
            at = _sequence_end(content, at, implicit=implicit, depth=depth + 1)
        else:
            raise _NotAsTheStandardSays
    if _LENGTH.unpack_from(content, at + 4)[0]:
        raise _NotAsTheStandardSays
    return at + _PLAIN_HEAD.size


def _fragments_end(content: bytes, at: int) -> int:
    """Where the fragments of compressed pixels end, before the mark of their end."""
    while (tag := _tag(content, at)) == _ITEM:
        at += _PLAIN_HEAD.size + _LENGTH.unpack_from(content, at + 4)[0]
    if tag != _SEQUENCE_END or _LENGTH.unpack_from(content, at + 4)[0]:
        raise _NotAsTheStandardSays
    return at


def _tag(content: bytes, at: int) -> int:
    group, number, _ = _PLAIN_HEAD.unpack_from(content, at)
    return int(group) << 16 | int(number)


def _value(piece: bytes) -> bytes:
    return piece[8:]  # of a UID, whose length takes two bytes
