"""The sweeper: whatever a lost message or a dead worker left behind is sent again, what is stale is purged."""

from datetime import datetime, timedelta

from studyportal.core import clock
from studyportal.core.storage import clear_incoming
from studyportal.exports.selectors import requested_exports
from studyportal.exports.services import expire_old, give_up_lost
from studyportal.imaging.selectors import unscreened_pairs, unsettled_series
from studyportal.imaging.services import discard_stale, forget_withdrawn, purge_stale
from studyportal.outcomes.selectors import (
    planned_comparisons,
    planned_runs,
    unmeasured_compared,
    unmeasured_pairs,
)
from studyportal.participants.selectors import unconfirmed_withdrawals, unfinished_withdrawals
from studyportal.reading.selectors import cases_to_prepare
from studyportal.syntheses.selectors import overdue_jobs
from studyportal.syntheses.services import clear_scratch, requeue_lost
from studyportal.tasks import dispatch
from studyportal.tasks.dispatch import portal_task

_WHY = "what is left behind may be left behind at any site"

_PATIENCE = timedelta(seconds=60)
_KEPT = timedelta(days=14)
_LONGEST_BUILD = timedelta(hours=3)  # beyond the time limit of a task
_AT_ONCE = 20
_WAKE_AT_ONCE = 4  # each worker that is woken wakes the next one itself
_LEFT_BEHIND = timedelta(hours=1)
_SECOND_LOOK = timedelta(hours=1)  # longer than any task that may still hold an image in memory


@portal_task(over_every_site=_WHY)
def sweep() -> None:
    """Idempotent: every task it sends takes its row first, so a doubled message does nothing."""
    requeue_lost()
    for job in overdue_jobs(clock.now(), patience=_PATIENCE)[:_WAKE_AT_ONCE]:
        dispatch.wake(job.pk)
    _resend_withdrawals()
    _clear_what_was_left_behind()
    _resend_images_and_outcomes(clock.now() - _PATIENCE)


def _clear_what_was_left_behind() -> None:
    discard_stale(before=clock.now() - _KEPT)
    purge_stale(before=clock.now() - _KEPT)
    forget_withdrawn()
    expire_old(before=clock.now() - _KEPT)
    give_up_lost(before=clock.now() - _LONGEST_BUILD)
    clear_scratch(before=clock.now() - _PATIENCE)
    clear_incoming(before=clock.now() - _LEFT_BEHIND)


def _resend_withdrawals() -> None:
    for withdrawal in unfinished_withdrawals()[:_AT_ONCE]:
        dispatch.obey_withdrawal(withdrawal.pk)
    for withdrawal in unconfirmed_withdrawals(before=clock.now() - _SECOND_LOOK)[:_AT_ONCE]:
        dispatch.confirm_withdrawal(withdrawal.pk)


def _resend_images_and_outcomes(before: datetime) -> None:
    for series in unsettled_series().filter(opened_at__lt=before)[:_AT_ONCE]:
        dispatch.check_series(series.pk)
    for pair in unscreened_pairs().filter(settled_at__lt=before)[:_AT_ONCE]:
        dispatch.screen_pair(pair.pk)
    for case in cases_to_prepare(before)[:_AT_ONCE]:
        dispatch.prepare_case(case.pk)
    for cut_pair in unmeasured_pairs().filter(cut__runs__planned_at__lt=before)[:_AT_ONCE]:
        dispatch.measure(cut_pair.pk)
    for run in (
        planned_runs()
        .filter(planned_at__lt=before)
        .exclude(cut__pairs__measured_at=None)[:_AT_ONCE]
    ):
        dispatch.analyse(run.pk)
    _resend_comparisons(before)
    for export in requested_exports().filter(requested_at__lt=before)[:_AT_ONCE]:
        dispatch.build_export(export.pk)


def _resend_comparisons(before: object) -> None:
    for series in unmeasured_compared().filter(compared__comparison__planned_at__lt=before)[
        :_AT_ONCE
    ]:
        dispatch.measure_compared(series.pk)
    for comparison in (
        planned_comparisons()
        .filter(planned_at__lt=before)
        .exclude(compared__series__measured_at=None)[:_AT_ONCE]
    ):
        dispatch.compare(comparison.pk)
