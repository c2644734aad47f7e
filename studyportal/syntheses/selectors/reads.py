"""Reads of releases, jobs and synthetic series, scoped to what the person may see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db.models import Case, Count, F, OuterRef, Q, QuerySet, Subquery, Sum, When

from studyportal.protocol.selectors import in_force
from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, may, site_ids
from studyportal.syntheses.models import (
    JobAttempt,
    ModelRelease,
    PrimaryRelease,
    SynthesisBatch,
    SynthesisJob,
    SyntheticSeries,
)
from studyportal.syntheses.states import (
    AnalysisRole,
    AttemptOutcome,
    JobStatus,
    PrimaryStatus,
    ReleaseStatus,
    SyntheticStatus,
)
from synthesis.registry import (
    GateVerdict,
    ReleaseFacts,
    ReleaseRefusedError,
    facts_of,
    read_description,
    release_gate,
)
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


def release_named(text: str) -> ModelRelease | None:
    """The release whose name and version are written like this."""
    name, _, version = text.strip().rpartition(" ")
    return ModelRelease.objects.filter(name=name, version=version).first()


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


def usable_series(release: ModelRelease, *, seed: int | None = None) -> QuerySet[SyntheticSeries]:
    """Synthetic series of a release that passed their checks, lowest seed first, or those of one seed."""
    rows = SyntheticSeries.objects.filter(job__release=release, status__in=USABLE)
    if seed is not None:
        rows = rows.filter(job__seed=seed)
    return rows.select_related(
        "job", "job__pair", "job__pair__participant", "job__source"
    ).order_by("job__pair__participant__code", "job__seed")


def synthesis_notes(facts: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What the syntheses of these series said went otherwise than asked, and of how many of them."""
    of_series = [tuple(one.get("notes", ())) for one in facts]
    counted = Counter(note for notes in of_series for note in notes)
    return {note: f"{n} of {len(of_series)} series" for note, n in sorted(counted.items())}


def lost_jobs(moment: datetime) -> QuerySet[SynthesisJob]:
    """Running jobs whose worker has stopped reporting."""
    return SynthesisJob.objects.filter(status=JobStatus.RUNNING, lease_until__lt=moment)


def running_on(devices: Sequence[str], *, since: datetime) -> QuerySet[SynthesisJob]:
    """Jobs that have run on one of these devices since then or longer."""
    return SynthesisJob.objects.filter(
        status=JobStatus.RUNNING, device__in=devices, started_at__lte=since
    )


def waiting_jobs() -> QuerySet[SynthesisJob]:
    """Jobs that wait for a worker, oldest first."""
    return SynthesisJob.objects.filter(status=JobStatus.QUEUED).order_by("requested_at")


def due_jobs(moment: datetime) -> QuerySet[SynthesisJob]:
    """Jobs that may begin now, the one that has waited longest first."""
    due = Q(not_before=None) | Q(not_before__lte=moment)
    return SynthesisJob.objects.filter(due, status=JobStatus.QUEUED).order_by("requested_at", "pk")


def overdue_jobs(moment: datetime, *, patience: timedelta) -> QuerySet[SynthesisJob]:
    """Jobs that might have begun by now: requested a while ago, or waiting to be tried again no longer."""
    return due_jobs(moment).filter(Q(requested_at__lt=moment - patience) | Q(attempts__gt=0))


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
    if kind == "stored":
        return Path(settings.RELEASES_DIR) / place
    return PACKAGED / place if kind == "packaged" else Path(place)


def description_of(release: ModelRelease) -> dict[str, Any] | None:
    """What the release says of itself, its digest checked; None when its folder is gone or changed."""
    try:
        return read_description(folder_of(release), release.digest)
    except ReleaseRefusedError:
        return None


def facts_of_release(release: ModelRelease) -> ReleaseFacts | None:
    """What stands beside the card; None when its folder is gone or changed."""
    table = description_of(release)
    return facts_of(table) if table is not None else None


def jobs_of_release(user: Person, release: ModelRelease) -> QuerySet[SynthesisJob]:
    """The jobs that this release made and the person may see, newest first."""
    return jobs_visible_to(user).filter(release=release).order_by("-requested_at")


def job_counts(jobs: QuerySet[SynthesisJob]) -> list[tuple[str, int]]:
    """How many of the jobs stand in each status, in the order of the statuses."""
    found = dict(jobs.order_by().values_list("status").annotate(Count("pk")))
    return [(status.value, found[status]) for status in JobStatus if status in found]


def gate_of(release: ModelRelease) -> GateVerdict:
    """Whether the release may be validated, criterion by criterion; without its folder nothing is known."""
    return release_gate((description_of(release) or {}).get("metrics", {}))


def release_for(user: Person, release_id: UUID) -> ModelRelease | None:
    """The release, or None when it does not exist or the person may not see it."""
    return releases_visible_to(user).filter(pk=release_id).first()


def synthetic_for(user: Person, series_id: UUID) -> SyntheticSeries | None:
    """The synthetic series, or None when it does not exist or the person may not see it."""
    return synthetic_visible_to(user).filter(pk=series_id).first()


def attempts_of(job: SynthesisJob) -> QuerySet[JobAttempt]:
    """Attempts of one job, first to last."""
    return JobAttempt.objects.filter(job=job)


def digests_in_use(digests: Collection[str]) -> frozenset[str]:
    """Those of the digests that synthetic series rest on which were not withdrawn."""
    kept = SyntheticSeries.objects.exclude(status=SyntheticStatus.WITHDRAWN)
    asked = list(digests)
    manifests = kept.filter(manifest_sha256__in=asked).values_list("manifest_sha256", flat=True)
    previews = kept.filter(preview_sha256__in=asked).values_list("preview_sha256", flat=True)
    return frozenset({*manifests, *previews})


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


def failures_since(user: Person, moment: datetime) -> QuerySet[SynthesisJob]:
    """Jobs that were refused or errored since then, newest first."""
    ended = jobs_visible_to(user).filter(ended_at__gte=moment)
    return ended.filter(status__in=(JobStatus.ERRORED, JobStatus.REFUSED)).order_by("-ended_at")


def current_primary() -> PrimaryRelease | None:
    """What the primary analysis of the protocol in force is tied to; None while nothing was named."""
    version = in_force()
    if version is None:
        return None
    return (
        PrimaryRelease.objects.filter(protocol_version=version)
        .exclude(status=PrimaryStatus.REPLACED)
        .select_related("release", "protocol_version", "named_by")
        .first()
    )


def primary_history() -> QuerySet[PrimaryRelease]:
    """Every release that was ever named for a primary analysis, newest first."""
    return PrimaryRelease.objects.select_related("release", "protocol_version", "named_by")


def role_of(job: SynthesisJob, primary: PrimaryRelease | None) -> AnalysisRole:
    """Primary when the job has the named release and seed; everything else is exploratory."""
    if primary is not None and (job.release_id, job.seed) == (primary.release_id, primary.seed):
        return AnalysisRole.PRIMARY
    return AnalysisRole.EXPLORATORY


def in_role(
    jobs: QuerySet[SynthesisJob], role: AnalysisRole, primary: PrimaryRelease | None
) -> QuerySet[SynthesisJob]:
    """Those of the jobs that belong to the primary analysis, or those that stand beside it."""
    tied = Q(release=primary.release_id, seed=primary.seed) if primary else Q(pk__in=())
    return jobs.filter(tied if role == AnalysisRole.PRIMARY else ~tied)


def batch_for(user: Person, batch_id: UUID) -> SynthesisBatch | None:
    """The batch, or None when it does not exist or the person may not see syntheses."""
    rows = SynthesisBatch.objects.select_related("release", "requested_by")
    return rows.filter(pk=batch_id).first() if may(user, Action.SEE_SYNTHESES) else None


def recent_successes(limit: int = 300) -> QuerySet[JobAttempt]:
    """The newest attempts that made a series, with job and source, for the pace of a release on a device."""
    rows = JobAttempt.objects.filter(outcome=AttemptOutcome.SUCCEEDED).exclude(ended_at=None)
    return rows.select_related("job", "job__source").order_by("-ended_at")[:limit]


def waiting_in_order() -> QuerySet[SynthesisJob]:
    """Waiting jobs of every site in the order in which they will be taken; only the order is shown to people."""
    return waiting_jobs().order_by("requested_at", "pk").select_related("source")


def running_now() -> QuerySet[SynthesisJob]:
    """Running jobs of every site."""
    return SynthesisJob.objects.filter(status=JobStatus.RUNNING).select_related("source")
