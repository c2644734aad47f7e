"""Walks over the elements of a little-endian dataset and reads the values of a few.

A general parser makes an object of every element it passes; for each received image that costs more than its digest.
"""

import struct
from collections.abc import Container
from typing import BinaryIO

_LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
_UNKNOWN = b"UN"
_HEAD, _SHORT, _LENGTH = struct.Struct("<HHL"), struct.Struct("<H"), struct.Struct("<L")
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_DEEPEST, _MOST_IN_SEQUENCES = 32, 20_000
_LONGEST_VALUE = 1 << 10  # of those that are read


class ElementsBroken(ValueError):
    """The bytes are no elements."""


def values_of(
    stream: BinaryIO, wanted: Container[int], *, implicit: bool, last: int, most: int
) -> dict[int, bytes]:
    """Values of the wanted elements up to tag `last`; the stream then stands before the first one beyond it.

    At most `most` elements are passed; those inside sequences do not count.

    Raises
    ------
    ElementsBroken
        When an element cannot be read, or a wanted one is longer than any UID.
    """
    found: dict[int, bytes] = {}
    left = [_MOST_IN_SEQUENCES]
    for _ in range(most):
        at = stream.tell()
        element = _next(stream, implicit=implicit, last=last)
        if element is None:
            break
        tag, vr, length = element
        if tag > last:
            stream.seek(at)
            break
        if length == _UNDEFINED:
            _pass_sequence(stream, implicit=implicit or vr == _UNKNOWN, depth=1, left=left)
        elif tag in wanted:
            found[tag] = _value(stream, length)
        else:
            stream.seek(length, 1)
    return found


def _next(
    stream: BinaryIO, *, implicit: bool, last: int = _SEQUENCE_END
) -> tuple[int, bytes, int] | None:
    """Tag, VR and length of the element at which the stream stands; None at its end.

    What is beyond `last` may be encoded otherwise, so of it only the tag is right.
    """
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    group, number, length = _HEAD.unpack(head)
    tag = group << 16 | number
    if implicit or group == _ITEM >> 16 or tag > last:
        return tag, b"", length
    vr = head[4:6]
    if vr in _LONG:
        more = stream.read(_LENGTH.size)
        if len(more) < _LENGTH.size:
            return None
        return tag, vr, _LENGTH.unpack(more)[0]
    if not (vr.isalpha() and vr.isupper()):
        raise ElementsBroken("An element has no value representation.")
    return tag, vr, _SHORT.unpack_from(head, 6)[0]


def _value(stream: BinaryIO, length: int) -> bytes:
    if length > _LONGEST_VALUE:
        raise ElementsBroken("A value is longer than any of its kind.")
    value = stream.read(length)
    if len(value) < length:
        raise ElementsBroken("The bytes end inside an element.")
    return value


def _pass_sequence(stream: BinaryIO, *, implicit: bool, depth: int, left: list[int]) -> None:
    """The stream stands behind a sequence, or behind an item, that does not say its length."""
    if depth > _DEEPEST:
        raise ElementsBroken("Sequences are nested too deeply.")
    while (element := _next(stream, implicit=implicit)) is not None:
        left[0] -= 1
        tag, vr, length = element
        if left[0] < 0:
            raise ElementsBroken("Sequences hold too many elements.")
        if tag in (_SEQUENCE_END, _ITEM_END):
            return
        if length == _UNDEFINED:
            inner = implicit or vr == _UNKNOWN
            _pass_sequence(stream, implicit=inner, depth=depth + 1, left=left)
        else:
            stream.seek(length, 1)
    raise ElementsBroken("The bytes end inside a sequence.")
