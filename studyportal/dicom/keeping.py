"""Puts received DICOM into a batch of the spool, and says in the standard's numbers why not."""

from pathlib import Path

from studyportal.core.spool import Batch, Outcome
from studyportal.core.storage import digest_of
from studyportal.dicom.accepted import SOP_CLASSES, TRANSFER_SYNTAXES
from studyportal.dicom.head import Head, NotDicom, file_start, identity_of, read_head

# Statuses of C-STORE; STOW-RS gives the same numbers as failure reasons (PS3.4 B.2.3, PS3.18 I.2.2).
SUCCESS, PROCESSING_FAILURE, DUPLICATE = 0x0000, 0x0110, 0x0111
CLASS_NOT_SUPPORTED, SYNTAX_NOT_SUPPORTED = 0x0122, 0xC122
OUT_OF_RESOURCES, MISMATCH, CANNOT_UNDERSTAND = 0xA700, 0xA900, 0xC000
STATUS = {Outcome.STORED: SUCCESS, Outcome.SAME: SUCCESS, Outcome.CONFLICT: DUPLICATE}


class NotTaken(ValueError):
    """The file is not taken, for the reason with this number; `head` says which one it is, where it could be read."""

    def __init__(self, status: int, why: str, head: Head | None = None) -> None:
        super().__init__(why)
        self.status = status
        self.head = head


def settle_file(
    batch: Batch, temporary: Path, *, site_code: str, study: str = ""
) -> tuple[Head, Outcome]:
    """A DICOM file that lies at `Batch.incoming()` is kept, or gone because its instance is known already.

    Raises
    ------
    NotTaken
        When it is no DICOM file, of another study than the named one, or of a class or syntax that is not taken.
    """
    try:
        with temporary.open("rb") as stream:
            try:
                syntax = file_start(stream)
                if syntax not in TRANSFER_SYNTAXES:
                    raise NotTaken(SYNTAX_NOT_SUPPORTED, "Its transfer syntax is not taken.")
                start = stream.tell()
                head = read_head(stream, transfer_syntax=syntax)
            except NotDicom as refused:
                raise NotTaken(CANNOT_UNDERSTAND, str(refused)) from refused
            _expected(head, study)
            stream.seek(start)
            identity = identity_of(
                head, site_code=site_code, transfer_syntax=syntax, dataset=stream
            )
        outcome = batch.look_up(identity)
        if outcome is None:
            outcome = batch.settle(temporary, identity, sha256=digest_of(temporary))
    finally:
        temporary.unlink(missing_ok=True)
    return head, outcome


def _expected(head: Head, study: str) -> None:
    if head.sop_class not in SOP_CLASSES:
        raise NotTaken(CLASS_NOT_SUPPORTED, "Images of this kind are not taken.", head)
    if study and head.study != study:
        raise NotTaken(MISMATCH, "It belongs to another study than the one named.", head)
