from django.conf import settings
from django.db import models

from studyportal.core.models import Identified
from studyportal.core.tracking import tracked
from studyportal.outcomes.states import IndexTestKind


@tracked()
class IndexTest(Identified):
    """An index test with its cut-off. Once it is locked nothing of it changes: the database refuses it."""

    code = models.CharField(max_length=60, help_text="Id of the test in the plan")
    kind = models.CharField(
        max_length=14, choices=[(k.value, k.value) for k in IndexTestKind], help_text="Kind"
    )
    title = models.CharField(max_length=120, blank=True, help_text="Title")
    definition = models.JSONField(help_text="Everything a call of the test depends on")
    digest = models.CharField(
        max_length=64,
        default="",
        help_text="SHA-256 of the definition; empty for those of before digests were kept",
    )
    classifier_sha256 = models.CharField(
        max_length=64, blank=True, help_text="Digest of the classifier; empty for other kinds"
    )
    performance = models.JSONField(
        default=dict, blank=True, help_text="Cross-validated figures on the development set"
    )
    plan_digest = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of the plan that locked it; empty by hand"
    )
    registered_at = models.DateTimeField(null=True, help_text="When it was registered (UTC)")
    locked_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was locked (UTC); empty until then"
    )
    locked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who locked it",
    )

    class Meta:
        ordering = ("code", "registered_at")
        constraints = (
            models.UniqueConstraint(
                fields=("code", "digest"),
                condition=~models.Q(digest=""),
                name="index_test_defined_once",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="classifier") & ~models.Q(classifier_sha256="")
                | ~models.Q(kind="classifier") & models.Q(classifier_sha256=""),
                name="classifier_has_its_digest",
            ),
        )

    def __str__(self) -> str:
        return self.code


@tracked(participant="participant", reason_for=("score",))
class IndexScore(Identified):
    """One score of one reader for one unit in one arm."""

    participant = models.ForeignKey(
        "participants.Participant",
        models.PROTECT,
        related_name="index_scores",
        help_text="Participant",
    )
    reader = models.CharField(max_length=40, help_text="Code of the reader")
    arm = models.CharField(max_length=20, help_text="What the reader saw")
    condition = models.CharField(max_length=20, help_text="Target condition")
    unit = models.CharField(max_length=12, help_text="Unit of analysis")
    unit_id = models.CharField(
        max_length=12, blank=True, help_text="Lesion number or nodal station; empty per participant"
    )
    score = models.FloatField(
        null=True, blank=True, help_text="Score; empty only where the reader could not decide"
    )
    call = models.CharField(
        max_length=8,
        blank=True,
        choices=[("positive", "positive"), ("negative", "negative")],
        help_text="The reader's own call; empty when none was given",
    )
    indeterminate = models.BooleanField(
        default=False, help_text="Whether the reader could not decide"
    )
    session = models.CharField(max_length=40, blank=True, help_text="Reading session")
    entered_at = models.DateTimeField(help_text="When it was entered (UTC)")
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who entered it"
    )

    class Meta:
        ordering = ("participant", "reader", "arm", "condition", "unit", "unit_id")
        constraints = (
            models.UniqueConstraint(
                fields=("participant", "reader", "arm", "condition", "unit", "unit_id"),
                name="index_score_once",
            ),
            models.CheckConstraint(
                condition=models.Q(score__isnull=False) | models.Q(indeterminate=True),
                name="index_score_or_indeterminate",
            ),
        )

    def __str__(self) -> str:
        return f"{self.reader}/{self.arm} {self.participant} {self.condition}/{self.unit}/{self.unit_id}"
