"""Intake of one received series: validate, de-identify, commit; each step is a status with its history.

No received file is looked into here: a limited child does that, and this module judges what it answers. The heavy
work happens outside any transaction; only the outcome is written in one. Running it twice is harmless: files are
addressed by digest, and each step moves the row out of the one before it once.
"""

import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from studyportal.core import clock, spool
from studyportal.core.errors import StaleState
from studyportal.core.services import advance, record, take_lease
from studyportal.core.storage import adopt_files, discard, store_bytes
from studyportal.imaging import rules
from studyportal.imaging.models import Finding, ImagingSeries, ImagingStudy, PatientBinding
from studyportal.imaging.rules.cleaning import PREVIEW
from studyportal.imaging.selectors import (
    digests_in_use,
    files_of_manifest,
    header_entries,
    notes_of,
    quarantine_of,
    study_key,
    waiting_files,
)
from studyportal.imaging.services.forgetting import ledger_key
from studyportal.imaging.services.outlines import keep_outlines
from studyportal.imaging.services.reading import KnownImage, Looked, Reader, reader
from studyportal.imaging.services.receiving import combined_digest, empty_quarantine
from studyportal.imaging.services.reconstructions import parts_of
from studyportal.imaging.services.settling import constraints_of, keep_findings, settle_pair
from studyportal.imaging.services.shell import broken, start_validating
from studyportal.imaging.services.uptake import entries_facts
from studyportal.imaging.states import IMAGING_SERIES, IN_INTAKE, SeriesRole, SeriesStatus

_MODALITY = {SeriesRole.SOURCE: "CT", SeriesRole.REFERENCE: "PT"}
_NAMED = {SeriesRole.SOURCE: "CT", SeriesRole.REFERENCE: "PET", SeriesRole.OUTLINES: "outlines"}
_LEASE_SECONDS = 600.0


class Miscounted(RuntimeError):
    """The files in quarantine, those announced and those stored are not the same: a fault of ours."""


@dataclass(frozen=True)
class _Stored:
    """What was stored of a series, and what is known of it."""

    manifest_sha256: str
    files: int
    size: int
    preview_sha256: str
    report: Mapping[str, object]
    suv: Mapping[str, object]
    summary: rules.SeriesSummary


def check_series(*, series: ImagingSeries) -> ImagingSeries:
    """The series is accepted and stored de-identified, or quarantined with every reason; its pair is settled."""
    series.refresh_from_db()
    if series.status not in IN_INTAKE:
        return series
    if series.role == SeriesRole.OUTLINES:
        return keep_outlines(series=series)
    if not take_lease(series, seconds=_LEASE_SECONDS):
        return series
    try:
        start_validating(series)
        _intake(series)
    except StaleState:  # another worker finished the same series first
        series.refresh_from_db()
        return series
    except Exception as error:  # noqa: BLE001 the shell of intake
        _refuse(series, [broken(series, error)])
    settle_pair(pair=series.pair)
    _outlines_that_waited(series)
    return series


def _intake(series: ImagingSeries) -> None:
    participant, entries = series.pair.participant, header_entries(series)
    names = waiting_files(series.pk)
    if combined_digest(names) != series.received_digest:
        raise Miscounted("the files in quarantine are not those that were received")
    files = [quarantine_of(series.pk) / name for name in names]
    with reader() as reading:
        parts = parts_of(series, files, reading)
        if parts.findings:
            _refuse(series, parts.findings)
            return
        looked = reading.look(parts.chosen, participant, entries)
        findings = [*looked.refusals, *_conflicts(series, looked.images)]
        if looked.summary is not None:
            findings += [
                *_role_findings(series, looked.summary),
                *_identity_findings(series, looked),
                *rules.check_series(looked.summary, constraints_of(series, looked.summary)),
            ]
        if any(finding.grade == "exclude" for finding in findings):
            _refuse(series, findings)
            return
        advance(series, IMAGING_SERIES, SeriesStatus.DEIDENTIFYING, by=None)
        stored = _deidentify_and_store(series, reading)
    if stored.files != len(parts.chosen):
        raise Miscounted(f"{len(parts.chosen)} files were received and {stored.files} stored")
    try:
        _accept(series, stored, findings=findings, looked=looked)
    except StaleState:
        _give_back(series, stored)
        raise


def _give_back(series: ImagingSeries, stored: _Stored) -> None:
    """The participant withdrew while this worker was at it: what it stored is not kept."""
    series.refresh_from_db()
    if series.status == SeriesStatus.PURGED:
        files = {*files_of_manifest(stored.manifest_sha256), stored.preview_sha256}
        for sha256 in files - digests_in_use(files):
            discard(sha256)


def _role_findings(series: ImagingSeries, read: rules.SeriesSummary) -> list[rules.Finding]:
    wanted = _MODALITY[SeriesRole(series.role)]
    if read.modality == wanted:
        return []
    return [
        rules.Finding(
            id="modality",
            grade="exclude",
            values={"modality": read.modality},
            sentence=f"This is a {read.modality} series, yet it was sent as the {_NAMED[SeriesRole(series.role)]}. Send the right folder.",
        )
    ]


def _identity_findings(series: ImagingSeries, looked: Looked) -> list[rules.Finding]:
    """Whose images these are must be what earlier images of the patient and of the participant say."""
    participant = series.pair.participant
    sentence = _of_another_patient(series, looked.patient_key) or _of_another_examination(
        series, looked.summary
    )
    if not sentence:
        return []
    return [
        rules.Finding(
            id="identity_conflict",
            grade="exclude",
            values={"files": tuple(file.sha256 for file in looked.files)},
            sentence=f"{sentence} None of the {len(looked.files)} files was taken for {participant.code}. "
            "Compare the identities and send the right folder.",
        )
    ]


def _of_another_patient(series: ImagingSeries, key: str) -> str:
    participant = series.pair.participant
    bound = PatientBinding.objects.filter(patient_key=key).first() if key else None
    own = PatientBinding.objects.filter(participant=participant).first()
    if not key or (own is not None and own.patient_key == key) or (own is None and bound is None):
        return ""
    if bound is not None:
        return "These images belong to a patient who is another participant already."
    return (
        f"These images belong to another patient than the ones sent before for {participant.code}."
    )


def _of_another_examination(series: ImagingSeries, read: rules.SeriesSummary | None) -> str:
    """The same examination cannot be two persons', whatever patient number its images bear."""
    uid = rules.remap_uid(study_key(), read.study_uid) if read is not None else ""
    theirs = ImagingStudy.objects.exclude(participant=series.pair.participant)
    if uid and theirs.filter(study_uid=uid).exists():
        return "These images belong to an examination of another participant already."
    return ""


def _conflicts(series: ImagingSeries, images: Iterable[KnownImage]) -> list[rules.Finding]:
    """Images that are here already, by whatever way they came, with other content."""
    site = series.pair.participant.site.code
    other = []
    for image in images:
        kept = spool.known_digest(site, spool.keyed(site, image.sop_instance_uid))
        if image.sop_instance_uid and kept and kept != image.content:
            other.append(image.file)
    if not other:
        return []
    reason = rules.reason("conflict", "", "(0008,0018)")
    return [rules.located_finding(rules.Located(reason, tuple(other)))]


def _deidentify_and_store(series: ImagingSeries, reading: Reader) -> _Stored:
    with tempfile.TemporaryDirectory(dir=quarantine_of(series.pk), prefix=".copies-") as folder:
        entered = header_entries(series)
        copy = reading.deidentify(series.pair.participant, entered, out=Path(folder))
        *copies, preview = adopt_files(
            [Path(folder) / name for name in (*copy["files"], PREVIEW)],
            note=lambda digests: _note(series, digests),
        )
    entries = [
        {"sha256": stored.sha256, "bytes": stored.size, "sop_instance_uid": uid}
        for stored, uid in zip(copies, copy["sop_instance_uids"], strict=True)
    ]
    manifest = store_bytes(json.dumps({"files": entries}, indent=1, sort_keys=True).encode())
    return _Stored(
        manifest_sha256=manifest.sha256,
        files=len(entries),
        size=sum(stored.size for stored in copies),
        preview_sha256=preview.sha256,
        report=copy["report"],
        suv={**copy["suv"], **entries_facts(series)} if copy["suv"] else {},
        summary=rules.summary_from_json(copy["summary"]),
    )


def _note(series: ImagingSeries, digests: Iterable[str]) -> None:
    """What is about to be stored is written down first: a worker that is killed leaves no file that nobody knows."""
    with notes_of(series.pk).open("a", encoding="ascii") as notes:
        notes.writelines(f"{digest}\n" for digest in digests)
        notes.flush()
        os.fsync(notes.fileno())


@transaction.atomic
def _accept(
    series: ImagingSeries, stored: _Stored, *, findings: Sequence[rules.Finding], looked: Looked
) -> None:
    participant = series.pair.participant
    if looked.patient_key:
        PatientBinding.objects.get_or_create(
            participant=participant, defaults={"patient_key": looked.patient_key}
        )
    study, _ = ImagingStudy.objects.get_or_create(
        study_uid=stored.summary.study_uid, defaults={"participant": participant}
    )
    Finding.objects.filter(pair=series.pair, series__role=series.role, superseded=False).update(
        superseded=True
    )
    advance(
        series,
        IMAGING_SERIES,
        SeriesStatus.ACCEPTED,
        by=None,
        study=study,
        series_uid=stored.summary.series_uid,
        stored_files=stored.files,
        stored_bytes=stored.size,
        manifest_sha256=stored.manifest_sha256,
        summary=rules.summary_to_json(stored.summary),
        suv=stored.suv,
        deidentification=stored.report,
        preview_sha256=stored.preview_sha256,
        settled_at=clock.now(),
    )
    keep_findings(series.pair, findings, series=series)
    record(
        "accept_series",
        series,
        f"{participant.code}: the {_NAMED[SeriesRole(series.role)]} was accepted; {stored.files} de-identified files are stored.",
        by=None,
        site_code=participant.site.code,
    )
    transaction.on_commit(lambda: _conclude(series, looked.images))


def _conclude(series: ImagingSeries, images: Iterable[KnownImage]) -> None:
    """What was accepted is known under its identifiers from now on, and no original is left."""
    site = series.pair.participant.site.code
    for image in images:
        instance = spool.keyed(site, image.sop_instance_uid)
        spool.remember(site, spool.Identity(instance, ledger_key(series), image.content))
    empty_quarantine(series)


@transaction.atomic
def _refuse(series: ImagingSeries, findings: Sequence[rules.Finding]) -> None:
    participant = series.pair.participant
    Finding.objects.filter(pair=series.pair, series__role=series.role, superseded=False).update(
        superseded=True
    )
    advance(
        series,
        IMAGING_SERIES,
        SeriesStatus.QUARANTINED,
        by=None,
        settled_at=clock.now(),
        reason=" ".join(finding.sentence for finding in findings if finding.grade == "exclude"),
    )
    keep_findings(series.pair, findings, series=series)
    record(
        "refuse_series",
        series,
        f"{participant.code}: the {_NAMED[SeriesRole(series.role)]} was refused.",
        by=None,
        site_code=participant.site.code,
    )


def _outlines_that_waited(series: ImagingSeries) -> None:
    if series.role != SeriesRole.REFERENCE or series.status != SeriesStatus.ACCEPTED:
        return
    for waiting in ImagingSeries.objects.filter(
        pair=series.pair, role=SeriesRole.OUTLINES, status__in=IN_INTAKE
    ):
        keep_outlines(series=waiting)
