from django.conf import settings
from django.db import models

from studyportal.core.models import Identified
from studyportal.core.tracking import tracked
from studyportal.core.unchanging import unchanging
from studyportal.reading.states import Layer, ReaderPart, ReadKind, SessionStatus


@tracked()
class ReadingSession(Identified):
    """One reading session: its design as it was opened, its cases, readers and allocation."""

    name = models.CharField(max_length=80, unique=True, help_text="Name of the session")
    status = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in SessionStatus], help_text="Status"
    )
    protocol_version = models.ForeignKey(
        "protocol.ProtocolVersion", models.PROTECT, related_name="+", help_text="Protocol version"
    )
    release = models.ForeignKey(
        "syntheses.ModelRelease",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Model release of the synthetic images; empty when none are shown",
    )
    design_text = models.TextField(help_text="Design of the session (TOML)")
    design_digest = models.CharField(max_length=64, help_text="SHA-256 of the design")
    allocation_sha256 = models.CharField(max_length=64, help_text="SHA-256 of the allocation")
    proof = models.JSONField(help_text="What the allocation was proved to hold when it was drawn")
    candidates = models.PositiveIntegerField(help_text="Cases that could have been drawn")
    opened_at = models.DateTimeField(help_text="When it was opened (UTC)")
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who opened it"
    )
    closed_at = models.DateTimeField(null=True, blank=True, help_text="When it was closed (UTC)")
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who closed it",
    )

    class Meta:
        ordering = ("-opened_at",)
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(status="closed")
                | models.Q(closed_at__isnull=False, closed_by__isnull=False),
                name="reading_closed_by_someone",
            ),
        )

    def __str__(self) -> str:
        return self.name


@unchanging()
@tracked()
class ReadingArm(Identified):
    """What is seen in one arm of a session."""

    session = models.ForeignKey(
        ReadingSession, models.PROTECT, related_name="arms", help_text="Session"
    )
    code = models.CharField(max_length=20, help_text="Code of the arm")
    place = models.PositiveSmallIntegerField(help_text="Position in the design")

    class Meta:
        ordering = ("session", "place")
        constraints = (
            models.UniqueConstraint(fields=("session", "code"), name="reading_arm_once"),
        )

    def __str__(self) -> str:
        return f"{self.code} of {self.session}"


@tracked(participant="pair__participant")
class ReadingCase(Identified):
    """One case of a session with the images that its readers see, fixed when the session was opened."""

    session = models.ForeignKey(
        ReadingSession, models.PROTECT, related_name="cases", help_text="Session"
    )
    pair = models.ForeignKey(
        "imaging.ScanPair", models.PROTECT, related_name="reading_cases", help_text="Pair"
    )
    purpose = models.CharField(
        max_length=12,
        choices=[(k.value, k.value) for k in ReadKind],
        help_text="What the case is for",
    )
    stratum = models.CharField(max_length=40, help_text="Stratum it was drawn from")
    source = models.ForeignKey(
        "imaging.ImagingSeries", models.PROTECT, related_name="+", help_text="CT series"
    )
    reference = models.ForeignKey(
        "imaging.ImagingSeries",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="PET series; empty when no arm shows one",
    )
    synthetic = models.ForeignKey(
        "syntheses.SyntheticSeries",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Synthetic PET series; empty when no arm shows one",
    )
    lesions = models.JSONField(
        default=dict, blank=True, help_text="Numbered lesions: number to place in mm"
    )
    expected = models.JSONField(
        default=list, blank=True, help_text="Answers an attentive reader gives to an attention case"
    )
    excluded_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was taken out of the session (UTC)"
    )
    exclusion_reason = models.TextField(blank=True, help_text="Why it was taken out")

    class Meta:
        ordering = ("session", "pk")
        constraints = (
            models.UniqueConstraint(fields=("session", "pair"), name="reading_case_once"),
            models.CheckConstraint(
                condition=models.Q(excluded_at=None, exclusion_reason="")
                | (models.Q(excluded_at__isnull=False) & ~models.Q(exclusion_reason="")),
                name="reading_case_excluded_with_reason",
            ),
        )

    def __str__(self) -> str:
        return f"case of {self.session}"


@tracked(participant="case__pair__participant")
class CaseVolume(Identified):
    """One image of a case as readers get it: no header of a scanner, both PETs on one grid in the same coding."""

    may_be_deleted_because = "an image goes when its participant has the data removed"

    case = models.ForeignKey(ReadingCase, models.PROTECT, related_name="volumes", help_text="Case")
    layer = models.CharField(
        max_length=12, choices=[(one.value, one.value) for one in Layer], help_text="Image"
    )
    sha256 = models.CharField(
        max_length=64, blank=True, help_text="Digest of the volume; empty when there is none"
    )
    quick_sha256 = models.CharField(
        max_length=64, blank=True, help_text="Digest of a coarse copy that comes first"
    )
    facts = models.JSONField(default=dict, blank=True, help_text="Unit and range of the values")
    reason = models.TextField(blank=True, help_text="Why there is no volume, in words")
    made_at = models.DateTimeField(help_text="When it was made (UTC)")

    class Meta:
        ordering = ("case", "layer")
        constraints = (
            models.UniqueConstraint(fields=("case", "layer"), name="case_volume_once"),
            models.CheckConstraint(
                condition=models.Q(sha256="") ^ models.Q(reason=""), name="case_volume_or_reason"
            ),
        )

    def __str__(self) -> str:
        return f"{self.layer} of {self.case}"


@tracked()
class SessionReader(Identified):
    """A person in a session, known to everybody else by a code."""

    session = models.ForeignKey(
        ReadingSession, models.PROTECT, related_name="readers", help_text="Session"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Person"
    )
    code = models.CharField(max_length=12, help_text="Code of the reader in this session")
    part = models.CharField(
        max_length=12, choices=[(p.value, p.value) for p in ReaderPart], help_text="Part"
    )
    group = models.PositiveSmallIntegerField(default=0, help_text="Group of a split-plot design")
    withdrawn_at = models.DateTimeField(
        null=True, blank=True, help_text="When the reader left the session (UTC)"
    )
    withdrawal_reason = models.TextField(blank=True, help_text="Why the reader left")

    class Meta:
        ordering = ("session", "code")
        constraints = (
            models.UniqueConstraint(fields=("session", "person"), name="session_person_once"),
            models.UniqueConstraint(fields=("session", "code"), name="session_reader_code_once"),
            models.CheckConstraint(
                condition=models.Q(withdrawn_at=None, withdrawal_reason="")
                | (models.Q(withdrawn_at__isnull=False) & ~models.Q(withdrawal_reason="")),
                name="session_reader_left_with_reason",
            ),
        )

    def __str__(self) -> str:
        return f"{self.code} of {self.session}"
