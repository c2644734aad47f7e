from django.conf import settings
from django.db import models

from studyportal.core.models import Identified
from studyportal.core.tracking import tracked
from studyportal.imaging.models.arrivals import Arrival, ArrivalConflict
from studyportal.imaging.models.checks import InjectionEntry, PairScreening
from studyportal.imaging.states import (
    Grade,
    PairStatus,
    SeriesRole,
    SeriesStatus,
    VolumeKind,
)

__all__ = [
    "Arrival",
    "ArrivalConflict",
    "DerivedVolume",
    "Finding",
    "ImagingSeries",
    "ImagingStudy",
    "InjectionEntry",
    "OutlineSet",
    "PairScreening",
    "PatientBinding",
    "ScanPair",
]


@tracked(participant="participant", hidden=("patient_key",))
class PatientBinding(models.Model):
    """Ties a hospital's patient to one participant by a keyed digest; the identifier itself is not kept."""

    may_be_deleted_because = "an identity is forgotten on request"

    participant = models.OneToOneField(
        "participants.Participant", models.PROTECT, related_name="+", help_text="Participant"
    )
    patient_key = models.CharField(
        max_length=64, unique=True, help_text="Keyed digest of the hospital's patient identifier"
    )

    class Meta:
        ordering = ("participant",)

    def __str__(self) -> str:
        return f"binding of {self.participant}"


@tracked(participant="participant")
class ScanPair(Identified):
    """The paired CT (source) and FDG-PET (reference) of one participant."""

    participant = models.OneToOneField(
        "participants.Participant",
        models.PROTECT,
        related_name="scan_pair",
        help_text="Participant",
    )
    status = models.CharField(
        max_length=20, choices=[(s.value, s.value) for s in PairStatus], help_text="Status"
    )
    opened_at = models.DateTimeField(help_text="When the pair was opened (UTC)")
    settled_at = models.DateTimeField(
        null=True, blank=True, help_text="When the pair was last judged (UTC)"
    )
    exclusion_reason = models.TextField(blank=True, help_text="Why the pair was excluded")

    class Meta:
        ordering = ("participant__code",)
        indexes = (models.Index(fields=("status",), name="pair_status"),)

    def __str__(self) -> str:
        return f"pair of {self.participant}"


@tracked(participant="participant")
class ImagingStudy(Identified):
    """A DICOM study after de-identification."""

    participant = models.ForeignKey(
        "participants.Participant",
        models.PROTECT,
        related_name="imaging_studies",
        help_text="Participant",
    )
    study_uid = models.CharField(
        max_length=64, unique=True, help_text="Pseudonymous StudyInstanceUID"
    )

    class Meta:
        ordering = ("participant",)
        verbose_name_plural = "imaging studies"

    def __str__(self) -> str:
        return f"study of {self.participant}"


@tracked(participant="pair__participant", hidden=("lease_until",))
class ImagingSeries(Identified):
    """One received series. What came in is gone after intake; what is stored is de-identified."""

    pair = models.ForeignKey(
        ScanPair, models.PROTECT, related_name="series", help_text="Pair it was sent for"
    )
    role = models.CharField(
        max_length=12,
        choices=[(r.value, r.value) for r in SeriesRole],
        help_text="Role in the pair",
    )
    status = models.CharField(
        max_length=20, choices=[(s.value, s.value) for s in SeriesStatus], help_text="Status"
    )
    study = models.ForeignKey(
        ImagingStudy,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="series",
        help_text="DICOM study",
    )
    series_uid = models.CharField(
        max_length=64, blank=True, help_text="Pseudonymous SeriesInstanceUID"
    )
    received_files = models.PositiveIntegerField(default=0, help_text="Files received")
    stored_files = models.PositiveIntegerField(
        default=0, help_text="Files stored after de-identification"
    )
    stored_bytes = models.BigIntegerField(default=0, help_text="Bytes stored")
    received_digest = models.CharField(
        max_length=64, blank=True, help_text="Digest over the digests of the files as they came in"
    )
    manifest_sha256 = models.CharField(
        max_length=64, blank=True, help_text="Digest of the manifest that lists the stored files"
    )
    summary = models.JSONField(
        default=dict, blank=True, help_text="Facts of the de-identified header used by the checks"
    )
    suv = models.JSONField(
        default=dict,
        blank=True,
        help_text="SUV conversion: rule, factor, alternatives, disagreement",
    )
    deidentification = models.JSONField(
        default=dict, blank=True, help_text="How often each de-identification rule acted"
    )
    preview_sha256 = models.CharField(
        max_length=64, blank=True, help_text="Digest of the preview picture"
    )
    reconstructions = models.JSONField(
        default=list,
        blank=True,
        help_text="Several reconstructions that came together: name, facts, which is proposed",
    )
    chosen = models.CharField(
        max_length=64,
        blank=True,
        help_text="Keyed digest of the reconstruction to take, where several came together",
    )
    option = models.CharField(
        max_length=200,
        blank=True,
        help_text="Outlines: names of the regions to take, empty for all",
    )
    opened_at = models.DateTimeField(help_text="When the upload began (UTC)")
    lease_until = models.DateTimeField(
        null=True, blank=True, help_text="Until when one worker has it for intake (UTC)"
    )
    settled_at = models.DateTimeField(null=True, blank=True, help_text="When intake finished (UTC)")
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who sent it; empty when the portal took it from the inbox by itself",
    )

    class Meta:
        ordering = ("opened_at",)
        verbose_name_plural = "imaging series"
        constraints = (
            models.UniqueConstraint(
                fields=("pair", "role"),
                # Outlines that were corrected stay as they were beside those that replaced them.
                condition=models.Q(status="accepted") & ~models.Q(role="outlines"),
                name="series_one_accepted_per_role",
            ),
            models.UniqueConstraint(
                fields=("series_uid",),
                condition=models.Q(status="accepted") & ~models.Q(series_uid=""),
                name="series_uid_accepted_once",
            ),
        )
        indexes = (
            models.Index(fields=("status", "opened_at"), name="series_status"),
            # Which pair has which series, and the newest of them, without reading the rows.
            models.Index(
                fields=("role", "pair", "opened_at"),
                include=("status",),
                condition=~models.Q(status="purged"),
                name="series_here",
            ),
        )

    def __str__(self) -> str:
        return f"{self.role} series of {self.pair.participant}"


@tracked(participant="pair__participant")
class Finding(Identified):
    """Something a check noticed about a series or a pair, as a sentence; a person may accept it with a reason."""

    pair = models.ForeignKey(ScanPair, models.PROTECT, related_name="findings", help_text="Pair")
    series = models.ForeignKey(
        ImagingSeries,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="findings",
        help_text="Series; empty for the pair",
    )
    rule = models.CharField(max_length=60, help_text="Id of the check")
    grade = models.CharField(
        max_length=10, choices=[(g.value, g.value) for g in Grade], help_text="Grade"
    )
    sentence = models.TextField(help_text="What was noticed and what to do")
    values = models.JSONField(default=dict, blank=True, help_text="The numbers behind the sentence")
    found_at = models.DateTimeField(help_text="When (UTC)")
    superseded = models.BooleanField(default=False, help_text="A later check replaced it")
    accepted_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was accepted (UTC)"
    )
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who accepted it",
    )
    accepted_reason = models.TextField(blank=True, help_text="Why it was accepted")

    class Meta:
        ordering = ("found_at", "rule")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(accepted_at=None, accepted_by=None)
                | (
                    ~models.Q(accepted_at=None)
                    & ~models.Q(accepted_by=None)
                    & ~models.Q(accepted_reason="")
                ),
                name="finding_accepted_by_someone_for_a_reason",
            ),
        )

    def __str__(self) -> str:
        return self.sentence


@tracked(participant="pair__participant")
class OutlineSet(Identified):
    """Outlines of lesions, nodes and organs of one pair, as masks on the grid of the reference PET."""

    pair = models.ForeignKey(ScanPair, models.PROTECT, related_name="outlines", help_text="Pair")
    series = models.OneToOneField(
        ImagingSeries, models.PROTECT, related_name="outline_set", help_text="Series it came in"
    )
    reference = models.ForeignKey(
        ImagingSeries,
        models.PROTECT,
        related_name="+",
        help_text="Reference series whose grid the masks have",
    )
    masks_sha256 = models.CharField(max_length=64, help_text="Digest of the stored masks")
    regions = models.JSONField(help_text="Region, voxels, volume in ml, and how and by whom drawn")
    made_at = models.DateTimeField(help_text="When (UTC)")
    supersedes = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="successor",
        help_text="Outlines these replaced; those stay as they were",
    )
    drawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who drew in the portal; empty for outlines that were sent",
    )
    change = models.TextField(blank=True, help_text="What was drawn or taken away, how and why")

    class Meta:
        ordering = ("made_at",)

    def __str__(self) -> str:
        return f"outlines of {self.pair.participant}"


@tracked()
class DerivedVolume(Identified):
    """A volume made once for the viewer out of stored series, or the sentence why it cannot be made."""

    kind = models.CharField(
        max_length=12, choices=[(k.value, k.value) for k in VolumeKind], help_text="What it shows"
    )
    origin_sha256 = models.CharField(
        max_length=64, help_text="Digest of the manifest or masks it was made from"
    )
    recipe = models.PositiveSmallIntegerField(help_text="Number of the recipe it was made by")
    sha256 = models.CharField(
        max_length=64, blank=True, help_text="Digest of the stored file; empty when there is none"
    )
    size_bytes = models.BigIntegerField(default=0, help_text="Bytes of the stored file")
    facts = models.JSONField(
        default=dict, blank=True, help_text="Unit, step of the voxels, range, shape, spacing"
    )
    reason = models.TextField(blank=True, help_text="Why there is no such volume, or no SUV in it")
    made_at = models.DateTimeField(help_text="When (UTC)")

    class Meta:
        ordering = ("made_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("kind", "origin_sha256", "recipe"), name="derived_volume_once"
            ),
            models.CheckConstraint(
                condition=~models.Q(sha256="") | ~models.Q(reason=""),
                name="derived_volume_stored_or_says_why",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.origin_sha256[:12]}"
