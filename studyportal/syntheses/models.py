from django.conf import settings
from django.db import models

from studyportal.core.models import Identified
from studyportal.core.tracking import tracked
from studyportal.syntheses.states import (
    AttemptCause,
    AttemptOutcome,
    JobStatus,
    PrimaryStatus,
    ReleaseStatus,
    SyntheticStatus,
)


@tracked()
class ModelRelease(Identified):
    """A trained model as a sealed folder: weights, configuration and card, each with its digest."""

    name = models.CharField(max_length=80, help_text="Name of the release")
    version = models.CharField(max_length=40, help_text="Version of the release")
    family = models.CharField(max_length=40, help_text="Model family")
    digest = models.CharField(
        max_length=64, unique=True, help_text="SHA-256 over the whole release"
    )
    weights_sha256 = models.CharField(max_length=64, help_text="SHA-256 of the weights")
    folder = models.CharField(
        max_length=300, help_text="Where the release lies: packaged or under the releases folder"
    )
    card = models.TextField(help_text="Model card")
    status = models.CharField(
        max_length=20, choices=[(s.value, s.value) for s in ReleaseStatus], help_text="Status"
    )
    registered_at = models.DateTimeField(help_text="When it was registered (UTC)")

    class Meta:
        ordering = ("name", "version")
        constraints = (
            models.UniqueConstraint(fields=("name", "version"), name="release_version_once"),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@tracked()
class PrimaryRelease(Identified):
    """Which release, with which seed, the primary analysis of a protocol version is tied to, and why."""

    protocol_version = models.ForeignKey(
        "protocol.ProtocolVersion", models.PROTECT, related_name="+", help_text="Protocol version"
    )
    release = models.ForeignKey(
        ModelRelease, models.PROTECT, related_name="+", help_text="Model release"
    )
    seed = models.PositiveIntegerField(default=0, help_text="Seed of the primary analysis")
    status = models.CharField(
        max_length=20, choices=[(s.value, s.value) for s in PrimaryStatus], help_text="Status"
    )
    named_because = models.TextField(help_text="Why this release was named, in words")
    named_at = models.DateTimeField(help_text="When it was named (UTC)")
    named_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who named it"
    )

    class Meta:
        ordering = ("-named_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("protocol_version",),
                condition=~models.Q(status="replaced"),
                name="one_primary_release",
            ),
            models.CheckConstraint(
                condition=~models.Q(named_because=""), name="primary_release_has_a_reason"
            ),
        )

    def __str__(self) -> str:
        return f"{self.release}, seed {self.seed}"


@tracked()
class SynthesisBatch(Identified):
    """One request for all ready pairs: what was new in it, what existed, what was not ready."""

    release = models.ForeignKey(
        ModelRelease, models.PROTECT, related_name="+", help_text="Model release"
    )
    seed = models.PositiveIntegerField(help_text="Seed of every job of the batch")
    requested_at = models.DateTimeField(help_text="When it was requested (UTC)")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who requested it"
    )
    new = models.PositiveIntegerField(help_text="Jobs that the batch made")
    existing = models.PositiveIntegerField(help_text="Ready pairs that had such a job already")
    left_out = models.PositiveIntegerField(help_text="Pairs that could not be synthesised")

    class Meta:
        ordering = ("-requested_at",)
        verbose_name_plural = "synthesis batches"

    def __str__(self) -> str:
        return f"batch of {self.new} with {self.release}"


@tracked(
    participant="pair__participant",
    hidden=("lease_until", "token", "stage", "steps_done", "steps_total"),
)
class SynthesisJob(Identified):
    """One request to make a synthetic PET from one pair's CT. The row is the truth; a message only wakes a worker."""

    pair = models.ForeignKey(
        "imaging.ScanPair", models.PROTECT, related_name="synthesis_jobs", help_text="Pair"
    )
    source = models.ForeignKey(
        "imaging.ImagingSeries",
        models.PROTECT,
        related_name="+",
        help_text="CT series that is read",
    )
    release = models.ForeignKey(
        ModelRelease, models.PROTECT, related_name="jobs", help_text="Model release"
    )
    seed = models.PositiveIntegerField(help_text="Seed; the same request gives the same bytes")
    status = models.CharField(
        max_length=20, choices=[(s.value, s.value) for s in JobStatus], help_text="Status"
    )
    requested_at = models.DateTimeField(help_text="When it was requested (UTC)")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who requested it"
    )
    batch = models.ForeignKey(
        SynthesisBatch,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="jobs",
        help_text="Batch it was requested with; empty when alone",
    )
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Attempts begun")
    not_before = models.DateTimeField(
        null=True, blank=True, help_text="Before which it is not tried again (UTC)"
    )
    token = models.UUIDField(
        null=True, blank=True, help_text="Fencing token of the attempt that may write"
    )
    lease_until = models.DateTimeField(
        null=True, blank=True, help_text="Until when the running attempt is believed alive (UTC)"
    )
    cancel_requested = models.BooleanField(default=False, help_text="A person asked to cancel it")
    stage = models.CharField(max_length=60, blank=True, help_text="What the job is doing")
    steps_done = models.PositiveIntegerField(default=0, help_text="Steps done of the stage")
    steps_total = models.PositiveIntegerField(default=0, help_text="Steps of the stage")
    device = models.CharField(max_length=160, blank=True, help_text="Device it ran on")
    started_at = models.DateTimeField(
        null=True, blank=True, help_text="When the last attempt began (UTC)"
    )
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it ended (UTC)")
    reason = models.TextField(
        blank=True, help_text="Why it was refused, errored or cancelled, in words"
    )

    class Meta:
        ordering = ("-requested_at",)
        constraints = (
            models.UniqueConstraint(fields=("source", "release", "seed"), name="synthesis_once"),
        )
        indexes = (models.Index(fields=("status", "requested_at"), name="synthesis_status"),)

    def __str__(self) -> str:
        return f"synthesis for {self.pair.participant} with {self.release}"


@tracked(participant="job__pair__participant", hidden=("token",))
class JobAttempt(models.Model):
    """One attempt of a job, with how it ended."""

    job = models.ForeignKey(
        SynthesisJob, models.PROTECT, related_name="attempt_rows", help_text="Job"
    )
    number = models.PositiveSmallIntegerField(help_text="Number of the attempt")
    token = models.UUIDField(help_text="Fencing token")
    began_at = models.DateTimeField(help_text="When it began (UTC)")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it ended (UTC)")
    outcome = models.CharField(
        max_length=12,
        blank=True,
        choices=[(o.value, o.value) for o in AttemptOutcome],
        help_text="How it ended",
    )
    device = models.CharField(max_length=160, blank=True, help_text="Device it ran on")
    cause = models.CharField(
        max_length=14,
        blank=True,
        choices=[(c.value, c.value) for c in AttemptCause],
        help_text="What ended it when it did not succeed",
    )
    reason = models.TextField(blank=True, help_text="Why, in words")

    class Meta:
        ordering = ("job", "number")
        constraints = (models.UniqueConstraint(fields=("job", "number"), name="attempt_once"),)

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.job}"


@tracked(participant="job__pair__participant")
class SyntheticSeries(Identified):
    """A synthetic PET series, stored and marked as synthetic."""

    job = models.OneToOneField(
        SynthesisJob, models.PROTECT, related_name="synthetic_series", help_text="Job that made it"
    )
    status = models.CharField(
        max_length=20, choices=[(s.value, s.value) for s in SyntheticStatus], help_text="Status"
    )
    series_uid = models.CharField(max_length=64, unique=True, help_text="SeriesInstanceUID")
    manifest_sha256 = models.CharField(
        max_length=64, help_text="Digest of the manifest that lists the files"
    )
    series_sha256 = models.CharField(
        max_length=64, help_text="Digest over the digests of all files"
    )
    stored_files = models.PositiveIntegerField(help_text="Files stored")
    stored_bytes = models.BigIntegerField(help_text="Bytes stored")
    preview_sha256 = models.CharField(
        max_length=64, blank=True, help_text="Digest of the preview picture"
    )
    facts = models.JSONField(
        default=dict, help_text="Times by stage, software versions, largest SUV"
    )
    faults = models.JSONField(default=list, blank=True, help_text="What the automatic checks found")
    produced_at = models.DateTimeField(help_text="When it was produced (UTC)")

    class Meta:
        ordering = ("-produced_at",)
        verbose_name_plural = "synthetic series"

    def __str__(self) -> str:
        return f"synthetic PET of {self.job.pair.participant}"
