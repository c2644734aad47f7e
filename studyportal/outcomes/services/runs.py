"""Plans a run and analyses it: frozen tables and measurements in, immutable result rows and a report out."""

import logging
import tempfile
from dataclasses import asdict
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import translation

from evaluation.analysis import AnalysisResult, Tables, load_plan, run
from evaluation.analysis.locking import mark_exploratory
from evaluation.readers import write_mrmc_files
from evaluation.report import write_report, write_translation
from studyportal.core import clock
from studyportal.core.errors import Reason, Refused, StaleState
from studyportal.core.language import said
from studyportal.core.models import User
from studyportal.core.services import advance, begin, record
from studyportal.core.storage import store_files
from studyportal.outcomes.models import (
    CutPair,
    DataCut,
    EvaluationRun,
    ResultRow,
    RunFile,
)
from studyportal.outcomes.services.classifiers import with_classifiers
from studyportal.outcomes.services.cuts import software_versions
from studyportal.outcomes.services.index_tests import locks_of, not_locked_in_time
from studyportal.outcomes.services.openings import refuse_sealed
from studyportal.outcomes.services.tables import left_out_since, tables_of
from studyportal.outcomes.states import EVALUATION_RUN, CutStatus, RunStatus
from studyportal.protocol.selectors import content_of
from studyportal.sites.rules import Action
from studyportal.sites.services import require
from studyportal.syntheses.selectors import synthesis_notes
from studyportal.syntheses.states import AnalysisRole

_log = logging.getLogger(__name__)


@transaction.atomic
def plan_run(*, cut: DataCut, by: User) -> EvaluationRun:
    """A run of this cut is planned; it is analysed when every pair is measured."""
    require(by, Action.RUN_EVALUATION)
    if cut.status == CutStatus.OPEN:
        raise Refused(Reason("cut_open", "Freeze the cut before it is evaluated."))
    row = EvaluationRun.objects.create(
        cut=cut, status=RunStatus.PLANNED, planned_at=clock.now(), planned_by=by
    )
    begin(row, EVALUATION_RUN, by=by)
    record("plan_run", row, f"An evaluation of “{cut.name}” was requested.", by=by)
    return row


def analyse_run(*, evaluation_run: EvaluationRun) -> EvaluationRun:
    """The run is completed with result rows and report, or errored; it waits while a pair is unmeasured."""
    cut = evaluation_run.cut
    if (
        evaluation_run.status != RunStatus.PLANNED
        or CutPair.objects.filter(cut=cut, measured_at=None).exists()
    ):
        return evaluation_run
    try:
        advance(evaluation_run, EVALUATION_RUN, RunStatus.RUNNING, by=None, started_at=clock.now())
    except StaleState:  # another worker took it
        return evaluation_run
    try:
        result = _result(evaluation_run, tables_of(cut))
        with tempfile.TemporaryDirectory() as folder:
            _complete(evaluation_run, result, Path(folder))
    except Exception as error:  # noqa: BLE001 the shell, see below
        # The shell of the analysis: a run never stays *running*; what broke is logged with its traceback.
        _log.exception("analysis of run %s broke", evaluation_run.pk)
        reason = f"The analysis broke ({type(error).__name__}). It was logged; nothing was kept."
        advance(
            evaluation_run,
            EVALUATION_RUN,
            RunStatus.ERRORED,
            by=None,
            ended_at=clock.now(),
            reason=reason,
        )
    return evaluation_run


def publish_report(*, evaluation_run: EvaluationRun, out: Path, by: User) -> tuple[Path, ...]:
    """The edition that may leave the platform lies in `out`: small cells withheld, nobody singled out.

    The plan is run again on the frozen tables, which gives the same rows; what is below the plan's
    smallest cell, and what would reveal it, is taken out before anything is printed.
    """
    require(by, Action.EXPORT)
    if evaluation_run.status != RunStatus.COMPLETED:
        raise Refused(Reason("run_incomplete", "Only a completed evaluation can be published."))
    cut = evaluation_run.cut
    refuse_sealed(cut)
    plan = load_plan(cut.plan_text)
    # As it was when the run was analysed: who had the data removed since stands in no row of this edition.
    result = _result(evaluation_run, tables_of(cut, before=evaluation_run.started_at))
    sentence = (
        f"The evaluation of “{cut.name}” was written for publication, cells below "
        f"{plan.minimum.cell} withheld."
    )
    with transaction.atomic():  # nothing leaves without its trail, and no trail says what did not
        record("publish_report", evaluation_run, sentence, by=by)
        return write_report(
            result,
            provenance=provenance_of(evaluation_run),
            out=out,
            title=title_of(cut),
            suppress_below=plan.minimum.cell,
        )


def _result(evaluation_run: EvaluationRun, tables: Tables) -> AnalysisResult:
    """The rows of the plan on these tables; what rests on a test that was not locked in time says so."""
    plan = load_plan(evaluation_run.cut.plan_text)
    used_at = evaluation_run.started_at or clock.now()
    reasons = not_locked_in_time(plan, used_at=used_at)
    return mark_exploratory(run(plan, with_classifiers(plan, tables)), plan, reasons)


_EXPLORATORY = {"en": "Exploratory", "zh-Hans": "探索性"}


def title_of(cut: DataCut, *, language: str = "en") -> str:
    """The title of a report; what is exploratory says so before anything else."""
    with translation.override(language.lower()):
        title = said(cut.protocol_version.title)
    if cut.role != AnalysisRole.EXPLORATORY:
        return title
    return f"{_EXPLORATORY[language]} – {title}"


def provenance_of(evaluation_run: EvaluationRun) -> dict[str, str | dict[str, str]]:
    """Everything a number of this run can be traced to."""
    cut = evaluation_run.cut
    return {
        "protocol": f"{cut.protocol_version.registry_number} version {cut.protocol_version.version}",
        "protocol_sha256": cut.protocol_version.sha256,
        "data_cut": cut.name,
        "data_cut_id": str(cut.pk),
        "frozen_at": cut.frozen_at.isoformat(timespec="seconds") if cut.frozen_at else "",
        "tables_sha256": cut.tables_sha256,
        "analysis_role": str(cut.role),
        "model_release": str(cut.release),
        "model_release_sha256": cut.release.digest,
        "weights_sha256": cut.release.weights_sha256,
        "analysis_plan_sha256": cut.plan_digest,
        "index_tests": locks_of(load_plan(cut.plan_text)),
        **_exploratory_tests(evaluation_run),
        "run_id": str(evaluation_run.pk),
        **_withdrawn(evaluation_run),
        "software": software_versions(),
        "synthesis_notes": synthesis_notes(
            CutPair.objects.filter(cut=cut).values_list("synthetic__facts", flat=True)
        ),
    }


def _withdrawn(evaluation_run: EvaluationRun) -> dict[str, str]:
    """How many of the cut's participants had their data removed before this run; no word where nobody had."""
    count = left_out_since(evaluation_run.cut, before=evaluation_run.started_at)
    return {"left_out_after_withdrawal": str(count)} if count else {}


def _exploratory_tests(evaluation_run: EvaluationRun) -> dict[str, dict[str, str]]:
    """Which index tests were not locked in time, and why; no word where all were."""
    plan = load_plan(evaluation_run.cut.plan_text)
    reasons = not_locked_in_time(plan, used_at=evaluation_run.started_at or clock.now())
    return {"exploratory_index_tests": reasons} if reasons else {}


def _complete(evaluation_run: EvaluationRun, result: AnalysisResult, folder: Path) -> None:
    provenance = provenance_of(evaluation_run)
    title = title_of(evaluation_run.cut)
    paths = write_report(result, provenance=provenance, out=folder, title=title)
    paths += _translations(evaluation_run, result, folder, provenance)
    paths += write_mrmc_files(result.series["scores"], folder / "readers")
    names = [path.relative_to(folder).as_posix() for path in paths]
    files = list(zip(names, store_files(paths), strict=True))
    with transaction.atomic():
        ResultRow.objects.bulk_create(
            ResultRow(run=evaluation_run, **asdict(row)) for row in result.rows
        )
        RunFile.objects.bulk_create(
            RunFile(run=evaluation_run, name=name, sha256=stored.sha256, size=stored.size)
            for name, stored in files
        )
        _supersede_earlier(evaluation_run)
        advance(
            evaluation_run,
            EVALUATION_RUN,
            RunStatus.COMPLETED,
            by=None,
            ended_at=clock.now(),
            provenance=provenance,
        )
        record(
            "complete_run",
            evaluation_run,
            f"The evaluation of “{evaluation_run.cut.name}” gave {len(result.rows)} results.",
            by=None,
        )


def _translations(
    evaluation_run: EvaluationRun,
    result: AnalysisResult,
    folder: Path,
    provenance: dict[str, str | dict[str, str]],
) -> tuple[Path, ...]:
    """The report once more in each other language of the installation, in a folder named by it."""
    return tuple(
        path
        for language in settings.REPORT_LANGUAGES
        for path in write_translation(
            result,
            provenance=provenance,
            out=folder / language,
            title=title_of(evaluation_run.cut, language=language),
            language=language,
            names=content_of(evaluation_run.cut.protocol_version).names_in_chinese(),
        )
    )


def _supersede_earlier(evaluation_run: EvaluationRun) -> None:
    earlier = EvaluationRun.objects.filter(
        cut=evaluation_run.cut, status=RunStatus.COMPLETED, planned_at__lt=evaluation_run.planned_at
    )
    for row in earlier:
        advance(
            row,
            EVALUATION_RUN,
            RunStatus.SUPERSEDED,
            by=None,
            reason="a later run of the same cut was completed",
        )
