from django.db import models

from studyportal.clinical.models.forms import person_key
from studyportal.core.models import Identified
from studyportal.core.tracking import tracked


@tracked(site="site")
class SamplingPlan(Identified):
    """How much of a site's forms is compared with the sources. A new plan supersedes the one before, which stays."""

    site = models.ForeignKey(
        "sites.Site", models.PROTECT, related_name="sampling_plans", help_text="Site"
    )
    share_percent = models.PositiveSmallIntegerField(
        help_text="Share of participants whose forms are compared whole (%)"
    )
    critical = models.JSONField(help_text="Fields compared for everybody, as form.field")
    seed = models.PositiveBigIntegerField(help_text="Seed of the draw")
    reason = models.TextField(help_text="Why the plan is so")
    made_at = models.DateTimeField(help_text="Since when it is in force (UTC)")
    made_by = person_key("Who made it", null=False)
    superseded_at = models.DateTimeField(
        null=True, blank=True, help_text="Until when it was in force (UTC); empty while it is"
    )

    class Meta:
        ordering = ("site", "-made_at")
        constraints = (
            models.UniqueConstraint(
                fields=("site",),
                condition=models.Q(superseded_at=None),
                name="sampling_plan_one_in_force",
            ),
            models.CheckConstraint(
                condition=models.Q(share_percent__lte=100), name="sampling_plan_share"
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="sampling_plan_reason"),
        )

    def __str__(self) -> str:
        return f"sampling plan of {self.site.code}: {self.share_percent} %"


@tracked(participant="participant")
class SampledParticipant(Identified):
    """What the draw of a plan gave for one participant. Never changed."""

    plan = models.ForeignKey(
        SamplingPlan, models.PROTECT, related_name="drawn", help_text="Sampling plan"
    )
    participant = models.ForeignKey(
        "participants.Participant", models.PROTECT, related_name="+", help_text="Participant"
    )
    number = models.PositiveIntegerField(help_text="Place in the order of the draw, from 1")
    whole = models.BooleanField(help_text="Whether the forms are compared whole")
    drawn_at = models.DateTimeField(help_text="When it was drawn (UTC)")

    class Meta:
        ordering = ("plan", "number")
        constraints = (
            models.UniqueConstraint(fields=("plan", "participant"), name="sampled_once"),
            models.UniqueConstraint(fields=("plan", "number"), name="sampled_in_order"),
            models.CheckConstraint(condition=models.Q(number__gte=1), name="sampled_from_one"),
        )

    def __str__(self) -> str:
        return f"{self.participant}: {'whole' if self.whole else 'critical fields'}"
