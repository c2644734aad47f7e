"""Files of a series, read one after the other with suspicion: headers, values, and what is wrong with each."""

import warnings
from pathlib import Path
from typing import Literal

from pydicom import Dataset
from pydicom.tag import BaseTag

from evaluation.imaging.instance import (
    ACCEPTED_SYNTAXES,
    LARGEST_FILE_BYTES,
    Instance,
    drop_unreadable,
    header_faults,
    read_header,
)
from evaluation.imaging.pieces import PIXEL_DATA, Pieces, cut
from evaluation.imaging.pixels import plane_of
from evaluation.imaging.reasons import Reason
from evaluation.imaging.representation import representation_fault
from evaluation.imaging.shared_header import HeaderReader, read_piece
from evaluation.imaging.stored_values import values_of

_LONGEST_HEADER = 1 << 16  # of those that are read in one go; longer ones exist


def read_instance(path: Path, *, allow_synthetic: bool = False) -> Instance:
    """Read one file completely and list every fault of it; never raises for what the file holds.

    Parameters
    ----------
    path
        A DICOM file (with preamble) of a CT or PET image.
    allow_synthetic
        Accept a file that carries one of the marks of a synthetic image.
    """
    return InstanceReader(allow_synthetic=allow_synthetic).read(path)


class InstanceReader:
    """Reads the files of a series one after the other; what a header shares with the one before is read once.

    Shared elements are the same objects, which must not be written to. Whoever wants the values as well may go on to
    change the headers, so where values are kept nothing is shared.

    Parameters
    ----------
    allow_synthetic
        Accept files that carry one of the marks of a synthetic image.
    values
        Whether the values are kept, or only what they are like, or whether they are not looked at.
    """

    def __init__(
        self,
        *,
        allow_synthetic: bool = False,
        values: Literal["kept", "measured", "unread"] = "kept",
    ) -> None:
        self._allow_synthetic = allow_synthetic
        self._values = values
        self._headers = HeaderReader()
        self._dropped: dict[BaseTag, tuple[str, ...]] = {}  # of the file before, by root element
        self._former: Pieces | None = None

    def read(self, path: Path) -> Instance:
        """Read one file completely and list every fault of it; never raises for what the file holds."""
        content = content_of(path)
        return self.read_content(path, content, self.cut(content))

    def cut(self, content: bytes) -> Pieces | None:
        """Return the bytes of a file cut into its elements; None where its layout is not the standard's."""
        pieces = cut(content, like=self._former)
        self._former = pieces or self._former
        return pieces

    def read_content(self, path: Path, content: bytes, pieces: Pieces | None) -> Instance:
        """Read a file whose bytes are at hand, cut by `cut`; `path` says where it is."""
        with warnings.catch_warnings():
            # pydicom warns about values too long for their VR; each value used here is checked anyway.
            warnings.simplefilter("ignore")
            if pieces is None or pieces.transfer_syntax not in ACCEPTED_SYNTAXES:
                return self._read_generally(path)
            return self._read_pieces(path, content, pieces)

    def _read_generally(self, path: Path) -> Instance:
        header, unreadable = read_header(path, pixels=True)
        if unreadable is not None:
            return Instance(path, header, None, (unreadable,))
        wrong = representation_fault(header, path.name)
        return self._judged(path, header, wrong, drop_unreadable(header))

    def _read_pieces(self, path: Path, content: bytes, pieces: Pieces) -> Instance:
        try:
            header, shared = self._headers.header(pieces)
            pixels = content[pieces.pixels_at :]
            header[PIXEL_DATA] = read_piece(pixels, implicit=pieces.implicit)
        except Exception:  # noqa: BLE001 - hostile bytes raise anything; the general parser says what they are
            return self._read_generally(path)
        wrong = representation_fault(header, path.name, judged=shared)
        dropped = self._dropped_of(header, shared)
        if wrong is None and self._values != "kept":
            self._headers.remember(pieces, header)
        else:
            self._headers.forget()
        return self._judged(path, header, wrong, dropped)

    def _dropped_of(self, header: Dataset, shared: frozenset[BaseTag]) -> tuple[str, ...]:
        """Remove what cannot be read; of shared elements that happened before, to the very objects."""
        before, self._dropped = self._dropped, {}
        for tag in (*header.keys(), *(before.keys() & shared) - header.keys()):
            gone = before.get(tag, ()) if tag in shared else drop_unreadable(header, tag)
            if gone:
                self._dropped[tag] = gone
        return tuple(tag for gone in self._dropped.values() for tag in gone)

    def _judged(
        self, path: Path, header: Dataset, wrong: Reason | None, dropped: tuple[str, ...]
    ) -> Instance:
        reasons = header_faults(header, path.name, allow_synthetic=self._allow_synthetic)
        if wrong is not None:
            reasons = (wrong, *reasons)
        unread = reasons or self._values == "unread"
        pixels, pixel_reasons = (None, ()) if unread else values_of(header, path.name)
        if "PixelData" in header:
            del header.PixelData
        measured = pixels is not None and self._values == "measured"
        plane = plane_of(pixels) if pixels is not None and measured else None
        kept = pixels if self._values == "kept" else None
        return Instance(path, header, kept, reasons + pixel_reasons, dropped, plane)


class FileHeaders:
    """Reads headers one after the other, as `read_header` does; what one shares with the one before is read once."""

    def __init__(self) -> None:
        self._headers = HeaderReader()
        self._former: tuple[Pieces, Dataset] | None = None
        self._like: Pieces | None = None

    def read(self, path: Path) -> tuple[Dataset, Reason | None]:
        """Return the header of a file, or an empty one with the reason why it cannot be read."""
        if self._former is not None:  # by now what was asked of it is read
            self._headers.remember(*self._former)
            self._former = None
        pieces = _beginning_in_pieces(path, like=self._like)
        self._like = pieces or self._like
        if pieces is None or pieces.transfer_syntax not in ACCEPTED_SYNTAXES:
            return read_header(path)
        try:
            header, _shared = self._headers.header(pieces)
        except Exception:  # noqa: BLE001 - hostile bytes raise anything; the general parser says what they are
            return read_header(path)
        self._former = (pieces, header)
        return header, None


def _beginning_in_pieces(path: Path, *, like: Pieces | None) -> Pieces | None:
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            start = stream.read(_LONGEST_HEADER)
    except OSError:
        return None
    return None if size > LARGEST_FILE_BYTES else cut(start, size=size, like=like)


def content_of(path: Path) -> bytes:
    """Return the bytes of a file; none where it is larger than any image or cannot be read."""
    try:
        return path.read_bytes() if path.stat().st_size <= LARGEST_FILE_BYTES else b""
    except OSError:
        return b""
