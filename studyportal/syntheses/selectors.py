"""Reads of releases, jobs and synthetic series, scoped to what the person may see."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Case, Count, F, OuterRef, QuerySet, Subquery, Sum, When

from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, may, site_ids
from studyportal.syntheses.models import JobAttempt, ModelRelease, SynthesisJob, SyntheticSeries
from studyportal.syntheses.states import JobStatus, ReleaseStatus, SyntheticStatus
from synthesis.registry.release import PACKAGED

if TYPE_CHECKING:
    from studyportal.imaging.models import ScanPair

USABLE = (SyntheticStatus.QC_PASSED, SyntheticStatus.RELEASED)


def jobs_visible_to(user: Person) -> QuerySet[SynthesisJob]:
    """Jobs of the sites at which the person may see syntheses."""
    return SynthesisJob.objects.filter(
        pair__participant__site__in=site_ids(user, Action.SEE_SYNTHESES)
    ).select_related(
        "pair", "pair__participant", "pair__participant__site", "release", "requested_by"
    )


def job_for(user: Person, job_id: UUID) -> SynthesisJob | None:
    """The job, or None when it does not exist or the person may not see it."""
    return jobs_visible_to(user).filter(pk=job_id).first()


def releases_visible_to(user: Person) -> QuerySet[ModelRelease]:
    """Every release, for those who may see syntheses."""
    return (
        ModelRelease.objects.all()
        if may(user, Action.SEE_SYNTHESES)
        else ModelRelease.objects.none()
    )


def synthetic_visible_to(user: Person) -> QuerySet[SyntheticSeries]:
    """Synthetic series of the sites at which the person may see images."""
    return SyntheticSeries.objects.filter(
        job__pair__participant__site__in=site_ids(user, Action.SEE_IMAGES)
    ).select_related(
        "job", "job__pair", "job__pair__participant", "job__pair__participant__site", "job__release"
    )


def queue_position(job: SynthesisJob) -> int | None:
    """How many jobs stand before this one, counting from 1; None when it does not wait."""
    if job.status != JobStatus.QUEUED:
        return None
    return (
        1
        + SynthesisJob.objects.filter(
            status=JobStatus.QUEUED, requested_at__lt=job.requested_at
        ).count()
    )


def current_release() -> ModelRelease | None:
    """The newest release that is released."""
    return (
        ModelRelease.objects.filter(status=ReleaseStatus.RELEASED)
        .order_by("-registered_at")
        .first()
    )


def jobs_of_pair(pair: ScanPair) -> QuerySet[SynthesisJob]:
    """Jobs of one pair, newest first."""
    return SynthesisJob.objects.filter(pair=pair).select_related(
        "release", "requested_by", "synthetic_series"
    )


def shown_synthetics(pair: ScanPair) -> list[SyntheticSeries]:
    """Synthetic series of one pair that the viewer shows: all but withdrawn ones, newest first."""
    return list(
        SyntheticSeries.objects.filter(job__pair=pair)
        .exclude(status=SyntheticStatus.WITHDRAWN)
        .select_related("job", "job__release")
        .order_by("-produced_at")
    )


def usable_series(release: ModelRelease) -> QuerySet[SyntheticSeries]:
    """Synthetic series of a release that passed their checks, one per pair (seed 0 first)."""
    return (
        SyntheticSeries.objects.filter(job__release=release, status__in=USABLE)
        .select_related("job", "job__pair", "job__pair__participant", "job__source")
        .order_by("job__pair__participant__code", "job__seed")
    )


def lost_jobs(moment: datetime) -> QuerySet[SynthesisJob]:
    """Running jobs whose worker has stopped reporting."""
    return SynthesisJob.objects.filter(status=JobStatus.RUNNING, lease_until__lt=moment)


def waiting_jobs() -> QuerySet[SynthesisJob]:
    """Jobs that wait for a worker, oldest first."""
    return SynthesisJob.objects.filter(status=JobStatus.QUEUED).order_by("requested_at")


def every_job() -> QuerySet[SynthesisJob]:
    """All jobs, for the portal's own work."""
    return SynthesisJob.objects.select_related(
        "pair", "pair__participant", "pair__participant__site", "release", "source"
    )


def every_release() -> QuerySet[ModelRelease]:
    """All releases, for the portal's own work."""
    return ModelRelease.objects.all()


def folder_of(release: ModelRelease) -> Path:
    """Where the files of a release lie on this machine."""
    kind, _, place = release.folder.partition(":")
    return PACKAGED / place if kind == "packaged" else Path(place)


def release_for(user: Person, release_id: UUID) -> ModelRelease | None:
    """The release, or None when it does not exist or the person may not see it."""
    return releases_visible_to(user).filter(pk=release_id).first()


def synthetic_for(user: Person, series_id: UUID) -> SyntheticSeries | None:
    """The synthetic series, or None when it does not exist or the person may not see it."""
    return synthetic_visible_to(user).filter(pk=series_id).first()


def attempts_of(job: SynthesisJob) -> QuerySet[JobAttempt]:
    """Attempts of one job, first to last."""
    return JobAttempt.objects.filter(job=job)


def synthetic_bytes() -> int:
    """Bytes of all synthetic series, for the health page."""
    return SyntheticSeries.objects.aggregate(total=Sum("stored_bytes"))["total"] or 0


def released() -> QuerySet[ModelRelease]:
    """Releases that may be used, newest first."""
    return ModelRelease.objects.filter(status=ReleaseStatus.RELEASED).order_by("-registered_at")


def in_queue_order(jobs: QuerySet[SynthesisJob]) -> QuerySet[SynthesisJob]:
    """The jobs with their `place` in the queue: running first, then waiting oldest first, then ended newest first."""
    rank = Case(
        When(status=JobStatus.RUNNING, then=0), When(status=JobStatus.QUEUED, then=1), default=2
    )
    ahead = (
        SynthesisJob.objects.filter(
            status=JobStatus.QUEUED, requested_at__lte=OuterRef("requested_at")
        )
        .order_by()
        .values("status")
        .annotate(n=Count("pk"))
        .values("n")
    )
    waiting_since = Case(When(status=JobStatus.QUEUED, then=F("requested_at")))
    return jobs.annotate(place=Subquery(ahead)).order_by(rank, waiting_since, "-requested_at")


def any_running() -> bool:
    """Whether any job runs now."""
    return SynthesisJob.objects.filter(status=JobStatus.RUNNING).exists()
