from django.conf import settings
from django.db import models

from studyportal.clinical.rules import FORMS, VerifiedScope
from studyportal.clinical.states import FormStatus
from studyportal.core.models import Identified
from studyportal.core.tracking import tracked


def person_key(words: str, *, null: bool = True) -> "models.ForeignKey[object, object]":
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=null,
        blank=null,
        related_name="+",
        help_text=words,
    )


@tracked(participant="participant")
class Form(Identified):
    """One case report form of one participant; its answers stand in the table of its kind."""

    participant = models.ForeignKey(
        "participants.Participant", models.PROTECT, related_name="forms", help_text="Participant"
    )
    kind = models.CharField(
        max_length=20,
        choices=[(form.key, form.title.en) for form in FORMS.values()],
        help_text="Which form",
    )
    occurrence = models.PositiveSmallIntegerField(
        default=1, help_text="Which time it is filled in; 1 for forms that are filled in once"
    )
    status = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in FormStatus], help_text="Status"
    )
    revision = models.PositiveIntegerField(
        default=0, help_text="How often its answers were changed"
    )
    definition = models.CharField(
        max_length=12, help_text="Version of the form's definition under which it was last changed"
    )
    source = models.CharField(
        max_length=60, help_text="How the answers came in: page, or the table they were read from"
    )
    unreadable = models.JSONField(
        default=dict,
        blank=True,
        help_text="What was typed and cannot be an answer yet, by row and field, so that nothing is lost",
    )
    correction_reason = models.TextField(
        blank=True, default="", help_text="Why it is being corrected; empty before it was complete"
    )
    opened_at = models.DateTimeField(help_text="When it was opened (UTC)")
    opened_by = person_key("Who opened it", null=False)
    changed_at = models.DateTimeField(help_text="When an answer was last changed (UTC)")
    changed_by = person_key("Who changed it last", null=False)
    completed_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was last completed (UTC)"
    )
    completed_by = person_key("Who completed it")
    verified_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was last verified (UTC)"
    )
    verified_by = person_key("Who verified it")
    verified_scope = models.CharField(
        max_length=10,
        blank=True,
        default="",
        choices=[(s.value, s.value) for s in VerifiedScope],
        help_text="How much of it was compared with its sources; empty before it is verified",
    )

    class Meta:
        ordering = ("participant", "kind", "occurrence")
        constraints = (
            models.UniqueConstraint(
                fields=("participant", "kind", "occurrence"), name="form_once_per_occurrence"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=list(FORMS)), name="form_kind_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(occurrence__gte=1), name="form_occurrence_from_one"
            ),
            models.CheckConstraint(
                condition=models.Q(completed_at=None, completed_by=None)
                | models.Q(completed_at__isnull=False, completed_by__isnull=False),
                name="form_completed_by_someone",
            ),
            models.CheckConstraint(
                condition=models.Q(verified_at=None, verified_by=None)
                | models.Q(verified_at__isnull=False, verified_by__isnull=False),
                name="form_verified_by_someone",
            ),
        )
        indexes = (
            models.Index(fields=("kind", "status"), name="form_kind_status"),
            # What waits longest to be verified, of few among many.
            models.Index(
                fields=("completed_at", "id"),
                condition=models.Q(status="complete"),
                name="form_complete_since",
            ),
        )

    def __str__(self) -> str:
        title = FORMS[self.kind].title.en
        number = f" {self.occurrence}" if FORMS[self.kind].repeats else ""
        return f"{self.participant} {title}{number}"


@tracked(participant="form__participant")
class SecondEntry(Identified):
    """What a second person entered for the fields that are entered twice, without seeing the first entry."""

    form = models.OneToOneField(Form, models.PROTECT, related_name="second_entry", help_text="Form")
    answers = models.JSONField(help_text="Answers as text, by row and field")
    entered_at = models.DateTimeField(help_text="When (UTC)")
    entered_by = person_key("Who entered it", null=False)

    class Meta:
        ordering = ("entered_at",)
        verbose_name_plural = "second entries"

    def __str__(self) -> str:
        return f"second entry of {self.form}"


@tracked(participant="form__participant")
class Reconciliation(Identified):
    """One difference between the two entries, settled by a person with a reason."""

    form = models.ForeignKey(Form, models.PROTECT, related_name="reconciliations", help_text="Form")
    unit = models.CharField(max_length=20, blank=True, help_text="Row")
    field = models.CharField(max_length=40, help_text="Field")
    first = models.TextField(blank=True, help_text="What the first entry said")
    second = models.TextField(blank=True, help_text="What the second entry said")
    chosen = models.TextField(blank=True, help_text="What counts")
    reason = models.TextField(help_text="Why")
    settled_at = models.DateTimeField(help_text="When (UTC)")
    settled_by = person_key("Who settled it", null=False)

    class Meta:
        ordering = ("form", "settled_at")
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(reason=""), name="reconciliation_has_a_reason"
            ),
        )

    def __str__(self) -> str:
        return f"{self.form} {self.unit} {self.field}"
