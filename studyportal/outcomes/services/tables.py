"""The tables an analysis reads. The flow diagram and every denominator come from these rows and from nowhere else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from evaluation.analysis import COLUMNS, Tables
from studyportal.clinical.selectors import BodyMeasurements, body_measurements, every_reference
from studyportal.core.storage import StoredFile, read_bytes, store_bytes
from studyportal.imaging.rules import SeriesSummary, summary_from_json
from studyportal.imaging.selectors import every_pair
from studyportal.imaging.states import PairStatus, SeriesRole, SeriesStatus
from studyportal.outcomes.models import CutPair, DataCut, IndexScore, Measurement
from studyportal.participants.selectors import (
    ENROLLED,
    every_participant,
    latest_answers,
    removed_codes,
)
from studyportal.participants.states import ParticipantStatus
from studyportal.reading.selectors import index_reads
from studyportal.sites.selectors import every_site

if TYPE_CHECKING:
    from studyportal.imaging.models import ScanPair
    from studyportal.participants.models import Participant

REMOVED = "The participant withdrew consent and had the data removed."
_FLAGS = (
    "consented",
    "ct_received",
    "pet_received",
    "pair_ready",
    "synthesised",
    "reference_complete",
    "analysed",
)
_FROZEN = ("participants", "reference_standard", "index_scores", "sites")
Rows = list[dict[str, object]]


def freeze_tables(synthesised: set[str], *, development: Mapping[str, str]) -> StoredFile:
    """Tables as they are now lie in the archive; `synthesised` are codes of participants with a usable series.

    Of those in `development`, who taught a classifier of the plan, only that they were screened is kept, and why.
    """
    content = {
        "participants": _participants(synthesised),
        "reference_standard": _reference(),
        "index_scores": _scores(),
        "sites": [
            {"code": site.code, "name": site.name, "name_zh": site.name_zh, "target": site.target}
            for site in every_site()
        ],
    }
    content = _developed(_without(content, removed_codes()), development)
    return store_bytes(json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True).encode())


def tables_of(cut: DataCut, *, before: datetime | None = None) -> Tables:
    """The frozen tables of a cut with its measurements, without those who had their data removed.

    With a moment, as they were `before` it: so a run of the past gives the same rows again.
    """
    gone = removed_codes(before=before)
    content = _without(json.loads(read_bytes(cut.tables_sha256)), gone)
    frames = {name: _frame(name, content[name]) for name in _FROZEN}
    rows = [row for row in _measurements(cut) if row["participant"] not in gone]
    measured = pd.DataFrame(rows, columns=list(COLUMNS["measurements"]))
    analysed = set(measured["participant"])
    people = frames["participants"]
    people["analysed"] = people["participant"].isin(analysed)
    for code, fault in _unmeasurable(cut):
        people.loc[people["participant"] == code, "exclusion_reason"] = fault
    return Tables(measurements=measured, **frames)


def left_out_since(cut: DataCut, *, before: datetime | None = None) -> int:
    """How many participants of the frozen tables had their data removed since."""
    content = json.loads(read_bytes(cut.tables_sha256))
    return len(
        {row["participant"] for row in content["participants"]} & removed_codes(before=before)
    )


def _without(content: dict[str, Rows], gone: frozenset[str]) -> dict[str, Rows]:
    """Whoever had the data removed is still counted as screened, and nothing else is known of them."""
    people = [
        _blanked(row) if row["participant"] in gone else row for row in content["participants"]
    ]
    kept = {
        name: [row for row in rows if row.get("participant") not in gone]
        for name, rows in content.items()
    }
    return {**kept, "participants": people}


def _developed(content: dict[str, Rows], reasons: Mapping[str, str]) -> dict[str, Rows]:
    kept = _without(content, frozenset(reasons))
    people = [
        {**row, "eligible": False, "enrolled": False, "exclusion_reason": reasons[code]}
        if (code := str(row["participant"])) in reasons
        else row
        for row in kept["participants"]
    ]
    return {**kept, "participants": people}


def _blanked(row: dict[str, object]) -> dict[str, object]:
    known = {
        name: row[name] for name in ("participant", "site", "screened", "eligible", "enrolled")
    }
    flags = dict.fromkeys(_FLAGS, False)
    nothing = {name: "" if isinstance(value, str) else None for name, value in row.items()}
    return {**nothing, **flags, **known, "exclusion_reason": REMOVED}


def _frame(name: str, rows: Rows) -> pd.DataFrame:
    """A frozen table: the columns every analysis reads, then those that describe the participant."""
    further = [column for column in (rows[0] if rows else {}) if column not in COLUMNS[name]]
    return pd.DataFrame(rows, columns=[*COLUMNS[name], *further])


def _unmeasurable(cut: DataCut) -> list[tuple[str, str]]:
    rows = CutPair.objects.filter(cut=cut).exclude(fault="")
    return list(rows.values_list("pair__participant__code", "fault"))


def _participants(synthesised: set[str]) -> Rows:
    pairs = {pair.participant_id: pair for pair in every_pair().prefetch_related("series")}
    referenced = set(every_reference().values_list("participant_id", flat=True))
    answers = latest_answers()
    measured = body_measurements()
    return [
        _participant_row(
            person,
            pairs.get(person.pk),
            answers.get(person.pk, {}),
            referenced=person.pk in referenced,
            synthesised=person.code in synthesised,
        )
        | _described(pairs.get(person.pk), measured.get(person.pk))
        for person in every_participant().prefetch_related("consents")
    ]


def _participant_row(
    person: Participant,
    pair: ScanPair | None,
    answers: dict[str, tuple[str, str]],
    *,
    referenced: bool,
    synthesised: bool,
) -> dict[str, object]:
    accepted = (
        {s.role for s in pair.series.all() if s.status == SeriesStatus.ACCEPTED} if pair else set()
    )
    enrolled = person.status in ENROLLED
    return {
        "participant": person.code,
        "site": person.site.code,
        "age_years": float(person.age_years),
        "sex": person.sex,
        "screened": True,
        "eligible": person.status == ParticipantStatus.ELIGIBLE or enrolled,
        "enrolled": enrolled,
        "consented": any(consent.withdrawn_on is None for consent in person.consents.all()),
        "ct_received": SeriesRole.SOURCE in accepted,
        "pet_received": SeriesRole.REFERENCE in accepted,
        "pair_ready": pair is not None and pair.status == PairStatus.READY,
        "synthesised": synthesised,
        "reference_complete": referenced,
        "analysed": False,
        "exclusion_reason": _why_out(person, pair, answers, synthesised=synthesised),
    }


def _described(pair: ScanPair | None, baseline: BodyMeasurements | None) -> dict[str, object]:
    """What the baseline table and the subgroups of a plan may ask for; empty where it is not known."""
    summaries = _accepted_summaries(pair)
    ct, pet = summaries.get(SeriesRole.SOURCE), summaries.get(SeriesRole.REFERENCE)
    days = None
    if ct and pet and ct.examined_on and pet.examined_on:
        days = abs((pet.examined_on - ct.examined_on).days)
    return {
        "body_mass_index": _body_mass_index(baseline),
        "scanner": _scanner(pet),
        "ct_scanner": _scanner(ct),
        "ct_kernel": ct.kernel if ct else "",
        "ct_thickness_mm": ct.slice_thickness_mm if ct else None,
        "uptake_minutes": pet.uptake_minutes if pet else None,
        "ct_pet_days": days,
    }


def _accepted_summaries(pair: ScanPair | None) -> dict[str, SeriesSummary]:
    if pair is None:
        return {}
    return {
        series.role: summary_from_json(series.summary)
        for series in pair.series.all()
        if series.status == SeriesStatus.ACCEPTED
        and series.role in (SeriesRole.SOURCE, SeriesRole.REFERENCE)
    }


def _body_mass_index(baseline: BodyMeasurements | None) -> float | None:
    if baseline is None or baseline.weight_kg is None or baseline.height_cm is None:
        return None
    return baseline.weight_kg / (baseline.height_cm / 100) ** 2


def _scanner(summary: SeriesSummary | None) -> str:
    return f"{summary.manufacturer} {summary.model}".strip() if summary else ""


def _why_out(
    person: Participant,
    pair: ScanPair | None,
    answers: dict[str, tuple[str, str]],
    *,
    synthesised: bool,
) -> str:
    if person.status == ParticipantStatus.SCREEN_FAILED:
        return " ".join(
            sentence
            for _, (answer, sentence) in sorted(answers.items())
            if sentence and answer != "unknown"
        )
    if person.status == ParticipantStatus.SCREENED:
        return "Screening is not complete."
    if person.status == ParticipantStatus.ELIGIBLE:
        return "Eligible, not enrolled yet."
    if pair is None:
        return "No images were sent."
    words = {
        PairStatus.AWAITING_IMAGES: "CT or PET is missing.",
        PairStatus.CHECKING: "The images are being checked.",
        PairStatus.QUERY_OPEN: "The images have an open query.",
        PairStatus.EXCLUDED: pair.exclusion_reason,
    }
    ready = "" if synthesised else "No synthetic PET of the release passed its checks."
    return words.get(PairStatus(pair.status), ready)


def _reference() -> Rows:
    return [
        {
            "participant": row.participant.code,
            "site": row.participant.site.code,
            "target_condition": row.condition,
            "unit": row.unit,
            "unit_id": row.unit_id,
            "status": row.status,
            "source": row.source,
        }
        for row in every_reference()
    ]


def _scores() -> Rows:
    """Scores that came from outside, and reads of closed reading sessions."""
    return [*_given_scores(), *_read_scores()]


def _read_scores() -> Rows:
    return [
        {
            "participant": read.participant,
            "site": read.site,
            "test": f"reader_{read.arm}",
            "arm": read.arm,
            "reader": read.reader,
            "target_condition": read.condition,
            "unit": read.unit,
            "unit_id": read.unit_id,
            "score": read.score,
            "indeterminate": read.indeterminate,
        }
        for read in index_reads()
    ]


def _given_scores() -> Rows:
    rows = IndexScore.objects.select_related("participant", "participant__site")
    return [
        {
            "participant": row.participant.code,
            "site": row.participant.site.code,
            "test": f"reader_{row.arm}",
            "arm": row.arm,
            "reader": row.reader,
            "target_condition": row.condition,
            "unit": row.unit,
            "unit_id": row.unit_id,
            "score": row.score,
            "indeterminate": row.indeterminate,
        }
        for row in rows
    ]


def _measurements(cut: DataCut) -> Rows:
    rows = Measurement.objects.filter(cut_pair__cut=cut).values_list(
        "cut_pair__pair__participant__code",
        "cut_pair__pair__participant__site__code",
        "region",
        "image",
        "quantity",
        "value",
        "unit",
        "method",
        "flags",
    )
    release = str(cut.release)
    return [
        {
            "participant": code,
            "site": site,
            "release": release,
            "region": region,
            "image": image,
            "quantity": quantity,
            "value": value,
            "unit": unit,
            "method": method,
            "flags": flags,
        }
        for code, site, region, image, quantity, value, unit, method, flags in rows
    ]
