"""The sweeper: whatever a lost message or a dead worker left behind is sent again."""

from datetime import timedelta

from studyportal.core import clock
from studyportal.exports.selectors import requested_exports
from studyportal.imaging.selectors import every_series
from studyportal.imaging.states import SeriesStatus
from studyportal.outcomes.selectors import planned_runs, unmeasured_pairs
from studyportal.syntheses.selectors import waiting_jobs
from studyportal.syntheses.services import requeue_lost
from studyportal.tasks import dispatch
from studyportal.tasks.dispatch import portal_task

_PATIENCE = timedelta(seconds=60)


@portal_task
def sweep(_key: str = "") -> None:
    """Idempotent: every task it sends checks the state of its row first."""
    requeue_lost()
    before = clock.now() - _PATIENCE
    for job in waiting_jobs().filter(requested_at__lt=before)[:20]:
        dispatch.translate(job.pk)
    for series in every_series().filter(status=SeriesStatus.RECEIVED, opened_at__lt=before)[:20]:
        dispatch.check_series(series.pk)
    for cut_pair in unmeasured_pairs().filter(cut__runs__planned_at__lt=before)[:20]:
        dispatch.measure(cut_pair.pk)
    for run in (
        planned_runs().filter(planned_at__lt=before).exclude(cut__pairs__measured_at=None)[:20]
    ):
        dispatch.analyse(run.pk)
    for export in requested_exports().filter(requested_at__lt=before)[:20]:
        dispatch.build_export(export.pk)
