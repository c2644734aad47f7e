"""Headers of files that come one after the other: what a file shares with the one before it is read once."""

from collections.abc import Iterable, Mapping, MutableSequence
from dataclasses import dataclass
from io import BytesIO

from pydicom import DataElement, Dataset
from pydicom.charset import convert_encodings, default_encoding
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import data_element_generator
from pydicom.tag import BaseTag

from evaluation.imaging.pieces import PIXEL_DATA, Pieces, known_tag

_CHARACTER_SET, _PIXEL_REPRESENTATION, _BITS_ALLOCATED = 0x00080005, 0x00280103, 0x00280100
Element = DataElement | RawDataElement
Encoding = str | MutableSequence[str]  # of texts, as pydicom names it


@dataclass(frozen=True)
class _Former:
    """A file that was read: its pieces and what they were read as; `context` is what that reading rests on."""

    context: tuple[bytes, ...]
    encoding: Encoding
    pieces: Mapping[BaseTag, bytes]
    elements: Mapping[BaseTag, Element]
    meta_pieces: Mapping[BaseTag, bytes]
    meta: Mapping[BaseTag, Element]


class HeaderReader:
    """Builds the header of each file, sharing with it what was read of the file before.

    Shared elements are the same objects in all headers: they may be replaced or deleted in one, never written to.
    """

    def __init__(self) -> None:
        self._former: _Former | None = None
        # What the header that was built last holds; pydicom puts each value here once it is converted.
        self._elements: dict[BaseTag, Element] = {}
        self._meta_elements: dict[BaseTag, Element] = {}

    def header(self, pieces: Pieces) -> tuple[Dataset, frozenset[BaseTag]]:
        """The header of a file without its pixels, and the tags that it shares with the file before it."""
        former = self._former
        if former is not None and former.context != _context(pieces.elements):
            former = None  # the same bytes may now mean something else
        encoding = _encoding(pieces) if former is None else former.encoding
        shared: set[BaseTag] = set()
        elements: dict[BaseTag, Element] = {}
        before: Mapping[BaseTag, bytes] = former.pieces if former is not None else {}
        for tag, piece in pieces.elements.items():
            if former is not None and before.get(tag) == piece:
                shared.add(tag)
                if tag in former.elements:  # else it could not be read there, and cannot here
                    elements[tag] = former.elements[tag]
            else:
                elements[tag] = read_piece(piece, implicit=pieces.implicit, encoding=encoding)
        header, self._elements = Dataset(elements), elements
        header.set_original_encoding(pieces.implicit, True, encoding)  # noqa: FBT003 pydicom's own order
        header.file_meta = self._meta(pieces)
        return header, frozenset(shared)

    def remember(self, pieces: Pieces, header: Dataset) -> None:
        """The next file may share what was read of this one, which must have been read without a fault.

        To be called with the header that was built last.
        """
        elements, meta = dict(self._elements), dict(self._meta_elements)
        elements.pop(known_tag(PIXEL_DATA), None)
        context, encoding = _context(pieces.elements), header.original_character_set
        self._former = _Former(context, encoding, pieces.elements, elements, pieces.meta, meta)

    def forget(self) -> None:
        """The next file shares nothing."""
        self._former = None

    def _meta(self, pieces: Pieces) -> FileMetaDataset:
        former = self._former
        elements: dict[BaseTag, Element] = {}
        for tag, piece in pieces.meta.items():
            if former is not None and former.meta_pieces.get(tag) == piece:
                elements[tag] = former.meta[tag]
            else:
                elements[tag] = read_piece(piece, implicit=False, encoding=default_encoding)
        self._meta_elements = elements
        return FileMetaDataset(elements)


def read_piece(piece: bytes, *, implicit: bool, encoding: Encoding = default_encoding) -> Element:
    """The element that a piece holds, as pydicom reads it: its value is still to be converted."""
    return next(data_element_generator(BytesIO(piece), implicit, True, encoding=encoding))  # noqa: FBT003


def private_creators(tags: Iterable[int]) -> list[int]:
    """The tags by which makers claim blocks of private elements."""
    return [tag for tag in tags if tag & 0x10000 and 0x10 <= tag & 0xFFFF <= 0xFF]


def _context(pieces: Mapping[BaseTag, bytes]) -> tuple[bytes, ...]:
    """What the reading of an element rests on beside its own bytes: texts, private kinds, signs of numbers."""
    named = (_CHARACTER_SET, _PIXEL_REPRESENTATION, _BITS_ALLOCATED)
    return tuple(pieces.get(known_tag(tag), b"") for tag in (*named, *private_creators(pieces)))


def _encoding(pieces: Pieces) -> Encoding:
    piece = pieces.elements.get(known_tag(_CHARACTER_SET))
    if piece is None:
        return default_encoding
    bare = Dataset()
    bare[_CHARACTER_SET] = read_piece(piece, implicit=pieces.implicit, encoding=default_encoding)
    found: list[str] = convert_encodings(bare[_CHARACTER_SET].value)
    return found
