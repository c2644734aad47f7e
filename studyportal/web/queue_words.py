"""The synthesis queue in words: what a job does now, when it is expected to end, what happens next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from studyportal.dashboards.queue import Expectation, Outlook
from studyportal.syntheses.rules import FEWEST_FOR_A_PACE
from studyportal.syntheses.states import AttemptCause, JobStatus

if TYPE_CHECKING:
    from studyportal.syntheses.models import SynthesisJob

# Stages in their order; what a model calls otherwise is shown as it is.
STAGES: Mapping[str, str | Promise] = {
    "starting": gettext_lazy("start"),
    "loading": gettext_lazy("load the model"),
    "reading": gettext_lazy("read the CT"),
    "translating": gettext_lazy("translate"),
    "writing": gettext_lazy("write DICOM"),
    "checking": gettext_lazy("check and store"),
}
CAUSES: Mapping[str, str | Promise] = {
    AttemptCause.BROKE: gettext_lazy("broke"),
    AttemptCause.OUT_OF_MEMORY: gettext_lazy("out of memory"),
    AttemptCause.KILLED: gettext_lazy("killed"),
    AttemptCause.TIME_LIMIT: gettext_lazy("took too long"),
    AttemptCause.NO_DEVICE: gettext_lazy("no device"),
    AttemptCause.WORKER_LOST: gettext_lazy("worker lost"),
}
_QUIET = timedelta(minutes=1)


def stages_of(job: SynthesisJob) -> list[tuple[str, str]]:
    """Every stage with `done`, `now` or `later`; empty for a stage that is not in the list."""
    if job.status != JobStatus.RUNNING or job.stage not in STAGES:
        return []
    at = list(STAGES).index(job.stage)
    return [
        (str(words), "done" if n < at else "now" if n == at else "later")
        for n, words in enumerate(STAGES.values())
    ]


def stage_words(stage: str) -> str:
    """Return the stage as people read it."""
    return str(STAGES.get(stage, stage))


def end_sentence(job: SynthesisJob, expected: Expectation, moment: datetime) -> str:
    """When the job is expected to end, and what that rests on; that it is not known where it is not."""
    if expected.late:
        sentence = ngettext(
            "Takes longer than %(n)s earlier job with this release on this device.",
            "Takes longer than %(n)s earlier jobs with this release on this device.",
            expected.jobs,
        )
        return sentence % {"n": expected.jobs}
    if expected.ends_at is None:
        return _("Expected end: not known. Fewer than %(n)s earlier jobs tell the pace.") % {
            "n": FEWEST_FOR_A_PACE
        }
    said = _("Expected end: %(time)s, in %(left)s.") % {
        "time": formats.date_format(timezone.localtime(expected.ends_at), "H:i"),
        "left": about(expected.ends_at - moment),
    }
    if job.status == JobStatus.RUNNING:
        said += " " + _("Pace of %(n)s earlier jobs.") % {"n": expected.jobs}
    return said


def about(left: timedelta) -> str:
    """Return a span of time, as exact as it deserves."""
    seconds = max(0.0, left.total_seconds())
    if seconds < 90:
        return _("%(n)s s") % {"n": round(seconds)}
    if seconds < 5400:
        return _("%(n)s min") % {"n": round(seconds / 60)}
    return _("%(n)s h") % {"n": round(seconds / 3600, 1)}


def place_sentence(expected: Expectation, queue: Outlook) -> str:
    """Where a waiting job stands, and what runs where."""
    said = _("Place %(place)s of %(all)s in the queue.") % {
        "place": expected.place,
        "all": queue.waiting,
    }
    running = [
        _("%(n)s running on %(device)s")
        % {"n": n, "device": device or _("a device without a name")}
        for device, n in sorted(queue.devices.items())
    ]
    return f"{said} {'; '.join(running)}." if running else f"{said} {_('Nothing runs now.')}"


def next_sentence(job: SynthesisJob, queue: Outlook, moment: datetime) -> str:
    """What will happen next, by itself or by whom."""
    return _NEXT[JobStatus(job.status)](job, queue, moment)


def _after_waiting(job: SynthesisJob, queue: Outlook, moment: datetime) -> str:
    if job.not_before is not None and job.not_before > moment:
        return _("It is tried again in %(left)s: attempt %(n)s of %(most)s.") % {
            "left": about(job.not_before - moment),
            "n": job.attempts + 1,
            "most": settings.SYNTHESIS_MAX_ATTEMPTS,
        }
    if queue.running == 0 and moment - job.requested_at > _QUIET:
        return _(
            "A worker takes it as soon as one is free. Nothing has run for a while: the administrator sees "
            "under Health whether a worker serves the queue gpu."
        )
    return _("The next free device takes it; this page need not stay open.")


def _after_running(job: SynthesisJob, _queue: Outlook, _moment: datetime) -> str:
    if job.cancel_requested:
        return _("The process is being ended; nothing of it is kept.")
    if job.attempts < settings.SYNTHESIS_MAX_ATTEMPTS:
        return _(
            "When it is done, the series is checked and stored. Should it break, it is tried again by "
            "itself: this is attempt %(n)s of %(most)s."
        ) % {"n": job.attempts, "most": settings.SYNTHESIS_MAX_ATTEMPTS}
    return _(
        "This is the last attempt: should it break, a person decides whether it is tried again."
    )


def _after_success(_job: SynthesisJob, _queue: Outlook, _moment: datetime) -> str:
    return _("Nothing more: the series stands beside the acquired PET and can be evaluated.")


def _after_refusal(_job: SynthesisJob, _queue: Outlook, _moment: datetime) -> str:
    return _("Nothing: the same CT is refused again. Another CT of the participant may be taken.")


def _after_error(_job: SynthesisJob, _queue: Outlook, _moment: datetime) -> str:
    return _("Nothing by itself: mend the cause, then try it again with one click.")


def _after_cancel(_job: SynthesisJob, _queue: Outlook, _moment: datetime) -> str:
    return _("Nothing: it was cancelled and nothing of it is kept.")


_NEXT = {
    JobStatus.QUEUED: _after_waiting,
    JobStatus.RUNNING: _after_running,
    JobStatus.SUCCEEDED: _after_success,
    JobStatus.REFUSED: _after_refusal,
    JobStatus.ERRORED: _after_error,
    JobStatus.CANCELLED: _after_cancel,
}
