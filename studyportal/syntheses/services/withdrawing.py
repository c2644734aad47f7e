"""What syntheses do when a participant has withdrawn consent and had the data removed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from studyportal.core import clock
from studyportal.core.services import advance
from studyportal.imaging.selectors import (
    difference_origin,
    files_of_manifest,
    pair_of,
    series_of_pair,
    uptake_origins,
)
from studyportal.imaging.services import drop_volumes
from studyportal.imaging.states import SeriesRole
from studyportal.participants.rules import Obeyed, Scope
from studyportal.syntheses.models import JobAttempt, SynthesisJob, SyntheticSeries
from studyportal.syntheses.states import (
    SYNTHESIS_JOB,
    SYNTHETIC_SERIES,
    JobStatus,
    SyntheticStatus,
)

if TYPE_CHECKING:
    from studyportal.participants.models import Participant, Withdrawal

_REMOVED = "The participant withdrew consent and had the data removed."


def obey_withdrawal(*, withdrawal: Withdrawal) -> Obeyed:
    """No synthetic series of the participant is left and no job will make one; a running job is stopped and waited for.

    Who only stops collecting keeps what was made of the images collected before, and what is still made of them.
    """
    jobs = SynthesisJob.objects.filter(pair__participant=withdrawal.participant)
    if withdrawal.scope != Scope.REMOVE:
        made = SyntheticSeries.objects.filter(job__in=jobs).count()
        stays = (f"{made} synthetic series of images collected before stay.",) if made else ()
        return Obeyed(stays=stays)
    counts: Counter[str] = Counter()
    running = _stop_jobs(withdrawal.participant, counts)
    files = _withdraw_series(withdrawal.participant, counts)
    tokens = JobAttempt.objects.filter(job__in=jobs).values_list("job_id", "token")
    return Obeyed(
        counts={key: count for key, count in counts.items() if count},
        files=files,
        folders=frozenset(f"work/{job}.{token}" for job, token in tokens),
        waits_for=f"{running} synthesis jobs are being stopped." if running else "",
    )


def _stop_jobs(participant: Participant, counts: Counter[str]) -> int:
    """Waiting jobs are cancelled and running ones told to stop; returns how many still run."""
    jobs = SynthesisJob.objects.select_for_update(of=("self",)).filter(
        pair__participant=participant
    )
    running = 0
    for job in jobs.filter(status__in=(JobStatus.QUEUED, JobStatus.RUNNING)).order_by("pk"):
        if job.status == JobStatus.QUEUED:
            advance(
                job,
                SYNTHESIS_JOB,
                JobStatus.CANCELLED,
                by=None,
                ended_at=clock.now(),
                reason=_REMOVED,
            )
            counts["jobs_cancelled"] += 1
            continue
        running += 1
        if not job.cancel_requested:
            job.cancel_requested = True
            job.save(update_fields=["cancel_requested"])
            counts["jobs_stopped"] += 1
    return running


def _withdraw_series(participant: Participant, counts: Counter[str]) -> frozenset[str]:
    """Every synthetic series is withdrawn; returns the files that have to go, also those of volumes made of them."""
    files: set[str] = set()
    origins: set[str] = set()
    pair = pair_of(participant)
    references = series_of_pair(pair).filter(role=SeriesRole.REFERENCE) if pair else ()
    for series in SyntheticSeries.objects.filter(job__pair__participant=participant):
        if SYNTHETIC_SERIES.may_move(series.status, SyntheticStatus.WITHDRAWN):
            counts["series_withdrawn"] += 1
            counts["images_deleted"] += series.stored_files
            counts["bytes_deleted"] += series.stored_bytes
            advance(
                series,
                SYNTHETIC_SERIES,
                SyntheticStatus.WITHDRAWN,
                by=None,
                reason=_REMOVED,
                stored_bytes=0,
            )
        files |= {*files_of_manifest(series.manifest_sha256), series.preview_sha256} - {""}
        origins |= {
            series.manifest_sha256,
            *(
                difference_origin(origin, series.manifest_sha256)
                for reference in references
                for origin in uptake_origins(reference)
            ),
        }
    volumes, of_volumes = drop_volumes(origins=origins)
    counts["volumes_removed"] += volumes
    return frozenset(files | of_volumes)
