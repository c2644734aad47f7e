from django.conf import settings
from django.db import models

from studyportal.clinical.rules import ReferenceStatus, TargetCondition, Unit
from studyportal.core.models import Identified
from studyportal.core.tracking import tracked


@tracked(participant="participant", reason_for=("number",))
class Lesion(Identified):
    """A lesion as a clinical fact; its outline belongs to the images."""

    participant = models.ForeignKey(
        "participants.Participant", models.PROTECT, related_name="lesions", help_text="Participant"
    )
    number = models.PositiveSmallIntegerField(
        help_text="Number of the lesion within the participant"
    )

    class Meta:
        ordering = ("participant", "number")
        constraints = (
            models.UniqueConstraint(fields=("participant", "number"), name="lesion_number_once"),
        )

    def __str__(self) -> str:
        return f"{self.participant} lesion {self.number}"


@tracked(
    participant="participant",
    reason_for=("condition", "unit", "unit_id", "lesion", "status", "source"),
)
class ReferenceStandard(Identified):
    """What is taken as true for one target condition and one unit, and from where."""

    participant = models.ForeignKey(
        "participants.Participant",
        models.PROTECT,
        related_name="reference_standards",
        help_text="Participant",
    )
    condition = models.CharField(
        max_length=20,
        choices=[(c.value, c.value) for c in TargetCondition],
        help_text="Target condition",
    )
    unit = models.CharField(
        max_length=12, choices=[(u.value, u.value) for u in Unit], help_text="Unit of analysis"
    )
    unit_id = models.CharField(
        max_length=12, blank=True, help_text="Lesion number or nodal station; empty per participant"
    )
    lesion = models.ForeignKey(
        Lesion,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="reference_standards",
        help_text="Lesion",
    )
    status = models.CharField(
        max_length=14, choices=[(s.value, s.value) for s in ReferenceStatus], help_text="Status"
    )
    source = models.CharField(max_length=60, help_text="How it was established")
    entered_at = models.DateTimeField(help_text="When it was entered (UTC)")
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who entered it"
    )

    class Meta:
        ordering = ("participant", "condition", "unit", "unit_id")
        constraints = (
            models.UniqueConstraint(
                fields=("participant", "condition", "unit", "unit_id"), name="reference_once"
            ),
            models.CheckConstraint(
                condition=models.Q(unit="lesion") ^ models.Q(lesion=None),
                name="reference_lesion_named",
            ),
        )

    def __str__(self) -> str:
        return f"{self.participant} {self.condition}/{self.unit}/{self.unit_id}: {self.status}"


@tracked(participant="participant", reason_for=("height_cm", "weight_kg"))
class Baseline(Identified):
    """Body measurements at baseline."""

    participant = models.OneToOneField(
        "participants.Participant", models.PROTECT, related_name="baseline", help_text="Participant"
    )
    height_cm = models.FloatField(null=True, blank=True, help_text="Height in centimetres")
    weight_kg = models.FloatField(null=True, blank=True, help_text="Weight in kilograms")
    entered_at = models.DateTimeField(help_text="When it was entered (UTC)")
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who entered it"
    )

    class Meta:
        ordering = ("participant",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(height_cm=None) | models.Q(height_cm__range=(50, 250)),
                name="baseline_height_range",
            ),
            models.CheckConstraint(
                condition=models.Q(weight_kg=None) | models.Q(weight_kg__range=(10, 400)),
                name="baseline_weight_range",
            ),
        )

    def __str__(self) -> str:
        return f"baseline of {self.participant}"
