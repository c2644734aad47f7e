"""The spool becomes the inbox: what came over the network is sorted by series, without a name in the database.

Everything here may be interrupted and run again: rows are found by their key, files are moved under their digest.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from studyportal.core import clock, spool
from studyportal.core.errors import Refused
from studyportal.core.services import advance, begin, record
from studyportal.core.spool import Ending, Outcome, ReceivedBatch
from studyportal.core.storage import digest_of
from studyportal.imaging.models import Arrival, ArrivalConflict
from studyportal.imaging.rules import Headline, role_of
from studyportal.imaging.selectors import (
    bound_owner,
    open_arrivals,
    quarantine_of,
    rivals_of,
)
from studyportal.imaging.services.arrivals import assign_arrival
from studyportal.imaging.services.asking import ask_about_arrival
from studyportal.imaging.services.reading import headlines_of
from studyportal.imaging.states import ARRIVAL, ArrivalStatus
from studyportal.sites.selectors import site_by_code

if TYPE_CHECKING:
    from studyportal.imaging.models import ImagingSeries
    from studyportal.sites.models import Site

_log = logging.getLogger(__name__)


def read_spool() -> int:
    """Every ended batch of the spool is in the inbox; returns how many there were."""
    taken = 0
    with spool.sole_reader() as mine:
        for batch in spool.ended_batches() if mine else ():
            site = site_by_code(batch.site_code)
            if site is None:
                _log.error("the spool holds images for %s, which is no site", batch.site_code)
                continue
            _take(batch, site)
            taken += 1
    return taken


def settle_inbox() -> list[ImagingSeries]:
    """Arrivals that were quiet long enough are complete; those of a bound patient are assigned and returned."""
    quiet = clock.now() - timedelta(seconds=settings.INBOX_QUIET_SECONDS)
    for arrival in open_arrivals().filter(status=ArrivalStatus.COLLECTING, last_at__lt=quiet):
        _count(arrival)  # an interrupted run may have moved files without counting them
        advance(arrival, ARRIVAL, ArrivalStatus.WAITING, by=None)
    waiting = open_arrivals().filter(status=ArrivalStatus.WAITING, note="").exclude(patient_key="")
    assigned = (_assign_by_binding(arrival) for arrival in waiting.filter(broken_off=False))
    return [series for series in assigned if series is not None]


def _assign_by_binding(arrival: Arrival) -> ImagingSeries | None:
    participant = bound_owner(arrival.patient_key)
    role = role_of(arrival.modality)
    if participant is None or role is None or arrival.several_patients:
        return None
    if rivals_of(arrival).exists():
        _note(
            arrival,
            "More than one series of this kind came for the participant; choose the one to use.",
        )
        return None
    try:
        return assign_arrival(arrival=arrival, participant=participant, by=None)
    except Refused as refusal:
        _note(arrival, str(refusal))
        return None


def _note(arrival: Arrival, sentence: str) -> None:
    arrival.note = sentence
    arrival.save(update_fields=["note"])


def _take(batch: ReceivedBatch, site: Site) -> None:
    began: Mapping[str, str] = next((e for e in batch.events if e["event"] == "began"), {})
    facts = {"way": began.get("way", "c_store"), "sender": began.get("sender", "")[:150]}
    whole = [path for path in batch.files if _whole(path)]
    told = headlines_of(whole, site.code)
    touched = set(_kept(zip(whole, told, strict=True), site, facts))
    touched |= {event["series"] for event in batch.events if event["event"] == Outcome.SAME}
    _mark(site, touched, broken_off=batch.ending != Ending.RELEASED)
    for event in batch.events:
        if event["event"] == Outcome.CONFLICT:
            _keep_conflict(event, site, facts)
    spool.remove(batch)


def _whole(path: Path) -> bool:
    """Whether the bytes are the ones of the name; others were never answered with success before a crash."""
    whole = digest_of(path) == path.name
    if not whole:
        _log.error("a file of the spool was not written to its end and is dropped")
    return whole


def _kept(
    files: Iterable[tuple[Path, Mapping[str, str]]], site: Site, facts: Mapping[str, str]
) -> Iterator[str]:
    """The files lie in the quarantine of their arrivals; the keys of their series."""
    alike: dict[Headline, list[Path]] = {}
    for path, told in files:
        alike.setdefault(_headline(told, site), []).append(path)
    for headline, paths in alike.items():  # an image more costs no question to the database
        arrival = _arrival_of(headline, site, facts)
        folder = quarantine_of(arrival.pk)
        folder.mkdir(parents=True, exist_ok=True)
        if arrival.patient_key != headline.patient_key:
            arrival.several_patients = True
            arrival.save(update_fields=["several_patients"])
        for path in paths:
            shutil.move(path, folder / path.name)
        yield headline.series_key


def _headline(told: Mapping[str, str], site: Site) -> Headline:
    return Headline(
        series_key=spool.keyed(site.code, told.get("series", "")),
        study_key=spool.keyed(site.code, told.get("study", "")),
        patient_key=told.get("patient", ""),
        modality=told.get("modality", "")[:16],
    )


def _count(arrival: Arrival) -> None:
    sizes = [path.stat().st_size for path in quarantine_of(arrival.pk).glob("[0-9a-f]*")]
    arrival.files, arrival.size = len(sizes), sum(sizes)
    arrival.save(update_fields=["files", "size"])


@transaction.atomic
def _arrival_of(headline: Headline, site: Site, facts: Mapping[str, str]) -> Arrival:
    found = open_arrivals().filter(site=site, series_key=headline.series_key).first()
    if found is not None:
        return found
    now = clock.now()
    arrival = Arrival.objects.create(
        site=site,
        status=ArrivalStatus.COLLECTING,
        first_at=now,
        last_at=now,
        patient_key=headline.patient_key,
        study_key=headline.study_key,
        series_key=headline.series_key,
        modality=headline.modality,
        **facts,
    )
    begin(arrival, ARRIVAL, by=None)
    return arrival


def _mark(site: Site, series_keys: Iterable[str], *, broken_off: bool) -> None:
    """The series that the batch touched wait for quiet again; how the newest batch ended is what counts."""
    for arrival in open_arrivals().filter(site=site, series_key__in=list(series_keys)):
        _count(arrival)
        arrival.last_at, arrival.broken_off, arrival.note = clock.now(), broken_off, ""
        arrival.save(update_fields=["last_at", "broken_off", "note"])
        if arrival.status == ArrivalStatus.WAITING:
            advance(arrival, ARRIVAL, ArrivalStatus.COLLECTING, by=None, reason="more of it came")


@transaction.atomic
def _keep_conflict(event: Mapping[str, str], site: Site, facts: Mapping[str, str]) -> None:
    headline = Headline(series_key=event["series"])
    newest = Arrival.objects.filter(site=site, series_key=headline.series_key).last()
    arrival = newest or _arrival_of(headline, site, facts)
    conflict, created = ArrivalConflict.objects.get_or_create(
        arrival=arrival,
        instance_key=event["instance"],
        refused_sha256=event["refused"],
        defaults={
            "kept_sha256": event["kept"],
            "sender": facts["sender"],
            "found_at": clock.now(),
        },
    )
    if created:
        record(
            "note_conflict",
            conflict,
            "An image came again with other content; the first one was kept.",
            by=None,
            site_code=site.code,
        )
        ask_about_arrival(arrival)
