"""The first elements of a dataset, read with suspicion: which instance it is, and nothing else."""

import hashlib
import re
from dataclasses import dataclass
from typing import BinaryIO

from studyportal.core.spool import Identity, keyed
from studyportal.dicom.accepted import IMPLICIT_LITTLE_ENDIAN
from studyportal.dicom.elements import ElementsBroken, values_of

_SOP_CLASS, _SOP_INSTANCE = 0x00080016, 0x00080018
_STUDY, _SERIES = 0x0020000D, 0x0020000E
_MOST_ELEMENTS = 400  # before the series UID; images have about a hundred
_PREAMBLE = 128
_TRANSFER_SYNTAX = 0x00020010
_UID = re.compile(
    r"[0-9.]{1,64}"
)  # components with a leading zero occur and tell instances apart as well
_SAID_OF = {_SOP_CLASS: "SOP class", _SOP_INSTANCE: "instance", _STUDY: "study", _SERIES: "series"}
_READ = {*_SAID_OF, _TRANSFER_SYNTAX}


class NotDicom(ValueError):
    """The bytes are no dataset with the UIDs that every image has. The sentence holds no value of it."""


@dataclass(frozen=True)
class Head:
    """The UIDs of an instance, as its dataset says them."""

    sop_class: str
    sop_instance: str
    study: str
    series: str


def read_head(dataset: BinaryIO, *, transfer_syntax: str) -> Head:
    """The UIDs of a little-endian dataset from its first byte; elements after the series UID are not looked at.

    Raises
    ------
    NotDicom
        When one of the four UIDs is missing or is none, or the bytes cannot be read.
    """
    found = _elements(
        dataset,
        implicit=transfer_syntax == IMPLICIT_LITTLE_ENDIAN,
        last=_SERIES,
        most=_MOST_ELEMENTS,
    )
    uids = {tag: _uid(found.get(tag), tag) for tag in _SAID_OF}
    return Head(uids[_SOP_CLASS], uids[_SOP_INSTANCE], uids[_STUDY], uids[_SERIES])


def file_start(stream: BinaryIO) -> str:
    """The transfer syntax of a DICOM file; the stream then stands at the first byte of its dataset.

    Raises
    ------
    NotDicom
        When the preamble or the file meta information is missing or unreadable.
    """
    if stream.read(_PREAMBLE + 4)[_PREAMBLE:] != b"DICM":
        raise NotDicom("The bytes are not a DICOM file: the preamble is missing.")
    found = _elements(stream, implicit=False, last=0x0002FFFF, most=100)
    return _uid(found.get(_TRANSFER_SYNTAX), _TRANSFER_SYNTAX)


def identity_of(head: Head, *, site_code: str, transfer_syntax: str, dataset: BinaryIO) -> Identity:
    """Keyed hashes of the UIDs, and the digest of the dataset's bytes with their transfer syntax."""
    digest = first_line(transfer_syntax)
    while piece := dataset.read(1 << 20):
        digest.update(piece)
    return keys_of(head, site_code=site_code, digest=digest.hexdigest())


def first_line(transfer_syntax: str) -> "hashlib._Hash":
    """The digest of a dataset's bytes before the first of them: equal means equal transfer syntax, too."""
    return hashlib.sha256(f"{transfer_syntax}\n".encode())


def keys_of(head: Head, *, site_code: str, digest: str) -> Identity:
    """Keyed hashes of the UIDs, with the digest of the dataset."""
    return Identity(
        instance_key=keyed(site_code, head.sop_instance),
        series_key=keyed(site_code, head.series),
        digest=digest,
    )


def is_uid(text: str) -> bool:
    """Whether the text may be a UID."""
    return _UID.fullmatch(text) is not None


def _elements(stream: BinaryIO, *, implicit: bool, last: int, most: int) -> dict[int, bytes]:
    try:
        return values_of(stream, _READ, implicit=implicit, last=last, most=most)
    except (ElementsBroken, OSError) as error:
        raise NotDicom("The bytes cannot be read as a DICOM dataset.") from error


def _uid(value: bytes | None, tag: int) -> str:
    text = (value or b"").rstrip(b"\0 ").decode("ascii", "replace")
    if not is_uid(text):
        said = _SAID_OF.get(tag, "transfer syntax")
        raise NotDicom(f"The dataset does not say its {said} UID, or what it says is none.")
    return text
