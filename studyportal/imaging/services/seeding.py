"""Many pairs at once, for a demonstration: their rows with history and findings, and no images behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.db import models, transaction

from studyportal.core.bulk import (
    Moved,
    act_on,
    keep_all,
    midday,
    moves_of,
    refuse_outside_demonstration,
)
from studyportal.core.models import User
from studyportal.imaging import rules
from studyportal.imaging.models import Finding, ImagingSeries, ScanPair
from studyportal.imaging.services.asking import FORM
from studyportal.imaging.states import (
    IMAGING_SERIES,
    SCAN_PAIR,
    PairStatus,
    SeriesRole,
    SeriesStatus,
)
from studyportal.queries.rules import Asked
from studyportal.queries.services import SeededQuery, Subject, seed_queries
from studyportal.queries.states import QueryStatus
from studyportal.sites.rules import Action
from studyportal.sites.services import require

if TYPE_CHECKING:
    from studyportal.participants.models import Participant
    from studyportal.sites.models import Site

_TRACERS = ("FDG",)
_BOTH = (SeriesRole.SOURCE, SeriesRole.REFERENCE)
_PATHS = {
    PairStatus.AWAITING_IMAGES: (),
    PairStatus.READY: (PairStatus.CHECKING, PairStatus.READY),
    PairStatus.QUERY_OPEN: (PairStatus.CHECKING, PairStatus.QUERY_OPEN),
    PairStatus.EXCLUDED: (PairStatus.CHECKING, PairStatus.READY, PairStatus.EXCLUDED),
}
_INTAKE = (
    SeriesStatus.RECEIVING,
    SeriesStatus.RECEIVED,
    SeriesStatus.VALIDATING,
    SeriesStatus.DEIDENTIFYING,
    SeriesStatus.ACCEPTED,
)


@dataclass(frozen=True)
class PairSeed:
    """How far the pair of a participant came by that day; of one that waits some have sent the CT."""

    participant: Participant
    status: PairStatus
    on: date
    sent_ct: bool = False
    reason: str = ""


@transaction.atomic
def seed_pairs(*, site: Site, seeds: Sequence[PairSeed], by: User, manager: User) -> int:
    """The pairs stand with their series; the summary of each series says that it is made up and has no images.

    Raises
    ------
    Refused
        Outside a demonstration.
    """
    refuse_outside_demonstration()
    require(by, Action.UPLOAD_IMAGES, site=site)
    made = [_Made(seed, by) for seed in seeds]
    keep_all(row for one in made for row in one.rows())
    seed_queries(queries=[query for one in made for query in one.queries(manager)])
    return len(made)


class _Made:
    """The rows of one made-up pair."""

    def __init__(self, seed: PairSeed, by: User) -> None:
        self.seed, self.by, self.at = seed, by, midday(seed.on)
        self.pair = ScanPair(
            participant=seed.participant,
            status=seed.status,
            opened_at=self.at,
            settled_at=self.at if _PATHS[seed.status] else None,
            exclusion_reason=seed.reason,
        )
        roles = _BOTH if _PATHS[seed.status] else _BOTH[:1] if seed.sent_ct else ()
        self.series = [self._series(role) for role in roles]
        self.finding = self._finding() if seed.status == PairStatus.QUERY_OPEN else None

    def _series(self, role: SeriesRole) -> ImagingSeries:
        return ImagingSeries(
            pair=self.pair,
            role=role,
            status=SeriesStatus.ACCEPTED,
            option="",
            summary=_summary(role, self.seed.on),
            opened_at=self.at,
            settled_at=self.at,
            sent_by=self.by,
        )

    def _finding(self) -> Finding:
        found = rules.finding("tracer_not_named", tracers=_TRACERS)
        return Finding(
            pair=self.pair,
            series=self.series[-1],
            rule=found.id,
            grade=found.grade,
            sentence=found.sentence,
            values=dict(found.values),
            found_at=self.at,
        )

    def rows(self) -> Iterable[models.Model]:
        yield self.pair
        yield from self.series
        if self.finding is not None:
            yield self.finding
        path = (PairStatus.AWAITING_IMAGES, *_PATHS[self.seed.status])
        reasons = ("",) * (len(path) - 1) + (self.seed.reason,)
        steps = [
            Moved(status, self.at, self.by, reason)
            for status, reason in zip(path, reasons, strict=True)
        ]
        yield from moves_of(self.pair, SCAN_PAIR, steps)
        for one in self.series:
            steps = [Moved(status, self.at, self.by) for status in _INTAKE]
            yield from moves_of(one, IMAGING_SERIES, steps)
            yield self._received(one)

    def _received(self, series: ImagingSeries) -> models.Model:
        participant = self.seed.participant
        sentence = f"{participant.code}: a {series.role} series without images was made up for a demonstration."
        site_code = participant.site.code
        return act_on(
            series, "receive_series", sentence, at=self.at, by=self.by, site_code=site_code
        )

    def queries(self, manager: User) -> Iterable[SeededQuery]:
        if self.finding is None:
            return
        participant = self.seed.participant
        yield SeededQuery(
            subject=Subject(participant.site, participant.code, FORM, self.pair.pk),
            asked=Asked(
                field=str(SeriesRole.REFERENCE),
                question=self.finding.sentence,
                rule=self.finding.rule,
                evidence=str(self.finding.pk),
            ),
            at=self.at,
            status=QueryStatus.OPEN,
            asked_by=None,
            answered_by=self.by,
            closed_by=manager,
        )


def _summary(role: SeriesRole, day: date) -> dict[str, object]:
    """What the pages show of a series, as of a scanner that is none."""
    is_pet = role == SeriesRole.REFERENCE
    summary = rules.SeriesSummary(
        modality="PT" if is_pet else "CT",
        slices=0,
        stated_slices=None,
        spacing_mm=(3.0, 4.0, 4.0) if is_pet else (1.0, 0.8, 0.8),
        z_range_mm=(0.0, 900.0),
        frame_of_reference_uid="",
        study_uid="",
        series_uid="",
        series_date=f"{day:%Y%m%d}",
        acquisition_date=f"{day:%Y%m%d}",
        manufacturer="made up",
        model="without images",
        kernel="",
        slice_thickness_mm=3.0 if is_pet else 1.0,
        units="BQML" if is_pet else "HU",
        corrected_image=(),
        tracer="FDG" if is_pet else "",
        half_life_s=None,
        dose_bq=None,
        weight_kg=None,
        uptake_minutes=None,
        suv_rule="",
        suv_factor=None,
        suv_disagreement=0.0,
        suv_refusals=(),
        suv_findings=(),
        remarks=(),
    )
    return dict(rules.summary_to_json(summary))
