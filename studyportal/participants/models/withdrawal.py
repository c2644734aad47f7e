"""Withdrawals, and what each room did for them."""

from django.conf import settings
from django.db import models

from studyportal.core.models import Identified
from studyportal.core.tracking import tracked
from studyportal.participants.rules import Room, Scope, Why
from studyportal.participants.states import WithdrawalStatus


@tracked(participant="participant")
class Withdrawal(Identified):
    """A participant withdrew; every room obeys, and the steps say what each of them did."""

    participant = models.ForeignKey(
        "participants.Participant",
        models.PROTECT,
        related_name="withdrawals",
        help_text="Participant",
    )
    scope = models.CharField(
        max_length=20,
        choices=[(one.value, one.value) for one in Scope],
        help_text="Whether collecting stops or the data are removed too",
    )
    status = models.CharField(
        max_length=20, choices=[(s.value, s.value) for s in WithdrawalStatus], help_text="Status"
    )
    withdrawn_on = models.DateField(help_text="Day on which the participant withdrew")
    why = models.CharField(
        max_length=20,
        choices=[(one.value, one.value) for one in Why],
        help_text="Why, as far as the participant said so",
    )
    note = models.TextField(blank=True, help_text="More about it, in words and without a name")
    recorded_at = models.DateTimeField(help_text="When it was recorded (UTC)")
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who recorded it"
    )
    carried_out_at = models.DateTimeField(
        null=True, blank=True, help_text="When every room had obeyed (UTC)"
    )
    confirmed_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was looked at again (UTC)"
    )

    class Meta:
        ordering = ("recorded_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("participant", "scope"), name="withdrawal_once_per_scope"
            ),
            models.CheckConstraint(
                condition=models.Q(status="recorded") | ~models.Q(carried_out_at=None),
                name="withdrawal_carried_out_at_some_time",
            ),
        )

    def __str__(self) -> str:
        return f"withdrawal of {self.participant}: {self.scope}"


@tracked(participant="withdrawal__participant")
class WithdrawalStep(models.Model):
    """What one room did for one withdrawal."""

    withdrawal = models.ForeignKey(
        Withdrawal, models.PROTECT, related_name="steps", help_text="Withdrawal"
    )
    room = models.CharField(
        max_length=12, choices=[(one.value, one.value) for one in Room], help_text="Room"
    )
    place = models.PositiveSmallIntegerField(help_text="Position in which the rooms obey")
    counts = models.JSONField(default=dict, blank=True, help_text="How often what was done")
    stays = models.JSONField(default=list, blank=True, help_text="What stays, in words")
    doomed = models.JSONField(
        default=dict, blank=True, help_text="Files that must not lie here any more, by digest"
    )
    waits_for = models.TextField(blank=True, help_text="Why it is not done yet, in words")
    done_at = models.DateTimeField(null=True, blank=True, help_text="When it was done (UTC)")

    class Meta:
        ordering = ("withdrawal", "place")
        constraints = (
            models.UniqueConstraint(fields=("withdrawal", "room"), name="withdrawal_step_once"),
        )

    def __str__(self) -> str:
        return f"{self.room} of {self.withdrawal}"
