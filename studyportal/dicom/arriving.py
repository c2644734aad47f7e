"""One image that comes in: its bytes go to the disk and into two digests as they arrive, then it is settled."""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

from django.conf import settings

from studyportal.dicom.commands import Command, start_of_file
from studyportal.dicom.head import NotDicom, first_line, is_uid, keys_of, read_head
from studyportal.dicom.keeping import CANNOT_UNDERSTAND, MISMATCH, OUT_OF_RESOURCES, STATUS

if TYPE_CHECKING:
    from pathlib import Path

    from studyportal.core.spool import Batch
    from studyportal.dicom.negotiation import Context

_log = logging.getLogger(__name__)


class TooLarge(Exception):
    """The sender sends more than an image has."""


class Arriving:
    """Takes the dataset of one C-STORE request piece by piece; memory holds one piece of it.

    Once a piece could not be kept, the rest is let pass, because the sender listens only at the end.
    """

    def __init__(self, command: Command, context: Context, *, batch: Batch, site_code: str) -> None:
        self._command, self._context = command, context
        self._batch, self._site = batch, site_code
        self._room = settings.UPLOAD_MAX_BYTES_PER_FILE
        self._file: _File | None = None
        self._refused: int | None = None
        if is_uid(command.sop_class) and is_uid(command.sop_instance):
            self._begin()
        else:
            self._refuse(CANNOT_UNDERSTAND, "The request names no instance.")

    def take(self, piece: memoryview) -> None:
        """The piece is with the system.

        Raises
        ------
        TooLarge
            When the image grew larger than `UPLOAD_MAX_BYTES_PER_FILE`.
        """
        self._room -= len(piece)
        if self._room < 0:
            raise TooLarge
        if self._file is not None:
            try:
                self._file.take(piece)
            except OSError as error:
                self._no_room(error)

    def settle(self) -> int:
        """The status to answer with; success means that the image lies on disk, durably, or lay there already."""
        status = self._refused
        if self._file is not None:
            try:
                status = self._settled(self._file)
            except NotDicom as refused:
                status = self._refuse(CANNOT_UNDERSTAND, str(refused))
            except OSError as error:
                status = self._no_room(error)
        self.drop()
        return CANNOT_UNDERSTAND if status is None else status

    def drop(self) -> None:
        """Nothing of an image that is not settled is left."""
        if self._file is not None:
            self._file.delete()
            self._file = None

    def _begin(self) -> None:
        start = start_of_file(
            sop_class=self._command.sop_class,
            sop_instance=self._command.sop_instance,
            transfer_syntax=self._context.transfer_syntax,
        )
        try:
            self._file = _File(self._batch.incoming(), start, self._context.transfer_syntax)
        except OSError as error:
            self._no_room(error)

    def _settled(self, file: _File) -> int:
        head = read_head(file.dataset(), transfer_syntax=self._context.transfer_syntax)
        said = (self._command.sop_class, self._command.sop_instance)
        if (head.sop_class, head.sop_instance) != said or head.sop_class != self._context.sop_class:
            return self._refuse(MISMATCH, "The request and its dataset name different instances.")
        identity = keys_of(head, site_code=self._site, digest=file.of_dataset.hexdigest())
        outcome = self._batch.settle(file.path, identity, sha256=file.of_file.hexdigest())
        return STATUS[outcome]

    def _no_room(self, error: OSError) -> int:
        _log.error("a file could not be kept: %s", type(error).__name__)
        self.drop()
        return self._refuse(OUT_OF_RESOURCES, "The disk of the receiver is full or failed.")

    def _refuse(self, status: int, why: str) -> int:
        self._refused = status
        self._batch.fail(why)
        return status


class _File:
    """A file that is being written, and the digests of all of it and of its dataset with the transfer syntax."""

    def __init__(self, path: Path, start: bytes, transfer_syntax: str) -> None:
        self.path = path
        self.of_file, self.of_dataset = hashlib.sha256(start), first_line(transfer_syntax)
        self._start = len(start)
        self._stream = path.open("w+b")
        self._stream.write(start)

    def take(self, piece: memoryview) -> None:
        self._stream.write(piece)
        self.of_file.update(piece)
        self.of_dataset.update(piece)

    def dataset(self) -> BinaryIO:
        self._stream.flush()
        self._stream.seek(self._start)
        return self._stream

    def delete(self) -> None:
        with suppress(OSError):  # what is still in the buffer may find no room either
            self._stream.close()
        self.path.unlink(missing_ok=True)
