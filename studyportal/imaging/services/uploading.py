"""An upload that can break off: files are announced first, arrive in any order, and are complete when all are here."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from studyportal.core.durable import sync, sync_files
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.imaging.models import ImagingSeries
from studyportal.imaging.rules import AnnouncedFile, sizes_by_digest, too_large
from studyportal.imaging.selectors import (
    UploadState,
    announced_files,
    manifest_path,
    quarantine_of,
    state_of,
    upload_state,
    waiting_files,
)
from studyportal.imaging.services.receiving import complete_series, empty_quarantine, purge_series
from studyportal.imaging.states import SeriesStatus
from studyportal.sites.rules import Action
from studyportal.sites.services import require

_PIECE = 1 << 20


@transaction.atomic
def announce_files(
    *, series: ImagingSeries, files: Sequence[AnnouncedFile], by: User, start_over: bool = False
) -> UploadState:
    """The list of files lies in quarantine; what arrived of it before counts as arrived.

    With `start_over` what was announced and sent before is deleted first.

    Raises
    ------
    Refused
        When the upload takes no files, a file is too large, there are too many or no room for them, or another
        folder was begun before.
    """
    locked = _open_for(series, by)
    if start_over:
        empty_quarantine(locked)
    _refuse_unfit(files)
    here = frozenset(waiting_files(series.pk))
    before = {**dict.fromkeys(here, 0), **sizes_by_digest(announced_files(series.pk))}
    state = state_of(tuple(files), here)
    absent = len(before.keys() - sizes_by_digest(files).keys())
    if absent:
        raise Refused(_other_folder(len(before), absent))
    _refuse_without_room(state)
    quarantine_of(series.pk).mkdir(parents=True, exist_ok=True)
    _write_whole(manifest_path(series.pk), json.dumps([asdict(file) for file in files]).encode())
    return state


def take_files(
    *, series: ImagingSeries, stream: BinaryIO, sent: Sequence[tuple[str, int]], by: User
) -> int:
    """The files lie in quarantine, on disk, under their digests; returns how many were new.

    They stand one after the other in the stream, each with the SHA-256 and size given in `sent`. When the stream
    ends early, those that are whole stay.

    Raises
    ------
    Refused
        When the upload takes no files, a file was not announced, or its bytes are not those announced.
    """
    require(by, Action.UPLOAD_IMAGES, site=series.pair.participant.site)
    if series.status != SeriesStatus.RECEIVING:
        raise Refused(_NOT_RECEIVING)
    announced = sizes_by_digest(announced_files(series.pk))
    if any(announced.get(sha256) != size for sha256, size in sent):
        raise Refused(
            Reason("not_announced", "A file came that was not announced. Choose the folder again.")
        )
    folder = quarantine_of(series.pk)
    written: dict[Path, Path] = {}
    try:
        for sha256, size in sent:
            if whole := _take(folder, stream, sha256=sha256, size=size):
                written[whole] = folder / sha256
    finally:  # also what came before the connection broke off
        _keep(written, folder)
    return len(written)


def complete_upload(*, series: ImagingSeries, by: User) -> ImagingSeries:
    """Every announced file is here, no other is, and the series waits for intake.

    Raises
    ------
    Refused
        When nothing was announced, or some of it has not arrived.
    """
    state = upload_state(series.pk)
    if state.missing:
        sentence = (
            f"{state.announced} files were announced and {state.arrived} arrived. "
            "Choose the same folder again; only the missing ones are sent."
        )
        raise Refused(Reason("incomplete", sentence))
    return complete_series(series=series, by=by, announced=state.announced or None)


def abandon_upload(*, series: ImagingSeries, by: User) -> None:
    """What arrived is deleted and the upload is over; another can be begun.

    Raises
    ------
    Refused
        When the upload was completed meanwhile.
    """
    with transaction.atomic():
        purge_series(
            series=_open_for(series, by), by=by, reason="stopped by the person who sent it"
        )


_NOT_RECEIVING = Reason("not_receiving", "This upload is complete and takes no more files.")


def _open_for(series: ImagingSeries, by: User) -> ImagingSeries:
    require(by, Action.UPLOAD_IMAGES, site=series.pair.participant.site)
    locked = ImagingSeries.objects.select_for_update().get(pk=series.pk)
    if locked.status != SeriesStatus.RECEIVING:
        raise Refused(_NOT_RECEIVING)
    return locked


def _other_folder(before: int, absent: int) -> Reason:
    sentence = (
        f"This upload was begun with other files: {absent} of the {before} announced then are not among these. "
        "Choose the first folder again, or start over with these files."
    )
    return Reason("other_folder", sentence)


def _refuse_unfit(files: Sequence[AnnouncedFile]) -> None:
    if not files:
        raise Refused(Reason("no_files", "No file was found there. Choose the folder of a series."))
    if len(files) > settings.UPLOAD_MAX_FILES:
        sentence = f"These are {len(files)} files; one upload takes {settings.UPLOAD_MAX_FILES}. Choose the folder of one series."
        raise Refused(Reason("too_many_files", sentence))
    limit = settings.UPLOAD_MAX_BYTES_PER_FILE
    if large := too_large(files, limit=limit):
        names = ", ".join(file.name for file in large[:3])
        sentence = f"Larger than {limit // 2**20} MB, which a slice of CT or PET never is: {names}."
        raise Refused(Reason("file_too_large", sentence))


def _refuse_without_room(state: UploadState) -> None:
    place = Path(settings.QUARANTINE_DIR)
    place.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(place).free - settings.SPOOL_MIN_FREE_BYTES
    # De-identified copies are stored before the originals are deleted.
    if 2 * (state.announced_bytes - state.arrived_bytes) > free:
        sentence = "The server has no room for these images now. Tell the person who runs it; nothing is lost."
        raise Refused(Reason("no_room", sentence))


def _take(folder: Path, stream: BinaryIO, *, sha256: str, size: int) -> Path | None:
    """Where the bytes lie until they are kept, None when they are here already; the stream stands behind them."""
    if (folder / sha256).exists():
        for _ in _pieces(stream, size):
            pass
        return None
    temporary = folder / f".incoming-{uuid4().hex}"
    digest = hashlib.sha256()
    try:
        with temporary.open("wb", buffering=0) as sink:
            for piece in _pieces(stream, size):
                digest.update(piece)
                sink.write(piece)
        _refuse_changed(digest.hexdigest(), sha256)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _keep(written: Mapping[Path, Path], folder: Path) -> None:
    """Each file is on disk before it has its name."""
    sync_files(written)
    for temporary, target in written.items():
        temporary.rename(target)
    if written:
        sync(folder)


def _refuse_changed(found: str, announced: str) -> None:
    if found != announced:
        raise Refused(Reason("file_changed", "A file changed on the way; send it again."))


def _pieces(stream: BinaryIO, size: int) -> Iterable[bytes]:
    while size:
        piece = stream.read(min(size, _PIECE))
        if not piece:
            raise Refused(Reason("broken_off", "The connection broke off within a file."))
        size -= len(piece)
        yield piece


def _write_whole(target: Path, content: bytes) -> None:
    temporary = target.with_name(f".incoming-{uuid4().hex}")
    with temporary.open("wb") as sink:
        sink.write(content)
        sink.flush()
        os.fsync(sink.fileno())
    temporary.rename(target)
    sync(target.parent)
