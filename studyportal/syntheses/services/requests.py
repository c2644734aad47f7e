"""What people ask of the synthesis queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import advance, begin, record
from studyportal.imaging.selectors import accepted_series
from studyportal.imaging.states import PairStatus, SeriesRole
from studyportal.sites.rules import Action
from studyportal.sites.services import require
from studyportal.syntheses.models import ModelRelease, SynthesisBatch, SynthesisJob
from studyportal.syntheses.states import SYNTHESIS_JOB, JobStatus, ReleaseStatus

if TYPE_CHECKING:
    from studyportal.imaging.models import ScanPair

LARGEST_SEED = 2**31 - 1


def refuse_seed(seed: int) -> None:
    """Refuse a seed that cannot be kept."""
    if not 0 <= seed <= LARGEST_SEED:
        raise Refused(Reason("seed", f"The seed is a number from 0 to {LARGEST_SEED}.", "seed"))


def refuse_release(release: ModelRelease) -> None:
    """Refuse a release that may not be used."""
    if release.status != ReleaseStatus.RELEASED:
        sentence = f"{release} is {release.status}; only a released model may be used."
        raise Refused(Reason("release_not_released", sentence))


@transaction.atomic
def request_synthesis(
    *,
    pair: ScanPair,
    release: ModelRelease,
    seed: int,
    by: User,
    batch: SynthesisBatch | None = None,
) -> SynthesisJob:
    """A job for this CT, release and seed is queued, or the one that exists is returned.

    Raises
    ------
    Refused
        When the pair is not ready, the release is not released, or the seed cannot be kept.
    """
    site = pair.participant.site
    require(by, Action.REQUEST_SYNTHESIS, site=site)
    refuse_seed(seed)
    if pair.status != PairStatus.READY:
        raise Refused(
            Reason("pair_not_ready", f"The pair of {pair.participant.code} is not ready.")
        )
    refuse_release(release)
    source = accepted_series(pair, SeriesRole.SOURCE)
    if source is None:
        raise Refused(Reason("no_source", f"The pair of {pair.participant.code} has no CT."))
    job, created = SynthesisJob.objects.get_or_create(
        source=source,
        release=release,
        seed=seed,
        defaults={
            "pair": pair,
            "status": JobStatus.QUEUED,
            "requested_at": clock.now(),
            "requested_by": by,
            "batch": batch,
        },
    )
    if created:
        begin(job, SYNTHESIS_JOB, by=by)
        record(
            "request_synthesis",
            job,
            f"A synthetic PET of {pair.participant.code} was requested with {release}.",
            by=by,
            site_code=site.code,
        )
    return job


@transaction.atomic
def cancel_job(*, job: SynthesisJob, by: User) -> SynthesisJob:
    """A waiting job is cancelled; a running one is told to stop and leaves no output."""
    site = job.pair.participant.site
    require(by, Action.CANCEL_SYNTHESIS, site=site)
    job = SynthesisJob.objects.select_for_update().get(pk=job.pk)
    if job.status == JobStatus.QUEUED:
        advance(
            job,
            SYNTHESIS_JOB,
            JobStatus.CANCELLED,
            by=by,
            ended_at=clock.now(),
            reason=f"Cancelled by {by} while it waited.",
        )
    elif job.status == JobStatus.RUNNING:
        job.cancel_requested = True
        job.save(update_fields=["cancel_requested"])
    else:
        raise Refused(Reason("job_ended", "This job has ended already."))
    record(
        "cancel_job",
        job,
        f"The synthesis for {job.pair.participant.code} was cancelled.",
        by=by,
        site_code=site.code,
    )
    return job


@transaction.atomic
def retry_job(*, job: SynthesisJob, by: User) -> SynthesisJob:
    """An errored job waits again with its attempts counted anew."""
    site = job.pair.participant.site
    require(by, Action.REQUEST_SYNTHESIS, site=site)
    if job.status != JobStatus.ERRORED:  # a running job may move to queued too, yet not by a person
        raise Refused(
            Reason("not_errored", f"This job is {job.status}; only an errored one is tried again.")
        )
    if job.pair.status == PairStatus.EXCLUDED:
        code = job.pair.participant.code
        raise Refused(Reason("pair_excluded", f"The pair of {code} was excluded."))
    advance(
        job,
        SYNTHESIS_JOB,
        JobStatus.QUEUED,
        by=by,
        attempts=0,
        not_before=None,
        ended_at=None,
        stage="",
        cancel_requested=False,
    )
    record(
        "retry_job",
        job,
        f"The synthesis for {job.pair.participant.code} was tried again.",
        by=by,
        site_code=site.code,
    )
    return job
