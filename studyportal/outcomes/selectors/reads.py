"""Reads of cuts, runs and results. Outcomes are study-wide: only roles with that right see any."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet

from studyportal.core.storage import read_bytes
from studyportal.outcomes.models import (
    ComparedSeries,
    CutPair,
    DataCut,
    EvaluationRun,
    IndexScore,
    IndexTest,
    Measurement,
    ReleaseComparison,
    ResultOpening,
    ResultRow,
    RunFile,
)
from studyportal.outcomes.selectors.sealing import is_open, opened_points
from studyportal.outcomes.states import ComparisonStatus, PointKind, RunStatus
from studyportal.participants.selectors import removed_ids
from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, may
from studyportal.syntheses.selectors import every_release, usable_series
from studyportal.syntheses.states import AnalysisRole

if TYPE_CHECKING:
    from studyportal.syntheses.models import ModelRelease, SyntheticSeries


def cuts_visible_to(user: Person) -> QuerySet[DataCut]:
    """Every cut, for those who may see outcomes."""
    rows = DataCut.objects.select_related("release", "protocol_version", "frozen_by")
    return rows if may(user, Action.SEE_OUTCOMES) else rows.none()


def runs_visible_to(user: Person) -> QuerySet[EvaluationRun]:
    """Every run, for those who may see outcomes."""
    rows = EvaluationRun.objects.select_related(
        "cut", "cut__release", "cut__protocol_version", "planned_by"
    )
    return rows if may(user, Action.SEE_OUTCOMES) else rows.none()


def run_for(user: Person, run_id: UUID) -> EvaluationRun | None:
    """The run, or None when it does not exist or the person may not see it."""
    return runs_visible_to(user).filter(pk=run_id).first()


def cut_for(user: Person, cut_id: UUID) -> DataCut | None:
    """The cut, or None when it does not exist or the person may not see it."""
    return cuts_visible_to(user).filter(pk=cut_id).first()


def results_of(run: EvaluationRun) -> QuerySet[ResultRow]:
    """Results of a run in the order of the report, as far as analysis points of its cut are opened."""
    rows = ResultRow.objects.filter(run=run)
    opened = list(opened_points(run.cut))
    if any(one.kind == PointKind.FINAL for one in opened):
        return rows
    shown = {family for one in opened for family in one.shows}
    return rows.filter(_without_arm_or_outcome(shown)) if shown else rows.none()


def _without_arm_or_outcome(families: set[str]) -> Q:
    """Rows of these families that speak of no index test, and of the reference standard only as counted."""
    plain = Q(family__in=families, test="", target_condition="")
    counted = Q(family="secondary", test="", statistic__startswith="reference_", subgroup="all")
    return plain | counted if "reference" in families else plain


def files_of(run: EvaluationRun) -> QuerySet[RunFile]:
    """Files of the report of a run; none while its results are sealed."""
    return every_file_of(run) if is_open(run.cut) else RunFile.objects.none()


def every_file_of(run: EvaluationRun) -> QuerySet[RunFile]:
    """Files of the report of a run, sealed or not, for the portal's own work."""
    return RunFile.objects.filter(run=run)


def opening_for(user: Person, opening_id: UUID) -> ResultOpening | None:
    """The opening, or None when it does not exist or the person may not see its cut."""
    rows = ResultOpening.objects.filter(cut__in=cuts_visible_to(user))
    return rows.select_related("cut", "asked_by").filter(pk=opening_id).first()


def index_tests_visible_to(user: Person) -> QuerySet[IndexTest]:
    """Every registered index test, for those who may see outcomes."""
    rows = IndexTest.objects.select_related("locked_by")
    return rows if may(user, Action.SEE_OUTCOMES) else rows.none()


def index_test_for(user: Person, test_id: UUID) -> IndexTest | None:
    """The index test, or None when it does not exist or the person may not see it."""
    return index_tests_visible_to(user).filter(pk=test_id).first()


def removed_by_cut() -> dict[UUID, int]:
    """For each cut how many participants whose pairs it has had their data removed since it was frozen."""
    rows = CutPair.objects.filter(pair__participant__in=removed_ids()).order_by()
    return dict(rows.values_list("cut").annotate(n=Count("pk")))


def measured_share(cut: DataCut) -> tuple[int, int]:
    """How many pairs of the cut are measured, and how many there are."""
    counts = CutPair.objects.filter(cut=cut).aggregate(
        all=Count("pk"), done=Count("pk", filter=Q(measured_at__isnull=False))
    )
    return counts["done"], counts["all"]


def unmeasured_pairs() -> QuerySet[CutPair]:
    """Pairs of cuts with a planned run that wait to be measured."""
    return CutPair.objects.filter(measured_at=None, cut__runs__status=RunStatus.PLANNED).distinct()


def unmeasured_of(cut: DataCut) -> QuerySet[CutPair]:
    """Pairs of one cut that wait to be measured."""
    return CutPair.objects.filter(cut=cut, measured_at=None)


def planned_runs() -> QuerySet[EvaluationRun]:
    """Runs that wait to be analysed."""
    return EvaluationRun.objects.filter(status=RunStatus.PLANNED).select_related("cut")


def measurements_of(cut: DataCut) -> QuerySet[Measurement]:
    """Measurements of a cut."""
    return Measurement.objects.filter(cut_pair__cut=cut).select_related(
        "cut_pair__pair__participant__site"
    )


def measurements_of_pair(user: Person, pair_id: UUID) -> QuerySet[Measurement]:
    """Measurements of one pair in its newest cut, for those who may see outcomes; none while it is sealed."""
    if not may(user, Action.SEE_OUTCOMES):
        return Measurement.objects.none()
    newest = (
        CutPair.objects.filter(pair_id=pair_id, measured_at__isnull=False)
        .order_by("-cut__role", "-cut__frozen_at")  # a primary cut before an exploratory one
        .select_related("cut")
        .first()
    )
    if newest is None or not is_open(newest.cut):
        return Measurement.objects.none()
    return Measurement.objects.filter(cut_pair=newest).select_related("cut_pair__cut")


def latest_completed_run() -> EvaluationRun | None:
    """The newest completed run of a primary cut, whoever asks; entrances check the right first."""
    return (
        EvaluationRun.objects.filter(status=RunStatus.COMPLETED, cut__role=AnalysisRole.PRIMARY)
        .select_related("cut", "cut__release")
        .first()
    )


def every_run() -> QuerySet[EvaluationRun]:
    """All runs, for the portal's own work."""
    return EvaluationRun.objects.select_related("cut", "cut__release", "cut__protocol_version")


def every_cut_pair() -> QuerySet[CutPair]:
    """All pairs of cuts, for the portal's own work."""
    return CutPair.objects.select_related("cut", "source", "reference", "synthetic", "outlines")


def scores_of_participants() -> QuerySet[IndexScore]:
    """All reader scores, for the portal's own work."""
    return IndexScore.objects.select_related("participant")


def file_of(run: EvaluationRun, name: str) -> RunFile | None:
    """One file of the report of a run; None while its results are sealed."""
    return files_of(run).filter(name=name).first()


def headline_results(run: EvaluationRun) -> QuerySet[ResultRow]:
    """The few results over all sites that the dashboard shows: fidelity, agreement in lesions, accuracy."""
    fidelity = Q(statistic="mean", quantity=F("endpoint"))
    agreement = Q(endpoint="metabolic_consistency", statistic__in=("bias_percent", "ccc"))
    accuracy = Q(statistic="auc", value__isnull=False)
    return results_of(run).filter(fidelity | agreement | accuracy, subgroup="all", analysis="main")


def cut_named(name: str) -> DataCut | None:
    """The cut with this name, for the portal's own work."""
    return DataCut.objects.filter(name=name).select_related("release", "protocol_version").first()


def series_in_cut(cut: DataCut, release: ModelRelease) -> list[tuple[CutPair, SyntheticSeries]]:
    """For each pair of the cut the series of this release that can be compared: of the same CT, lowest seed."""
    kept = CutPair.objects.filter(cut=cut).exclude(pair__participant__in=removed_ids())
    pairs = {row.pair_id: row for row in kept.select_related("synthetic")}
    if release.pk == cut.release_id:
        return [(row, row.synthetic) for row in pairs.values()]
    found: dict[object, tuple[CutPair, SyntheticSeries]] = {}
    for series in usable_series(release):
        row = pairs.get(series.job.pair_id)
        if row is not None and series.job.source_id == row.source_id:
            found.setdefault(row.pk, (row, series))
    return list(found.values())


def comparable_releases(cut: DataCut) -> list[tuple[ModelRelease, int]]:
    """Releases with a series for some pair of the cut, and for how many; the cut's own release first."""
    counted = [(release, len(series_in_cut(cut, release))) for release in every_release()]
    some = [(release, count) for release, count in counted if count]
    return sorted(some, key=lambda one: (one[0].pk != cut.release_id, str(one[0])))


def comparisons_visible_to(user: Person) -> QuerySet[ReleaseComparison]:
    """Every comparison of releases, for those who may see outcomes."""
    rows = ReleaseComparison.objects.select_related(
        "cut", "cut__release", "planned_by"
    ).prefetch_related("compared__release")
    return rows if may(user, Action.SEE_OUTCOMES) else rows.none()


def comparison_for(user: Person, comparison_id: UUID) -> ReleaseComparison | None:
    """The comparison, or None when it does not exist or the person may not see it."""
    return comparisons_visible_to(user).filter(pk=comparison_id).first()


def results_of_comparison(comparison: ReleaseComparison) -> dict[str, Any] | None:
    """Rows, releases and provenance of a completed comparison, its digest checked; None while sealed."""
    if not comparison.results_sha256 or not is_open(comparison.cut):
        return None
    content: dict[str, Any] = json.loads(read_bytes(comparison.results_sha256))
    return content


def compared_share(comparison: ReleaseComparison) -> tuple[int, int]:
    """How many series of the comparison are measured, and how many there are."""
    counts = ComparedSeries.objects.filter(compared__comparison=comparison).aggregate(
        all=Count("pk"), done=Count("pk", filter=Q(measured_at__isnull=False))
    )
    return counts["done"], counts["all"]


def every_comparison() -> QuerySet[ReleaseComparison]:
    """All comparisons, for the portal's own work."""
    return ReleaseComparison.objects.select_related("cut", "cut__protocol_version")


def planned_comparisons() -> QuerySet[ReleaseComparison]:
    """Comparisons that wait to be computed."""
    return ReleaseComparison.objects.filter(status=ComparisonStatus.PLANNED)


def every_compared_series() -> QuerySet[ComparedSeries]:
    """All series of comparisons, for the portal's own work."""
    return ComparedSeries.objects.select_related(
        "compared", "synthetic", "cut_pair__cut", "cut_pair__source", "cut_pair__reference",
        "cut_pair__outlines", "cut_pair__synthetic",
    )  # fmt: skip


def unmeasured_compared() -> QuerySet[ComparedSeries]:
    """Series of planned comparisons that wait to be measured."""
    return ComparedSeries.objects.filter(
        measured_at=None, compared__comparison__status=ComparisonStatus.PLANNED
    )
