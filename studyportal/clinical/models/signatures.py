from django.conf import settings
from django.db import models

from studyportal.clinical.models.forms import Form, person_key
from studyportal.clinical.rules import Meaning, ProofWay
from studyportal.clinical.states import UnlockStatus
from studyportal.core.models import Identified
from studyportal.core.tracking import tracked


@tracked(participant="participant")
class Signature(Identified):
    """Somebody signed one form, or with it the whole casebook. A trigger lets it be voided once and changed never."""

    participant = models.ForeignKey(
        "participants.Participant",
        models.PROTECT,
        related_name="signatures",
        help_text="Participant",
    )
    form = models.ForeignKey(
        Form,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="signatures",
        help_text="Form; empty for the whole casebook of the participant",
    )
    within = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="parts",
        help_text="Signature of the casebook with which the form was signed; empty when it was signed alone",
    )
    meaning = models.CharField(
        max_length=20,
        choices=[(m.value, m.value) for m in Meaning],
        help_text="What the signer says by it (21 CFR 11.50)",
    )
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who signed"
    )
    signer_name = models.CharField(
        max_length=200, help_text="Name of the signer as it was printed when they signed"
    )
    signer_roles = models.CharField(
        max_length=200, blank=True, help_text="Roles that the signer held at the site then"
    )
    signed_at = models.DateTimeField(help_text="When (UTC)")
    way = models.CharField(
        max_length=10,
        choices=[(w.value, w.value) for w in ProofWay],
        help_text="How the signer showed again who they are",
    )
    proved_at = models.DateTimeField(help_text="When they showed it (UTC)")
    format = models.PositiveSmallIntegerField(
        help_text="Version of the canonical text of which the digest is"
    )
    sha256 = models.CharField(
        max_length=64, help_text="SHA-256 of the canonical text of the record"
    )
    forms_sha256 = models.JSONField(
        default=dict,
        blank=True,
        help_text="Of a casebook: the digest of each form, by its id, so that what changed can be named",
    )
    voided_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when it does not count (UTC); empty while it does"
    )
    voided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who changed what had been signed",
    )
    void_reason = models.TextField(
        blank=True, default="", help_text="Why it does not count any more; empty while it does"
    )

    class Meta:
        ordering = ("signed_at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("participant", "form", "meaning", "signed_by"),
                condition=models.Q(voided_at=None),
                name="signature_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=models.Q(sha256__regex="^[0-9a-f]{64}$"), name="signature_has_a_digest"
            ),
            models.CheckConstraint(
                condition=models.Q(meaning__in=[m.value for m in Meaning]),
                name="signature_meaning_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(way__in=[w.value for w in ProofWay]),
                name="signature_way_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(within=None) | models.Q(form__isnull=False),
                name="signature_within_is_of_a_form",
            ),
            models.CheckConstraint(
                condition=models.Q(voided_at=None, voided_by=None, void_reason="")
                | (
                    models.Q(voided_at__isnull=False, voided_by__isnull=False)
                    & ~models.Q(void_reason="")
                ),
                name="signature_voided_for_a_reason",
            ),
        )

    def __str__(self) -> str:
        return f"{self.meaning} of {self.form or self.participant} by {self.signed_by}"


@tracked(participant="form__participant")
class FormUnlock(Identified):
    """Two people unlock a locked form: one asks with a reason, another one decides."""

    form = models.ForeignKey(Form, models.PROTECT, related_name="unlocks", help_text="Form")
    status = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in UnlockStatus], help_text="Status"
    )
    why = models.TextField(help_text="Why it should be unlocked")
    asked_at = models.DateTimeField(help_text="When it was asked for (UTC)")
    asked_by = person_key("Who asked for it", null=False)
    decided_why = models.TextField(blank=True, default="", help_text="Why it was decided so")
    decided_at = models.DateTimeField(null=True, blank=True, help_text="When it was decided (UTC)")
    decided_by = person_key("Who decided; never who asked for it")

    class Meta:
        ordering = ("asked_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("form",),
                condition=models.Q(status="asked"),
                name="form_unlock_asked_once",
            ),
            models.CheckConstraint(condition=~models.Q(why=""), name="form_unlock_has_a_reason"),
            models.CheckConstraint(
                condition=models.Q(decided_by=None) | ~models.Q(decided_by=models.F("asked_by")),
                name="form_unlock_by_two_people",
            ),
            models.CheckConstraint(
                condition=models.Q(decided_at=None, decided_by=None)
                | (
                    models.Q(decided_at__isnull=False, decided_by__isnull=False)
                    & ~models.Q(decided_why="")
                ),
                name="form_unlock_decided_for_a_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(status="asked") | models.Q(decided_by__isnull=False),
                name="form_unlock_decided_by_someone",
            ),
        )

    def __str__(self) -> str:
        return f"unlock of {self.form}"
