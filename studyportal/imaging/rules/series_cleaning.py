"""De-identifies the files of a series one after the other: what a file shares with the one before is cleaned once.

The slices of a series differ in ten of some hundred elements. The rules decide each element from its own bytes and
from a few others of the file (names to look for, makers of private blocks, character set), so where all of these
are those of the file before, so is what becomes of it. What comes out is what `deidentify` and a general writer
make of each file, byte for byte; a file that is laid out in any other way than the standard's goes that way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from itertools import chain

import pydicom
from pydicom import DataElement, Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, write_file_meta_info
from pydicom.tag import BaseTag

from evaluation.imaging.pieces import PIXEL_DATA, Pieces, cut, known_tag
from evaluation.imaging.shared_header import HeaderReader
from studyportal.imaging.rules.declaration import METHOD, declare_unsealed, file_meta
from studyportal.imaging.rules.deidentification import Walk, deidentify
from studyportal.imaging.rules.deidentification_report import DeidentificationReport, report_of
from studyportal.imaging.rules.element_rules import Rule, name_of, rule_for
from studyportal.imaging.rules.identity_echo import IDENTIFYING
from studyportal.imaging.rules.pixel_surplus import SIZES, stated_bytes
from studyportal.imaging.rules.pseudonym import PseudonymContext
from studyportal.imaging.rules.seal import (
    Standing,
    first_lines,
    lines_of,
    seal_of_lines,
    standing_of,
)
from studyportal.imaging.rules.synthetic_mark import MARKS, bears_synthetic_mark
from studyportal.imaging.rules.unheard import unheard

_CHARACTER_SET = "ISO_IR 192"
_METHOD, _SOP_CLASS, _SOP_INSTANCE = (
    known_tag(tag_for_keyword(name) or 0)
    for name in ("DeidentificationMethod", "SOPClassUID", "SOPInstanceUID")
)
# What is decided of an element rests on these elements of the root, too (makers of private blocks are compared
# before anything is shared at all).
_RESTS_ON = frozenset(
    known_tag(tag_for_keyword(name) or 0)
    for name in (*IDENTIFYING, *MARKS, *SIZES, "DeidentificationMethod", "SOPClassUID")
)
_PREAMBLE = b"\0" * 128 + b"DICM"


class _AnotherWay(ValueError):
    """The file has to be cleaned by the general way."""


@dataclass(frozen=True)
class CleanedFile:
    """The bytes of a de-identified copy, its pseudonymous UID and what was done."""

    content: bytes
    sop_instance_uid: str
    report: DeidentificationReport


@dataclass(frozen=True, eq=False)
class _Part:
    """What became of one element: what stays, its bytes and its lines in the seal; and what was done."""

    kept: tuple[DataElement, ...]
    encoded: Mapping[BaseTag, bytes]
    lines: Mapping[BaseTag, tuple[str, ...]]
    done: tuple[tuple[Rule, str], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Former:
    """The file before: what its cleaning rested on, and what became of its elements."""

    rests_on: frozenset[BaseTag]
    walk: Walk
    pixel_bytes: int
    parts: Mapping[BaseTag, _Part]
    report: DeidentificationReport


class SeriesCleaner:
    """Cleans files for one participant; the next one shares what it can with the one before."""

    def __init__(self, context: PseudonymContext) -> None:
        self._context = context
        self._headers = HeaderReader()
        self._former: _Former | None = None
        self._like: Pieces | None = None
        self._own = Dataset()
        declare_unsealed(self._own, context)
        self._own_parts: dict[bool, _Part] = {}  # by whether kinds of values are left out
        self._metas: dict[tuple[str, str, int], tuple[bytes, bytes]] = {}

    def clean(self, content: bytes) -> CleanedFile:
        """A copy of the file without identity, as `deidentify` makes it.

        Raises
        ------
        SealError
            When the file claims to be de-identified by this study and its seal does not fit.
        """
        pieces = self._like = cut(content, like=self._like)
        if pieces is not None:
            try:
                with unheard():
                    return self._by_pieces(content, pieces)
            except Exception:  # noqa: BLE001 - whatever this way cannot do, the general one does or says why not
                self._headers.forget()
                self._former = None
        return _generally(content, self._context)

    def _by_pieces(self, content: bytes, pieces: Pieces) -> CleanedFile:
        header, shared = self._headers.header(pieces)
        walk, pixel_bytes, alike = self._standing_point(header, pieces, shared)
        _check_pixels(pieces, pixel_bytes)
        before = self._former.parts if alike and self._former is not None else {}
        parts = {
            tag: before[tag] if tag in before and tag in shared else self._part(walk, header, tag)
            for tag in pieces.elements
        }
        report = self._report(parts, before)
        content = self._written(header, pieces, parts) + content[pieces.pixels_at :]
        self._headers.remember(pieces, header)
        rests_on = frozenset(pieces.elements.keys() & _RESTS_ON)
        self._former = _Former(rests_on, walk, pixel_bytes, parts, report)
        (instance,) = parts[_SOP_INSTANCE].kept
        return CleanedFile(content, str(instance.value), report)

    def _standing_point(
        self, header: Dataset, pieces: Pieces, shared: frozenset[BaseTag]
    ) -> tuple[Walk, int, bool]:
        """What the rules go by in this file, how large its pixels are, and whether that is as in the file before."""
        rests_on, former = pieces.elements.keys() & _RESTS_ON, self._former
        if former is not None and rests_on == former.rests_on and rests_on <= shared:
            return former.walk, former.pixel_bytes, True
        unsealed = standing_of(header, self._context.key) is Standing.UNSEALED
        if not unsealed or bears_synthetic_mark(header):
            raise _AnotherWay
        return Walk(header, self._context, frozenset()), stated_bytes(header), False

    def _part(self, walk: Walk, header: Dataset, tag: BaseTag) -> _Part:
        """What the rules make of one element of a file."""
        walk.done, walk.notes = [], {}
        result = Dataset()
        walk.clean_element(header, tag, result)
        if tag in self._own:
            result = Dataset()  # what is written there is the same in all files
        return _elements_part(result, implicit=bool(header.original_encoding[0]), walk=walk)

    def _report(
        self, parts: Mapping[BaseTag, _Part], before: Mapping[BaseTag, _Part]
    ) -> DeidentificationReport:
        """The report of the file; the very one of the file before where the same was done."""
        if self._former is not None and parts.keys() == before.keys():
            same = all(
                part is before[tag]
                or (part.done, part.notes) == (before[tag].done, before[tag].notes)
                for tag, part in parts.items()
            )
            if same:
                return self._former.report
        pixels = (Rule.IMAGE_ATTRIBUTE_KEPT, name_of(known_tag(PIXEL_DATA)))
        done = chain((pixels,), *(part.done for part in parts.values()))
        notes = dict.fromkeys(chain.from_iterable(part.notes for part in parts.values()))
        return report_of(done, notes, again=False)

    def _written(self, header: Dataset, pieces: Pieces, parts: Mapping[BaseTag, _Part]) -> bytes:
        """The copy up to its pixels."""
        own = self._own_parts.get(pieces.implicit) or self._own_parts.setdefault(
            pieces.implicit, _elements_part(self._own, implicit=pieces.implicit)
        )
        encoded: dict[BaseTag, bytes] = {}
        lines: dict[BaseTag, tuple[str, ...]] = {}
        for part in (
            *parts.values(),
            own,
        ):  # what the file says of itself now takes the place of what it said
            encoded |= part.encoded
            lines |= part.lines
        private = [e for part in (*parts.values(), own) for e in part.kept if e.tag.is_private]
        begun = first_lines(Dataset({element.tag: element for element in private}))
        ordered = (line for tag in sorted(lines, key=int) for line in lines[tag])
        seal = seal_of_lines(chain(begun, ordered), self._context.key)
        sealed = DataElement(_METHOD, "LO", [METHOD, seal])
        encoded[_METHOD] = _encoded(sealed, implicit=pieces.implicit)
        meta = self._meta(header, pieces, parts)
        return _PREAMBLE + meta + b"".join(encoded[tag] for tag in sorted(encoded, key=int))

    def _meta(self, header: Dataset, pieces: Pieces, parts: Mapping[BaseTag, _Part]) -> bytes:
        """The file meta information. Two files of one class differ in the UID of the image, if that is as long."""
        (sop_class,), (instance,) = parts[_SOP_CLASS].kept, parts[_SOP_INSTANCE].kept
        uid = str(instance.value).encode("ascii")
        key = (str(sop_class.value), pieces.transfer_syntax, len(uid))
        if key not in self._metas:
            written = _written_meta(header, Dataset({e.tag: e for e in (sop_class, instance)}))
            if written.count(uid) != 1:
                raise _AnotherWay
            before, after = written.split(uid)
            self._metas[key] = (before, after)
        before, after = self._metas[key]
        return before + uid + after


def _generally(content: bytes, context: PseudonymContext) -> CleanedFile:
    with unheard():
        cleaned, report = deidentify(pydicom.dcmread(BytesIO(content)), context=context)
        written = BytesIO()
        pydicom.dcmwrite(written, cleaned, enforce_file_format=True)
    return CleanedFile(written.getvalue(), str(cleaned.SOPInstanceUID), report)


def _check_pixels(pieces: Pieces, stated: int) -> None:
    """Pixels are taken over as they are where no rule and no writer would change a byte of them."""
    length = pieces.value_end - pieces.value_at
    surplus = pieces.native and stated and length > stated
    kept = rule_for(known_tag(PIXEL_DATA), depth=0) is Rule.IMAGE_ATTRIBUTE_KEPT
    if length % 2 or surplus or not kept:
        raise _AnotherWay


def _elements_part(result: Dataset, *, implicit: bool, walk: Walk | None = None) -> _Part:
    kept = tuple(result[tag] for tag in result.keys())  # noqa: SIM118 tags, not elements
    return _Part(
        kept,
        {known_tag(e.tag): _encoded(e, implicit=implicit) for e in kept},
        {known_tag(e.tag): tuple(lines_of(e)) for e in kept if not e.tag.is_private},
        tuple(walk.done) if walk else (),
        tuple(walk.notes) if walk else (),
    )


def _encoded(element: DataElement, *, implicit: bool) -> bytes:
    """The bytes of an element, as the general writer writes it."""
    if _ambiguous(element):
        raise _AnotherWay  # its kind depends on others, which the writer of a whole dataset looks up
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, implicit
    write_data_element(stream, element, _CHARACTER_SET)
    return stream.getvalue()


def _ambiguous(element: DataElement) -> bool:
    if element.VR == "SQ":
        return any(_ambiguous(inner) for part in element.value for inner in part)
    return " or " in element.VR


def _written_meta(header: Dataset, named: Dataset) -> bytes:
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, False
    write_file_meta_info(stream, file_meta(header, named), enforce_standard=True)
    return stream.getvalue()
