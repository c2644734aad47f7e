"""What imaging does when a participant has withdrawn consent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from studyportal.core import clock
from studyportal.core.services import advance
from studyportal.imaging.models import (
    Arrival,
    DerivedVolume,
    ImagingSeries,
    InjectionEntry,
    OutlineSet,
    PairScreening,
    PatientBinding,
    ScanPair,
)
from studyportal.imaging.selectors import (
    files_of_manifest,
    noted_files,
    open_arrivals,
    pair_of,
    uptake_origins,
)
from studyportal.imaging.services.arrivals import discard_arrival
from studyportal.imaging.services.forgetting import forget_identity, ledger_key
from studyportal.imaging.services.receiving import purge_series
from studyportal.imaging.states import (
    IN_INTAKE,
    SCAN_PAIR,
    PairStatus,
    SeriesRole,
    SeriesStatus,
)
from studyportal.participants.rules import Obeyed, Scope
from studyportal.participants.selectors import without_consent_left

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from studyportal.participants.models import Participant, Withdrawal

_REASON = "The participant withdrew consent."
_REMOVED = "The participant withdrew consent and had the data removed."
_REFUSED_OR_OPEN = (SeriesStatus.RECEIVING, SeriesStatus.QUARANTINED)


@dataclass
class _Done:
    """What was done so far, and what has to go from the disk."""

    counts: Counter[str] = field(default_factory=Counter)
    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    ledger: set[str] = field(default_factory=set)
    busy: int = 0


def obey_withdrawal(*, withdrawal: Withdrawal) -> Obeyed:
    """Nothing of the participant is taken in any more; when the data are removed, no image is left.

    What was received and not accepted goes in either case, and so does the link to the hospital's patient. A series
    that a worker checks right now is waited for. Run again, it finds nothing to do.
    """
    removing = withdrawal.scope == Scope.REMOVE
    participant, done = withdrawal.participant, _Done()
    pair = pair_of(participant)
    linked = PatientBinding.objects.filter(participant=participant).exists()
    _discard_waiting(participant, done)  # first: without the link nobody could tell whose they are
    if pair is not None:
        _end_series(pair, done, removing=removing)
        if removing:
            _remove(pair, done)
    if not done.busy:
        forget_identity(participant=participant, reason=_REASON, by=None)
        done.counts["links_forgotten"] += linked
    return Obeyed(
        counts={key: count for key, count in done.counts.items() if count},
        files=frozenset(done.files),
        folders=frozenset(done.folders),
        ledger=frozenset(done.ledger),
        waits_for=f"{done.busy} series are being checked." if done.busy else "",
        stays=() if removing or pair is None else _stays(pair),
    )


def drop_volumes(*, origins: Iterable[str]) -> tuple[int, frozenset[str]]:
    """Volumes that were made for the viewer out of these are given up; how many, and the files they lay in."""
    rows = DerivedVolume.objects.filter(origin_sha256__in=list(origins)).exclude(sha256="")
    files = set()
    for row in rows:
        files |= {row.sha256, str(row.facts.get("depth_sha256", ""))} - {""}
    return rows.update(sha256="", size_bytes=0, facts={}, reason=_REMOVED), frozenset(files)


def forget_withdrawn() -> int:
    """Participants without a consent are linked to no patient any more; returns how many it was.

    Images of theirs that wait in the inbox are deleted first: nobody could tell later whose they are.
    """
    bound = PatientBinding.objects.values("participant")
    arrived = Arrival.objects.exclude(series_key="").values("series__pair__participant")
    withdrawn = without_consent_left().select_related("site")
    forgotten = 0
    for participant in withdrawn.filter(pk__in=bound) | withdrawn.filter(pk__in=arrived):
        for arrival in _waiting_arrivals(participant):
            discard_arrival(arrival=arrival, reason=_REASON, by=None)
        forgotten += forget_identity(participant=participant, reason=_REASON, by=None)
    return forgotten


def _end_series(pair: ScanPair, done: _Done, *, removing: bool) -> None:
    """Uploads end; what is being checked is waited for, unless it is to be removed and no worker has it."""
    every = ImagingSeries.objects.filter(pair=pair).select_related("pair__participant__site")
    for series in every:
        # Files may have come in beside the deletion before, so the folder is emptied whatever the status.
        done.folders.add(f"quarantine/{series.pk}")
        done.ledger.add(ledger_key(series))
        if removing:
            done.files |= noted_files(series.pk)
        if series.status in _REFUSED_OR_OPEN:
            _purge(series, done, "uploads_ended")
        elif series.status in IN_INTAKE:
            held = series.lease_until is not None and series.lease_until > clock.now()
            stuck = series.role == SeriesRole.OUTLINES and series.status == SeriesStatus.RECEIVED
            if held or not (removing or stuck):
                done.busy += 1
            else:
                _purge(series, done, "uploads_ended")


def _remove(pair: ScanPair, done: _Done) -> None:
    origins: set[str] = set()
    for series in ImagingSeries.objects.filter(pair=pair).select_related("pair__participant__site"):
        if series.status == SeriesStatus.ACCEPTED:
            done.counts["images_deleted"] += series.stored_files
            done.counts["bytes_deleted"] += series.stored_bytes
            _purge(series, done, f"{series.role}_removed")
        if series.status == SeriesStatus.PURGED:
            done.files |= {*files_of_manifest(series.manifest_sha256), series.preview_sha256} - {""}
            origins |= uptake_origins(series)
    masks = set(OutlineSet.objects.filter(pair=pair).values_list("masks_sha256", flat=True))
    volumes, files = drop_volumes(origins=origins | masks)
    done.counts["volumes_removed"] += volumes
    done.files |= masks | files
    if pair.status != PairStatus.EXCLUDED:
        advance(
            pair,
            SCAN_PAIR,
            PairStatus.EXCLUDED,
            by=None,
            reason=_REMOVED,
            exclusion_reason=_REMOVED,
        )
        done.counts["pairs_excluded"] += 1
    _blank(pair, done)


def _blank(pair: ScanPair, done: _Done) -> None:
    """Rows stay, so that the trail stays whole; what they told of the images is gone."""
    series = ImagingSeries.objects.filter(pair=pair, status=SeriesStatus.PURGED)
    series.exclude(summary={}, suv={}, reconstructions=[], preview_sha256="").update(
        summary={}, suv={}, reconstructions=[], preview_sha256="", stored_bytes=0
    )
    screened = PairScreening.objects.filter(pair=pair).exclude(measured={})
    done.counts["screenings_blanked"] += screened.update(measured={})
    sealed = InjectionEntry.objects.filter(series__pair=pair).count()
    done.counts["injection_entries_sealed"] = sealed if done.counts["pairs_excluded"] else 0


def _purge(series: ImagingSeries, done: _Done, what: str) -> None:
    purge_series(series=series, by=None, reason=_REASON)
    done.counts[what] += 1


def _waiting_arrivals(participant: Participant) -> Iterable[Arrival]:
    binding = PatientBinding.objects.filter(participant=participant).first()
    return open_arrivals().filter(patient_key=binding.patient_key) if binding else ()


def _discard_waiting(participant: Participant, done: _Done) -> None:
    assigned = Arrival.objects.filter(series__pair__participant=participant)
    done.ledger |= set(assigned.exclude(series_key="").values_list("series_key", flat=True))
    for arrival in _waiting_arrivals(participant):
        done.folders.add(f"quarantine/{arrival.pk}")
        done.ledger.add(arrival.series_key)
        discard_arrival(arrival=arrival, reason=_REASON, by=None)
        done.counts["arrivals_discarded"] += 1


def _stays(pair: ScanPair) -> tuple[str, ...]:
    accepted: QuerySet[ImagingSeries] = ImagingSeries.objects.filter(
        pair=pair, status=SeriesStatus.ACCEPTED
    )
    count = accepted.count()
    if not count:
        return ()
    return (f"{count} accepted series, collected before, stay in the study de-identified.",)
