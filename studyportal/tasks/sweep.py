"""The sweeper: whatever a lost message or a dead worker left behind is sent again, what is stale is purged."""

from datetime import timedelta

from studyportal.core import clock
from studyportal.exports.selectors import requested_exports
from studyportal.imaging.selectors import unsettled_series
from studyportal.imaging.services import discard_stale, purge_stale
from studyportal.outcomes.selectors import planned_runs, unmeasured_pairs
from studyportal.syntheses.selectors import any_running, waiting_jobs
from studyportal.syntheses.services import requeue_lost
from studyportal.tasks import dispatch
from studyportal.tasks.dispatch import portal_task

_PATIENCE = timedelta(seconds=60)
_KEPT = timedelta(days=14)
_AT_ONCE = 20


@portal_task
def sweep() -> None:
    """Idempotent: every task it sends takes its row first, so a doubled message does nothing."""
    requeue_lost()
    discard_stale(before=clock.now() - _KEPT)
    purge_stale(before=clock.now() - _KEPT)
    before = clock.now() - _PATIENCE
    if not any_running():  # a busy worker still holds its messages; an idle one has lost them
        for job in waiting_jobs().filter(requested_at__lt=before)[:_AT_ONCE]:
            dispatch.translate(job.pk)
    _resend_images_and_outcomes(before)


def _resend_images_and_outcomes(before: object) -> None:
    for series in unsettled_series().filter(opened_at__lt=before)[:_AT_ONCE]:
        dispatch.check_series(series.pk)
    for cut_pair in unmeasured_pairs().filter(cut__runs__planned_at__lt=before)[:_AT_ONCE]:
        dispatch.measure(cut_pair.pk)
    for run in (
        planned_runs()
        .filter(planned_at__lt=before)
        .exclude(cut__pairs__measured_at=None)[:_AT_ONCE]
    ):
        dispatch.analyse(run.pk)
    for export in requested_exports().filter(requested_at__lt=before)[:_AT_ONCE]:
        dispatch.build_export(export.pk)
