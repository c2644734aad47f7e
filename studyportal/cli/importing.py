"""Keeps the rows of a cases file: enrolment, baseline, reference standard, scores, and the images into quarantine."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from django.db import transaction

from studyportal.cli.cases import CaseRow
from studyportal.clinical.services import enter_baseline, enter_reference
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.imaging.selectors import bound_owner
from studyportal.imaging.services import empty_quarantine, receive_series
from studyportal.imaging.states import SeriesRole
from studyportal.outcomes.services import enter_scores
from studyportal.participants.selectors import Participant
from studyportal.participants.services import enrol_participant, screen_participant
from studyportal.participants.states import ParticipantStatus
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may, site_by_code

_SOURCE_OF_REFERENCE = "cases file"


def mark_impossible(rows: Iterable[CaseRow], *, by: User) -> None:
    """Adds to each row what only the database can tell: the person's rights, and images that are known already."""
    for row in rows:
        if row.facts is None:
            continue
        site = site_by_code(row.facts.site_code)
        if site is None:
            continue
        if not may(by, Action.SCREEN_PARTICIPANT, site=site):
            row.faults.append(
                Reason(
                    "not_allowed",
                    f"{by.username} may not screen participants at {site.code}.",
                    "site",
                )
            )
        known = {owner.code for key in row.patient_keys if (owner := bound_owner(key)) is not None}
        if known:
            codes = ", ".join(sorted(known))
            row.faults.append(
                Reason(
                    "known_patient", f"The images belong to {codes}, who is in the study already."
                )
            )


def keep_rows(rows: Sequence[CaseRow], *, by: User, each: Callable[[], None]) -> list[Participant]:
    """All rows are kept, or none: neither in the database nor as files in quarantine."""
    received: list = []
    try:
        with transaction.atomic():
            return [_keep(row, by=by, received=received, each=each) for row in rows]
    except BaseException:
        for series in received:
            empty_quarantine(series)
        raise


def _keep(row: CaseRow, *, by: User, received: list, each: Callable[[], None]) -> Participant:
    site = site_by_code(row.facts.site_code) if row.facts is not None else None
    if row.facts is None or site is None:
        raise Refused(Reason("row", f"Line {row.line} cannot be kept."))
    participant = screen_participant(site=site, facts=row.facts, by=by)
    if row.height_cm is not None or row.weight_kg is not None:
        enter_baseline(
            participant=participant, height_cm=row.height_cm, weight_kg=row.weight_kg, by=by
        )
    if participant.status == ParticipantStatus.ELIGIBLE:
        enrol_participant(participant=participant, by=by)
        for role, files, option in _uploads(row):
            received.append(
                receive_series(
                    participant=participant, role=role, files=files, by=by, option=option
                )
            )
    enter_reference(
        participant=participant, entries=row.reference, source=_SOURCE_OF_REFERENCE, by=by
    )
    enter_scores(participant=participant, entries=row.scores, by=by)
    each()
    return participant


def _uploads(row: CaseRow) -> Iterable[tuple[SeriesRole, Sequence[Path], str]]:
    if row.ct_files:
        yield SeriesRole.SOURCE, row.ct_files, ""
    if row.pet_files:
        yield SeriesRole.REFERENCE, row.pet_files, ""
    if row.lesions_file is not None:
        yield SeriesRole.OUTLINES, [row.lesions_file], row.lesion_names
