"""Intake of one received series: read, check, de-identify, store, settle.

The heavy work happens outside any transaction; only the outcome is written in one. Running it twice is harmless:
files are addressed by digest and the move out of *received* succeeds once.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

import pydicom
from django.db import transaction

from evaluation.imaging import (
    Series,
    SeriesRefused,
    SuvConversion,
    SuvRefused,
    read_series,
    suv_factor,
    with_entries,
)
from studyportal.core import clock
from studyportal.core.errors import StaleState
from studyportal.core.services import advance, record, take_lease
from studyportal.core.storage import path_of, store_bytes
from studyportal.imaging import rules
from studyportal.imaging.models import Finding, ImagingSeries, ImagingStudy, PatientBinding
from studyportal.imaging.selectors import header_entries, patient_key_of, quarantine_of, study_key
from studyportal.imaging.services.outlines import keep_outlines
from studyportal.imaging.services.previews import preview_of
from studyportal.imaging.services.receiving import empty_quarantine
from studyportal.imaging.services.reconstructions import files_to_take, offer_reconstructions
from studyportal.imaging.services.settling import constraints_of, keep_findings, settle_pair
from studyportal.imaging.services.shell import broken
from studyportal.imaging.services.uptake import conversion_facts
from studyportal.imaging.states import IMAGING_SERIES, SeriesRole, SeriesStatus

_MODALITY = {SeriesRole.SOURCE: "CT", SeriesRole.REFERENCE: "PT"}
_NAMED = {SeriesRole.SOURCE: "CT", SeriesRole.REFERENCE: "PET", SeriesRole.OUTLINES: "outlines"}
_LEASE_SECONDS = 600.0


@dataclass(frozen=True)
class _Stored:
    """What was stored of a series."""

    manifest_sha256: str
    files: int
    size: int
    report: Mapping[str, object]


def check_series(*, series: ImagingSeries) -> ImagingSeries:
    """The series is accepted and stored de-identified, or quarantined with every reason; its pair is settled."""
    series.refresh_from_db()
    if series.status != SeriesStatus.RECEIVED:
        return series
    if series.role == SeriesRole.OUTLINES:
        return keep_outlines(series=series)
    if not take_lease(series, seconds=_LEASE_SECONDS):
        return series
    try:
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
    received = sorted(quarantine_of(series.pk).glob("[0-9a-f]*"))
    files = files_to_take(series, received)
    if received and not files:
        _refuse(series, offer_reconstructions(series))
        return
    try:
        read = with_entries(read_series(files), header_entries(series))
    except SeriesRefused as refusal:
        _refuse(series, rules.refusal_findings(refusal.reasons))
        return
    context = context_of(series)
    findings = [*_role_findings(series, read), *_identity_findings(series, read)]
    findings += rules.refusal_findings(rules.seal_reasons(read.slice_headers, context))
    summary = rules.summarise(read)
    findings += rules.check_series(summary, constraints_of(series, summary))
    if any(finding.grade == "exclude" for finding in findings):
        _refuse(series, findings)
        return
    stored, conversion, after, preview = _deidentify_and_store(series, read, context)
    _accept(
        series,
        stored,
        conversion=conversion,
        after=after,
        findings=findings,
        preview=preview,
        patient=patient_key_of(read.header, series.pair.participant.site.code),
    )


def _role_findings(series: ImagingSeries, read: Series) -> list[rules.Finding]:
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


def _identity_findings(series: ImagingSeries, read: Series) -> list[rules.Finding]:
    participant = series.pair.participant
    key = patient_key_of(read.header, participant.site.code)
    if not key:
        return []
    bound = PatientBinding.objects.filter(patient_key=key).first()
    own = PatientBinding.objects.filter(participant=participant).first()
    if bound is None and own is None:
        return []
    if own is not None and own.patient_key == key:
        return []
    sentence = (
        "These images belong to a patient who is another participant already."
        if bound is not None
        else f"These images belong to another patient than the ones sent before for {participant.code}."
    )
    return [
        rules.Finding(
            id="identity_conflict",
            grade="exclude",
            values={},
            sentence=f"{sentence} Compare the identities and send the right folder.",
        )
    ]


def context_of(series: ImagingSeries) -> rules.PseudonymContext:
    """What stands in for the identity of the participant for whom the series was sent."""
    participant = series.pair.participant
    return rules.PseudonymContext.of_participant(
        participant_code=participant.code, site_code=participant.site.code, key=study_key()
    )


def _deidentify_and_store(
    series: ImagingSeries, read: Series, context: rules.PseudonymContext
) -> tuple[_Stored, SuvConversion | None, Series, str]:
    entries, reports, size, paths = [], [], 0, []
    for path in read.files:
        cleaned, report = rules.deidentify(pydicom.dcmread(path), context=context)
        stored = store_bytes(_written(cleaned))
        entries.append(
            {
                "sha256": stored.sha256,
                "bytes": stored.size,
                "sop_instance_uid": str(cleaned.SOPInstanceUID),
            }
        )
        reports.append(report)
        size += stored.size
        paths.append(path_of(stored.sha256))
    manifest = store_bytes(json.dumps({"files": entries}, indent=1, sort_keys=True).encode())
    after = with_entries(read_series(paths), header_entries(series))
    conversion, survival = _same_suv(read, after) if read.modality == "PT" else (None, None)
    preview = store_bytes(preview_of(after)).sha256
    report = rules.merged_reports(reports)
    kept = rules.report_facts(report, files=len(entries), suv=survival)
    return _Stored(manifest.sha256, len(entries), size, kept), conversion, after, preview


def _written(cleaned: pydicom.Dataset) -> bytes:
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, cleaned, enforce_file_format=True)
    return buffer.getvalue()


class SuvChanged(RuntimeError):
    """De-identification changed the SUV factor: a fault of ours, never of the sender."""


def _same_suv(before: Series, after: Series) -> tuple[SuvConversion, rules.SuvSurvival]:
    original, cleaned = suv_factor(before), suv_factor(after)
    survival = rules.suv_survival(original, cleaned)
    if survival.refusals:
        raise SuvRefused(survival.refusals)
    if not survival.holds:
        raise SuvChanged(f"SUV factor changed from {original.factor!r} to {cleaned.factor!r}")
    return cleaned, survival


@transaction.atomic
def _accept(
    series: ImagingSeries,
    stored: _Stored,
    *,
    conversion: SuvConversion | None,
    after: Series,
    findings: Sequence[rules.Finding],
    preview: str,
    patient: str,
) -> None:
    participant = series.pair.participant
    if patient:
        PatientBinding.objects.get_or_create(
            participant=participant, defaults={"patient_key": patient}
        )
    study, _ = ImagingStudy.objects.get_or_create(
        study_uid=after.facts.study_uid, defaults={"participant": participant}
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
        series_uid=after.facts.series_uid,
        stored_files=stored.files,
        stored_bytes=stored.size,
        manifest_sha256=stored.manifest_sha256,
        summary=rules.summary_to_json(rules.summarise(after)),
        suv=conversion_facts(conversion, series),
        deidentification=stored.report,
        preview_sha256=preview,
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
    transaction.on_commit(lambda: empty_quarantine(series))


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
        pair=series.pair, role=SeriesRole.OUTLINES, status=SeriesStatus.RECEIVED
    ):
        keep_outlines(series=waiting)
