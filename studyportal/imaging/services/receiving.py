"""Files come in: into quarantine, counted, then handed to intake. Nothing is interpreted here."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from django.conf import settings
from django.db import transaction

from studyportal.core import clock, spool
from studyportal.core.errors import Reason, Refused, StaleState
from studyportal.core.models import User
from studyportal.core.services import advance, begin, record
from studyportal.core.storage import digest_of
from studyportal.imaging.models import ImagingSeries, ScanPair
from studyportal.imaging.selectors import accepted_series, quarantine_of
from studyportal.imaging.services.forgetting import forget_identity, ledger_key
from studyportal.imaging.states import (
    IMAGING_SERIES,
    SCAN_PAIR,
    PairStatus,
    SeriesRole,
    SeriesStatus,
)
from studyportal.participants.services import refuse_withdrawn, require_consent
from studyportal.participants.states import ParticipantStatus
from studyportal.sites.rules import Action
from studyportal.sites.services import require, require_unlocked

if TYPE_CHECKING:
    from studyportal.participants.models import Participant


@transaction.atomic
def open_series(
    *, participant: Participant, role: SeriesRole, by: User | None, option: str = ""
) -> ImagingSeries:
    """An empty series waits for files; the participant's pair exists. Without a person the portal acts itself.

    Raises
    ------
    Refused
        When the participant is not enrolled, or an accepted series holds this role already.
    """
    if by is not None:
        require(by, Action.UPLOAD_IMAGES, site=participant.site)
    else:
        require_unlocked(participant.site)  # what came over the network waits in the inbox
    require_consent(participant)
    if participant.status != ParticipantStatus.ENROLLED:
        raise Refused(
            Reason(
                "not_enrolled",
                f"{participant.code} is not enrolled; images can be sent after enrolment.",
            )
        )
    pair = _open_pair(participant, by=by)
    if pair.status == PairStatus.EXCLUDED:
        raise Refused(
            Reason(
                "pair_excluded",
                f"The pair of {participant.code} was excluded; no images can be added.",
            )
        )
    if accepted_series(pair, role) is not None:
        raise Refused(
            Reason("role_taken", f"{participant.code} has an accepted {_named(role)} already.")
        )
    series = ImagingSeries.objects.create(
        pair=pair,
        role=role,
        status=SeriesStatus.RECEIVING,
        option=option,
        opened_at=clock.now(),
        sent_by=by,
    )
    begin(series, IMAGING_SERIES, by=by)
    return series


def add_file(*, series: ImagingSeries, stream: BinaryIO, by: User) -> str:
    """The file lies in quarantine, on disk, under its digest, which is returned. Its name is never known.

    Raises
    ------
    Refused
        When the series no longer takes files or the file is too large.
    """
    require(by, Action.UPLOAD_IMAGES, site=series.pair.participant.site)
    if series.status != SeriesStatus.RECEIVING:
        raise Refused(Reason("not_receiving", "This upload is complete and takes no more files."))
    folder = quarantine_of(series.pk)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".incoming-{os.getpid()}-{id(stream)}"
    try:
        sha256 = _write(temporary, stream)
        temporary.rename(folder / sha256)
    finally:
        temporary.unlink(missing_ok=True)
    return sha256


@transaction.atomic
def complete_series(
    *, series: ImagingSeries, by: User | None, announced: int | None = None
) -> ImagingSeries:
    """Every announced file is here and the series waits for intake.

    Raises
    ------
    Refused
        When there is no file, or fewer than were announced.
    """
    if by is not None:
        require(by, Action.UPLOAD_IMAGES, site=series.pair.participant.site)
    refuse_withdrawn(series.pair.participant)
    digests = sorted(path.name for path in quarantine_of(series.pk).glob("[0-9a-f]*"))
    if not digests:
        raise Refused(
            Reason(
                "no_files",
                "No file was received. Choose the folder of the series and send it again.",
            )
        )
    if announced is not None and announced != len(digests):
        raise Refused(
            Reason(
                "incomplete",
                f"{announced} different files were announced and {len(digests)} arrived. Send the missing ones again.",
            )
        )
    advance(
        series,
        IMAGING_SERIES,
        SeriesStatus.RECEIVED,
        by=by,
        received_files=len(digests),
        received_digest=combined_digest(digests),
    )
    pair = ScanPair.objects.select_for_update().get(pk=series.pair_id)
    movable = (PairStatus.AWAITING_IMAGES, PairStatus.QUERY_OPEN, PairStatus.READY)
    # Outlines are no part of what makes a pair ready, so their arrival does not put it in question.
    if series.role != SeriesRole.OUTLINES and pair.status in movable:
        advance(
            pair,
            SCAN_PAIR,
            PairStatus.CHECKING,
            by=by,
            reason=f"{_named(SeriesRole(series.role))} received",
        )
    participant = pair.participant
    record(
        "receive_series",
        series,
        f"{participant.code}: {len(digests)} files of the {_named(SeriesRole(series.role))} were received.",
        by=by,
        site_code=participant.site.code,
    )
    return series


def combined_digest(digests: Iterable[str]) -> str:
    """One digest over those of all files of an upload, in whatever order they came."""
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


def receive_series(
    *, participant: Participant, role: SeriesRole, files: Iterable[Path], by: User, option: str = ""
) -> ImagingSeries:
    """All files of a folder were received as one series (the way of the command line)."""
    series = open_series(participant=participant, role=role, by=by, option=option)
    try:
        for path in sorted(files):
            with path.open("rb") as stream:
                add_file(series=series, stream=stream, by=by)
        return complete_series(series=series, by=by)
    except BaseException:  # no half of a folder stays behind
        empty_quarantine(series)
        raise


@transaction.atomic
def purge_series(*, series: ImagingSeries, by: User | None, reason: str) -> None:
    """What came in is deleted; the row and its findings stay.

    With the last accepted series of a participant goes the link to the hospital's patient.
    """
    held = series.status == SeriesStatus.ACCEPTED
    advance(series, IMAGING_SERIES, SeriesStatus.PURGED, by=by, reason=reason)
    rest = ImagingSeries.objects.filter(pair=series.pair_id, status=SeriesStatus.ACCEPTED)
    if held and not rest.exists():
        forget_identity(participant=series.pair.participant, reason=reason, by=by)
    if held:  # the same images can be sent anew
        doomed = [ledger_key(series)]
        transaction.on_commit(
            lambda: spool.forget_series(series.pair.participant.site.code, doomed)
        )
    transaction.on_commit(lambda: empty_quarantine(series))


def purge_stale(*, before: datetime) -> int:
    """What was refused or abandoned before this moment is deleted; returns how many series it was."""
    stale = ImagingSeries.objects.filter(
        status__in=(SeriesStatus.QUARANTINED, SeriesStatus.RECEIVING), opened_at__lt=before
    )
    purged = 0
    for series in stale:
        with suppress(StaleState):  # it was completed in the meantime
            purge_series(series=series, by=None, reason="nobody sent it again in time")
            purged += 1
    return purged


def empty_quarantine(series: ImagingSeries) -> None:
    """No original file of this series is left."""
    shutil.rmtree(quarantine_of(series.pk), ignore_errors=True)


def _open_pair(participant: Participant, *, by: User | None) -> ScanPair:
    pair, created = ScanPair.objects.get_or_create(
        participant=participant,
        defaults={"status": PairStatus.AWAITING_IMAGES, "opened_at": clock.now()},
    )
    if created:
        begin(pair, SCAN_PAIR, by=by)
    return pair


def _write(target: Path, stream: BinaryIO) -> str:
    size = 0
    with target.open("wb") as sink:
        while piece := stream.read(1 << 20):
            size += len(piece)
            if size > settings.UPLOAD_MAX_BYTES_PER_FILE:
                limit = settings.UPLOAD_MAX_BYTES_PER_FILE // 2**20
                raise Refused(
                    Reason(
                        "file_too_large",
                        f"A file is larger than {limit} MB; a slice of CT or PET never is.",
                    )
                )
            sink.write(piece)
        sink.flush()
        os.fsync(sink.fileno())
    return digest_of(target)


def _named(role: SeriesRole) -> str:
    return {SeriesRole.SOURCE: "CT", SeriesRole.REFERENCE: "PET", SeriesRole.OUTLINES: "outlines"}[
        role
    ]
