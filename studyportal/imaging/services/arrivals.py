"""What a person, or the portal for a bound patient, does with an arrival: assign it or discard it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction

from studyportal.core import clock, spool
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import advance, record
from studyportal.imaging.models import Arrival, ArrivalConflict, ImagingSeries
from studyportal.imaging.rules import role_of
from studyportal.imaging.selectors import (
    being_checked,
    bound_owner,
    key_of,
    open_arrivals,
    quarantine_of,
    refused_before,
)
from studyportal.imaging.services.asking import ask_about_arrival
from studyportal.imaging.services.forgetting import forget_arrival
from studyportal.imaging.services.reading import headlines_of
from studyportal.imaging.services.receiving import complete_series, open_series, purge_series
from studyportal.imaging.states import ARRIVAL, ArrivalStatus, SeriesRole, SeriesStatus
from studyportal.sites.rules import Action
from studyportal.sites.services import require

if TYPE_CHECKING:
    from studyportal.participants.models import Participant
    from studyportal.sites.models import Site

_NAMED = {SeriesRole.SOURCE: "CT", SeriesRole.REFERENCE: "PET", SeriesRole.OUTLINES: "outlines"}


def assign_arrival(*, arrival: Arrival, participant: Participant, by: User | None) -> ImagingSeries:
    """The arrival is a received series of the participant, as if it had been uploaded, and waits for intake.

    Images of the same series that a check refused before and that are still kept are taken along, so that a series
    is complete once the missing ones were sent.

    Raises
    ------
    Refused
        When it is not complete yet, an image of it came with other content too and nobody settled that, is of another site, has no role in a pair, or the patient is somebody else.
    """
    role = _role_for(arrival, participant, by=by)
    folders = [quarantine_of(pk) for pk in (arrival.pk, *refused_before(arrival))]
    made: list[Path] = []
    try:
        with transaction.atomic():
            series = open_series(participant=participant, role=role, by=by)
            made.append(_linked(folders, quarantine_of(series.pk)))
            complete_series(series=series, by=by)
            advance(arrival, ARRIVAL, ArrivalStatus.ASSIGNED, by=by, series=series, note="")
            ask_about_arrival(arrival)
            record(
                "assign_arrival",
                arrival,
                f"{participant.code}: images from {arrival.sender} were assigned as {_NAMED[role]}.",
                by=by,
                site_code=arrival.site.code,
            )
    except BaseException:
        for folder in made:  # the arrival still has its files
            shutil.rmtree(folder, ignore_errors=True)
        raise
    transaction.on_commit(lambda: shutil.rmtree(quarantine_of(arrival.pk), ignore_errors=True))
    return series


@transaction.atomic
def discard_arrival(*, arrival: Arrival, reason: str, by: User | None) -> Arrival:
    """Its images are deleted and can be sent anew, also with other content.

    Raises
    ------
    Refused
        When there is no reason, or a check is going on or has accepted the images.
    """
    if by is not None:
        require(by, Action.SORT_INBOX, site=arrival.site)
    if not reason.strip():
        raise Refused(Reason("reason_missing", "Say why the images are discarded."))
    series = arrival.series
    if series is not None and series.status not in (SeriesStatus.QUARANTINED, SeriesStatus.PURGED):
        raise Refused(
            Reason("arrival_in_use", "A check has these images or accepted them; they stay.")
        )
    folder = quarantine_of(series.pk if series is not None else arrival.pk)
    keys = _instance_keys(folder, arrival.site)
    if series is not None and series.status == SeriesStatus.QUARANTINED:
        purge_series(series=series, by=by, reason=reason.strip())
    advance(arrival, ARRIVAL, ArrivalStatus.DISCARDED, by=by, reason=reason.strip())
    ask_about_arrival(arrival)
    record(
        "discard_arrival",
        arrival,
        f"{arrival.files} images from {arrival.sender} were discarded.",
        by=by,
        site_code=arrival.site.code,
        reason=reason.strip(),
    )
    forget_arrival(arrival)
    transaction.on_commit(lambda: _delete(folder, arrival.site.code, keys))
    return arrival


@transaction.atomic
def settle_conflict(*, conflict: ArrivalConflict, reason: str, by: User) -> ArrivalConflict:
    """It is said which of the two images is right, and the conflict asks for nothing any more."""
    site = conflict.arrival.site
    require(by, Action.SORT_INBOX, site=site)
    if not reason.strip():
        raise Refused(Reason("reason_missing", "Say which image is right and who said so."))
    settled = {"settled_at": clock.now(), "settled_by": by, "settled_reason": reason.strip()}
    if ArrivalConflict.objects.filter(pk=conflict.pk, settled_at=None).update(**settled) != 1:
        raise Refused(Reason("conflict_settled", "This conflict is settled already."))
    record(
        "settle_conflict",
        conflict,
        "A conflict of two images under one identifier was settled.",
        by=by,
        site_code=site.code,
        reason=reason.strip(),
    )
    conflict.refresh_from_db()
    open_arrivals().filter(pk=conflict.arrival_id).update(
        note=""
    )  # it may be assigned by itself now
    ask_about_arrival(conflict.arrival)
    return conflict


def discard_stale(*, before: datetime) -> int:
    """What nobody assigned, or a check refused, before this moment is deleted; returns how many arrivals it was."""
    refused = Arrival.objects.filter(
        status=ArrivalStatus.ASSIGNED, series__status=SeriesStatus.QUARANTINED, last_at__lt=before
    )
    unwanted = open_arrivals().filter(status=ArrivalStatus.WAITING, last_at__lt=before)
    stale = [*unwanted, *refused.select_related("site", "series")]
    for arrival in stale:
        discard_arrival(arrival=arrival, reason="Nobody used it in time.", by=None)
    return len(stale)


def _role_for(arrival: Arrival, participant: Participant, *, by: User | None) -> SeriesRole:
    if by is not None:
        require(by, Action.SORT_INBOX, site=arrival.site)
    if not arrival.modality:
        sentence = "These files cannot be read as images. Discard them and have them sent again."
        raise Refused(Reason("not_dicom", sentence))
    role = role_of(arrival.modality)
    if role is None:
        raise Refused(Reason("no_role", "Only CT, PET and outlines can be assigned."))
    if participant.site_id != arrival.site_id:
        raise Refused(Reason("other_site", "The participant belongs to another site."))
    if not arrival.files or arrival.status != ArrivalStatus.WAITING:
        raise Refused(
            Reason(
                "not_complete", "No image of it waits; more may be on the way. Look again later."
            )
        )
    if ArrivalConflict.objects.filter(arrival=arrival, settled_at=None).exists():
        sentence = "An image of it came twice with other content; the first one was kept. Say first which is right."
        raise Refused(Reason("conflict", sentence))
    if being_checked(participant, role):
        sentence = f"A {_NAMED[role]} of {participant.code} is being checked. Wait for its verdict."
        raise Refused(Reason("role_busy", sentence))
    _same_patient(arrival, participant)
    return role


def _same_patient(arrival: Arrival, participant: Participant) -> None:
    if not arrival.patient_key:
        return  # intake judges images that name no patient
    owner, key = bound_owner(arrival.patient_key), key_of(participant)
    if owner is not None and owner != participant:
        raise Refused(
            Reason(
                "identity_conflict", "These images belong to a patient who is another participant."
            )
        )
    if key and key != arrival.patient_key:
        sentence = f"These images belong to another patient than the ones sent before for {participant.code}."
        raise Refused(Reason("identity_conflict", sentence))


def _linked(folders: Iterable[Path], target: Path) -> Path:
    """The files stand in the target too. They are linked, not moved, so that a rollback loses none."""
    target.mkdir(parents=True)
    for folder in folders:
        for path in folder.glob("[0-9a-f]*"):
            if not (target / path.name).exists():
                os.link(path, target / path.name)
    return target


def _instance_keys(folder: Path, site: Site) -> list[str]:
    told = headlines_of(sorted(folder.glob("[0-9a-f]*")), site.code)
    return [spool.keyed(site.code, uid) for one in told if (uid := one.get("instance"))]


def _delete(folder: Path, site_code: str, keys: Iterable[str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    spool.forget(site_code, keys)
