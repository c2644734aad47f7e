"""Reads of releases, jobs and synthetic series, scoped to what the person may see."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import QuerySet

from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, may, site_ids
from studyportal.syntheses.models import ModelRelease, SynthesisJob, SyntheticSeries
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


def any_running() -> bool:
    """Whether any job runs now."""
    return SynthesisJob.objects.filter(status=JobStatus.RUNNING).exists()
