"""Who declined, and who was let in in spite of a criterion."""

from django.conf import settings
from django.db import models

from studyportal.core.models import Identified
from studyportal.core.tracking import tracked
from studyportal.participants.rules import AgeBand, DeclineReason, Sex
from studyportal.participants.states import OverrideStatus


@tracked(site="site")
class Declined(Identified):
    """Somebody who was asked and did not want to take part. Nothing here says who it was."""

    site = models.ForeignKey("sites.Site", models.PROTECT, related_name="+", help_text="Site")
    declined_on = models.DateField(help_text="Day on which they declined")
    reason = models.CharField(
        max_length=20,
        choices=[(one.value, one.value) for one in DeclineReason],
        help_text="Why, as far as it was said",
    )
    sex = models.CharField(
        max_length=1,
        blank=True,
        choices=[(s.value, s.name.lower()) for s in Sex],
        help_text="Sex, F or M; empty when it was not noted",
    )
    age_band = models.CharField(
        max_length=10,
        blank=True,
        choices=[(band.value, band.value) for band in AgeBand if band],
        help_text="Age in years, coarse; empty when it was not noted",
    )
    submission = models.UUIDField(
        unique=True, help_text="Key of the form that was sent, so that sending it twice counts once"
    )
    recorded_at = models.DateTimeField(help_text="When it was written down (UTC)")
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who wrote it down"
    )

    class Meta:
        ordering = ("declined_on", "recorded_at")
        verbose_name_plural = "people who declined"
        indexes = (models.Index(fields=("site", "declined_on"), name="declined_site_day"),)

    def __str__(self) -> str:
        return f"declined at {self.site.code} on {self.declined_on}"


@tracked(participant="participant")
class EligibilityOverride(Identified):
    """Two people let somebody take part in spite of a criterion: one asks, another one decides."""

    participant = models.ForeignKey(
        "participants.Participant",
        models.PROTECT,
        related_name="overrides",
        help_text="Participant",
    )
    status = models.CharField(
        max_length=20, choices=[(s.value, s.value) for s in OverrideStatus], help_text="Status"
    )
    criteria = models.JSONField(help_text="Codes of the criteria that stood in the way")
    because = models.TextField(help_text="Why it was asked for, in words")
    asked_at = models.DateTimeField(help_text="When it was asked for (UTC)")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who asked for it"
    )
    decided_because = models.TextField(blank=True, help_text="Why it was decided so, in words")
    decided_at = models.DateTimeField(null=True, blank=True, help_text="When it was decided (UTC)")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who decided",
    )

    class Meta:
        ordering = ("asked_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("participant",),
                condition=models.Q(status="asked"),
                name="override_one_open_per_participant",
            ),
            models.CheckConstraint(
                condition=models.Q(decided_by=None) | ~models.Q(decided_by=models.F("asked_by")),
                name="override_by_two_people",
            ),
            models.CheckConstraint(
                condition=models.Q(decided_at=None, decided_by=None)
                | (
                    ~models.Q(decided_at=None)
                    & ~models.Q(decided_by=None)
                    & ~models.Q(decided_because="")
                ),
                name="override_decided_by_someone_for_a_reason",
            ),
            models.CheckConstraint(
                condition=~models.Q(because=""), name="override_asked_for_a_reason"
            ),
        )

    def __str__(self) -> str:
        return f"override of {', '.join(self.criteria)} for {self.participant}"
