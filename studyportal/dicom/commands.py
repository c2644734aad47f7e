"""Command sets of DIMSE and the start of a DICOM file: the few elements that go with every image.

Written out here because they cost more than keeping the image when each goes through a dataset object.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from pynetdicom import PYNETDICOM_IMPLEMENTATION_UID, PYNETDICOM_IMPLEMENTATION_VERSION

ECHO, STORE, CANCEL = 0x0030, 0x0001, 0x0FFF
UNKNOWN_OPERATION = 0x0211
_ANSWER = 0x8000  # added to a request, it is the command of its answer
_NO_DATASET = 0x0101
_CLASS, _COMMAND, _MESSAGE, _ANSWERED = 0x0002, 0x0100, 0x0110, 0x0120
_DATASET, _STATUS, _INSTANCE = 0x0800, 0x0900, 0x1000
_HEAD = struct.Struct("<HHL")
_LONGEST_UID = 64


class CommandBroken(ValueError):
    """The bytes are no command set, or one that lacks what every request has."""


@dataclass(frozen=True)
class Command:
    """What a sender asks for."""

    field: int
    message_id: int
    sop_class: str
    sop_instance: str
    has_dataset: bool


def read_command(content: bytes) -> Command:
    """The request in these bytes (implicit VR little endian, PS3.7 6.3.1).

    Raises
    ------
    CommandBroken
        When the bytes cannot be read or lack the command or the number of the message.
    """
    found = dict(_elements(content))
    try:
        return Command(
            field=_short(found[_COMMAND]),
            message_id=_short(found.get(_MESSAGE, b"\0\0")),
            sop_class=_uid(found.get(_CLASS, b"")),
            sop_instance=_uid(found.get(_INSTANCE, b"")),
            has_dataset=_short(found[_DATASET]) != _NO_DATASET,
        )
    except (KeyError, struct.error, UnicodeDecodeError) as error:
        raise CommandBroken("A command set lacks what every request has.") from error


def answer_to(command: Command, status: int) -> bytes:
    """The command set that answers the request with this status."""
    elements = [
        (_CLASS, _padded(command.sop_class)),
        (_COMMAND, struct.pack("<H", command.field | _ANSWER)),
        (_ANSWERED, struct.pack("<H", command.message_id)),
        (_DATASET, struct.pack("<H", _NO_DATASET)),
        (_STATUS, struct.pack("<H", status)),
    ]
    if command.sop_instance:
        elements.append((_INSTANCE, _padded(command.sop_instance)))
    body = b"".join(_HEAD.pack(0, element, len(value)) + value for element, value in elements)
    return _HEAD.pack(0, 0, 4) + struct.pack("<L", len(body)) + body


def start_of_file(*, sop_class: str, sop_instance: str, transfer_syntax: str) -> bytes:
    """Preamble and file meta information (PS3.10 7.1), which the dataset follows."""
    values = (
        (0x0001, b"OB\0\0" + struct.pack("<L", 2) + b"\0\1"),
        (0x0002, _explicit(b"UI", _padded(sop_class))),
        (0x0003, _explicit(b"UI", _padded(sop_instance))),
        (0x0010, _explicit(b"UI", _padded(transfer_syntax))),
        (0x0012, _explicit(b"UI", _padded(PYNETDICOM_IMPLEMENTATION_UID))),
        (0x0013, _explicit(b"SH", _padded(PYNETDICOM_IMPLEMENTATION_VERSION, b" "))),
    )
    meta = b"".join(struct.pack("<HH", 2, element) + value for element, value in values)
    length = struct.pack("<HH", 2, 0) + _explicit(b"UL", struct.pack("<L", len(meta)))
    return b"\0" * 128 + b"DICM" + length + meta


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(content):
        try:
            group, element, length = _HEAD.unpack_from(content, at)
        except struct.error as error:
            raise CommandBroken("A command set ends inside an element.") from error
        at += _HEAD.size
        if group or length > len(content) - at:
            raise CommandBroken("A command set holds an element that is none of its own.")
        yield element, content[at : at + length]
        at += length


def _short(value: bytes) -> int:
    (number,) = struct.unpack("<H", value)
    return int(number)


def _uid(value: bytes) -> str:
    return value[: _LONGEST_UID + 1].rstrip(b"\0 ").decode("ascii")


def _padded(text: str, with_: bytes = b"\0") -> bytes:
    value = text.encode("ascii")
    return value + with_ * (len(value) % 2)


def _explicit(vr: bytes, value: bytes) -> bytes:
    return vr + struct.pack("<H", len(value)) + value
