"""What is sealed, and until when: openings by two people, looks at results, and what the reads of a session show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Min, QuerySet

from evaluation.analysis import PlanError, load_plan
from evaluation.analysis.plan_parts import AnalysisPoint
from studyportal.core.models import AuditEvent
from studyportal.core.selectors import acts_on
from studyportal.outcomes.models import DataCut, ResultOpening
from studyportal.outcomes.states import OpeningStatus, PointKind
from studyportal.reading.rules import Kind
from studyportal.reading.selectors import design_of, session_with_read

if TYPE_CHECKING:
    from studyportal.reading.selectors import ReadingSession


def is_open(cut: DataCut) -> bool:
    """Whether two people opened the final analysis of this cut."""
    return opened_points(cut).filter(kind=PointKind.FINAL).exists()


def opened_cuts() -> set[UUID]:
    """Keys of the cuts whose final analysis two people opened."""
    rows = ResultOpening.objects.filter(status=OpeningStatus.OPENED, kind=PointKind.FINAL)
    return set(rows.values_list("cut_id", flat=True))


def opened_points(cut: DataCut) -> QuerySet[ResultOpening]:
    """Analysis points of the cut that two people opened."""
    return ResultOpening.objects.filter(cut=cut, status=OpeningStatus.OPENED)


def analysis_points(cut: DataCut) -> tuple[AnalysisPoint, ...]:
    """The analysis points of the plan of a cut; none where its plan is of an edition no longer read."""
    try:
        return load_plan(cut.plan_text).points
    except PlanError:
        return ()


def openings_of(cut: DataCut) -> QuerySet[ResultOpening]:
    """Every opening that was asked for on this cut, in order, with who asked and who decided."""
    rows = ResultOpening.objects.filter(cut=cut)
    return rows.select_related("asked_by", "decided_by", "cut")


def first_opened_at() -> datetime | None:
    """When outcomes were opened for the first time, on whatever cut; a look for quality opens none."""
    found = ResultOpening.objects.filter(status=OpeningStatus.OPENED, kind=PointKind.FINAL)
    return found.aggregate(first=Min("decided_at"))["first"]


def looks_at(cut: DataCut) -> QuerySet[AuditEvent]:
    """Who saw results of this cut and when, newest first."""
    return acts_on("datacut", cut.pk).filter(verb="see_results").order_by("-at", "-id")


def cut_with_reads(session: ReadingSession) -> DataCut | None:
    """The newest cut that holds the reads of this closed session and whose final analysis two people opened."""
    if session.closed_at is None:
        return None
    rows = DataCut.objects.filter(pk__in=opened_cuts(), frozen_at__gte=session.closed_at)
    return rows.order_by("-frozen_at").first()


def arms_are_open(session: ReadingSession) -> bool:
    """Whether answers may be seen by arm; a visual Turing test is in no cut and says nothing of an outcome."""
    return design_of(session).kind == Kind.TURING or cut_with_reads(session) is not None


def sealed_values(model: str, record: Mapping[str, Any]) -> bool:
    """Whether a version of such a row in the trail holds figures of a cut, or answers, that are sealed."""
    if model == "outcomes.measurement":
        cut = DataCut.objects.filter(pairs=record["cut_pair_id"]).first()
    elif model == "outcomes.resultrow":
        cut = DataCut.objects.filter(runs=record["run_id"]).first()
    elif model == "outcomes.indexscore":
        return first_opened_at() is None
    elif model == "reading.readcall":
        return not arms_are_open(session_with_read(record["read_id"]))
    else:
        return False
    return cut is None or not is_open(cut)
