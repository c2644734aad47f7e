"""Judges a pair, and keeps what a person decides about findings."""

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import advance, record
from studyportal.imaging import rules
from studyportal.imaging.models import Finding, ImagingSeries, ScanPair
from studyportal.imaging.selectors import (
    accepted_series,
    glucose_of,
    limits_at,
    open_findings,
    screening_of,
    study_key,
)
from studyportal.imaging.services.asking import ask_about_pair
from studyportal.imaging.states import (
    IN_INTAKE,
    SCAN_PAIR,
    Grade,
    PairStatus,
    SeriesRole,
    SeriesStatus,
)
from studyportal.participants.rules import Answer
from studyportal.participants.selectors import consents_of
from studyportal.participants.services import settle_fact
from studyportal.sites.rules import Action
from studyportal.sites.services import require


def constraints_of(series: ImagingSeries, summary: rules.SeriesSummary) -> rules.ImagingConstraints:
    """Thresholds of the checks that hold at the site of this series and on its scanner."""
    code = series.pair.participant.site.code
    return limits_at(code, manufacturer=summary.manufacturer, model=summary.model)[0]


def keep_findings(
    pair: ScanPair, findings: Iterable[rules.Finding], *, series: ImagingSeries | None
) -> None:
    """These findings replace the earlier ones of the same series or of the pair; none is deleted.

    One that was found before in the same words stays, and with it that a person accepted it.
    """
    current = Finding.objects.filter(pair=pair, series=series, superseded=False)
    found = {(finding.id, finding.sentence): finding for finding in findings}
    stays = {(row.rule, row.sentence): row.pk for row in current}
    gone = [pk for key, pk in stays.items() if key not in found]
    current.filter(pk__in=gone).update(superseded=True)
    Finding.objects.bulk_create(
        Finding(
            pair=pair,
            series=series,
            rule=finding.id,
            grade=finding.grade,
            sentence=finding.sentence,
            values=dict(finding.values),
            found_at=clock.now(),
        )
        for key, finding in found.items()
        if key not in stays
    )
    ask_about_pair(pair)


@transaction.atomic
def settle_pair(*, pair: ScanPair, by: User | None = None) -> ScanPair:
    """The pair is ready, or it says what is open, or it goes on waiting for images."""
    pair = _locked(pair)
    if pair.status != PairStatus.CHECKING or _still_checking(pair):
        return pair
    _find(pair)
    _move(pair, complete=_complete(pair), by=by)
    return pair


@transaction.atomic
def settle_again(*, pair: ScanPair, reason: str, by: User | None = None) -> ScanPair:
    """A settled pair is judged anew because something about it became known; its status moves only if the verdict does."""
    pair = _locked(pair)
    if pair.status not in (PairStatus.READY, PairStatus.QUERY_OPEN) or not _complete(pair):
        return pair
    _find(pair)
    if _blocking(pair) == (pair.status == PairStatus.QUERY_OPEN):
        return pair
    advance(pair, SCAN_PAIR, PairStatus.CHECKING, by=by, reason=reason)
    _move(pair, complete=True, by=by)
    return pair


def check_again(*, pair: ScanPair, reason: str, by: User | None) -> None:
    """The pair waits for a series of it that is looked at again."""
    pair = _locked(pair)
    if pair.status in (PairStatus.READY, PairStatus.QUERY_OPEN, PairStatus.AWAITING_IMAGES):
        advance(pair, SCAN_PAIR, PairStatus.CHECKING, by=by, reason=reason)


def _locked(pair: ScanPair) -> ScanPair:
    return (
        ScanPair.objects.select_for_update()
        .select_related("participant", "participant__site")
        .get(pk=pair.pk)
    )


def _find(pair: ScanPair) -> None:
    """What is wrong with CT and PET together is found anew."""
    source = accepted_series(pair, SeriesRole.SOURCE)
    reference = accepted_series(pair, SeriesRole.REFERENCE)
    if source is None or reference is None:
        return
    pet = rules.summary_from_json(reference.summary)
    screening = screening_of(pair)
    findings = rules.check_pair(
        rules.summary_from_json(source.summary),
        pet,
        constraints_of(reference, pet),
        screened=rules.screened_from_json(screening.measured) if screening else None,
        glucose_mmol_per_l=glucose_of(reference),
    )
    early = _before_consent(pair, CT=rules.summary_from_json(source.summary), PET=pet)
    if early:
        findings += (rules.finding("scan_before_consent", which=" and ".join(early)),)
    if screening is not None and screening.fault:
        findings += (rules.finding("screening_failed", reason=screening.fault),)
    keep_findings(pair, findings, series=None)


def _before_consent(pair: ScanPair, **images: rules.SeriesSummary) -> tuple[str, ...]:
    """Images that were made before the first consent. Stored dates are moved back; the key of the study says how far."""
    signed = consents_of(pair.participant).order_by("signed_on").first()
    if signed is None:
        return ()
    moved = timedelta(days=rules.date_offset(study_key(), pair.participant.code))
    return tuple(
        name
        for name, image in images.items()
        if image.examined_on is not None and image.examined_on - moved < signed.signed_on
    )


@transaction.atomic
def accept_finding(*, finding: Finding, reason: str, by: User) -> Finding:
    """The finding no longer stands in the way, for this reason."""
    participant = finding.pair.participant
    require(by, Action.ACCEPT_FINDING, site=participant.site)
    if not reason.strip():
        raise Refused(Reason("reason_missing", "Say why this finding can be accepted."))
    if finding.superseded or finding.accepted_at is not None:
        raise Refused(Reason("finding_settled", "This finding is settled already."))
    if finding.series is not None and finding.series.status != SeriesStatus.ACCEPTED:
        raise Refused(
            Reason(
                "series_refused",
                "The series was refused, so its findings cannot be accepted; it must be sent again.",
            )
        )
    finding.accepted_at, finding.accepted_by, finding.accepted_reason = (
        clock.now(),
        by,
        reason.strip(),
    )
    finding.save(update_fields=["accepted_at", "accepted_by", "accepted_reason"])
    record(
        "accept_finding",
        finding,
        f"{participant.code}: the finding “{finding.rule}” was accepted.",
        by=by,
        site_code=participant.site.code,
        reason=reason,
    )
    pair = ScanPair.objects.select_for_update().get(pk=finding.pair_id)
    if pair.status == PairStatus.QUERY_OPEN and not _blocking(pair) and _complete(pair):
        _become_ready(pair, by=by)
    ask_about_pair(pair)
    return finding


@transaction.atomic
def exclude_pair(*, pair: ScanPair, reason: str, by: User) -> ScanPair:
    """The pair is out of every analysis, with the reason kept."""
    require(by, Action.ACCEPT_FINDING, site=pair.participant.site)
    if not reason.strip():
        raise Refused(Reason("reason_missing", "Say why the pair is excluded."))
    advance(pair, SCAN_PAIR, PairStatus.EXCLUDED, by=by, reason=reason, exclusion_reason=reason)
    settle_fact(
        participant=pair.participant,
        fact="paired_images",
        answer=Answer.MET,
        source="imaging",
        by=by,
    )
    record(
        "exclude_pair",
        pair,
        f"The pair of {pair.participant.code} was excluded.",
        by=by,
        site_code=pair.participant.site.code,
        reason=reason,
    )
    ask_about_pair(pair)
    return pair


@transaction.atomic
def judge_artefacts(*, pair: ScanPair, artefacts: bool, reason: str, by: User) -> ScanPair:
    """Artefacts are judged by a person who looked at the images; with artefacts the pair is excluded."""
    require(by, Action.ACCEPT_FINDING, site=pair.participant.site)
    if not reason.strip():
        raise Refused(Reason("reason_missing", "Say what you saw."))
    if not _complete(pair):
        raise Refused(
            Reason(
                "pair_incomplete",
                "Both CT and PET must be accepted before the images can be judged.",
            )
        )
    answer = Answer.MET if artefacts else Answer.NOT_MET
    settle_fact(
        participant=pair.participant, fact="artefacts", answer=answer, source="imaging", by=by
    )
    if artefacts:
        advance(
            pair,
            SCAN_PAIR,
            PairStatus.EXCLUDED,
            by=by,
            reason=reason,
            exclusion_reason=f"Image artefacts: {reason}",
        )
    record(
        "judge_artefacts",
        pair,
        f"{pair.participant.code}: the images were judged {'with' if artefacts else 'free of'} excluding artefacts.",
        by=by,
        site_code=pair.participant.site.code,
        reason=reason,
    )
    ask_about_pair(pair)
    return pair


def _still_checking(pair: ScanPair) -> bool:
    # An upload that was only opened holds nothing up: the pair is judged again when it is complete.
    return (
        ImagingSeries.objects.filter(pair=pair, status__in=IN_INTAKE)
        .exclude(role=SeriesRole.OUTLINES)
        .exists()
    )


def _complete(pair: ScanPair) -> bool:
    return all(
        accepted_series(pair, role) is not None
        for role in (SeriesRole.SOURCE, SeriesRole.REFERENCE)
    )


def _blocking(pair: ScanPair) -> bool:
    # An outline that could not be read never blocks the pair of images.
    return (
        open_findings(pair)
        .filter(grade=Grade.EXCLUDE, accepted_at=None)
        .exclude(series__role=SeriesRole.OUTLINES)
        .exists()
    )


def _move(pair: ScanPair, *, complete: bool, by: User | None) -> None:
    if _blocking(pair):
        advance(
            pair,
            SCAN_PAIR,
            PairStatus.QUERY_OPEN,
            by=by,
            settled_at=clock.now(),
            reason="a check found something to mend",
        )
    elif complete:
        _become_ready(pair, by=by)
    else:
        advance(
            pair,
            SCAN_PAIR,
            PairStatus.AWAITING_IMAGES,
            by=by,
            settled_at=clock.now(),
            reason="the other series is not here yet",
        )


def _become_ready(pair: ScanPair, *, by: User | None) -> None:
    advance(
        pair,
        SCAN_PAIR,
        PairStatus.READY,
        by=by,
        settled_at=clock.now(),
        reason="CT and PET are paired and checked",
    )
    settle_fact(
        participant=pair.participant,
        fact="paired_images",
        answer=Answer.NOT_MET,
        source="imaging",
        by=by,
    )
    record(
        "settle_pair",
        pair,
        f"The pair of {pair.participant.code} is ready.",
        by=by,
        site_code=pair.participant.site.code,
    )
