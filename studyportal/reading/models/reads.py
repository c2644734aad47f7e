from django.db import models

from studyportal.core.models import Identified
from studyportal.core.tracking import tracked
from studyportal.core.unchanging import unchanging
from studyportal.reading.models.sessions import ReadingArm, ReadingCase, SessionReader
from studyportal.reading.states import ReadKind, ReadStatus


@unchanging("OLD.status = 'submitted'")
@tracked(
    participant="case__pair__participant",
    hidden=("draft", "draft_version", "seen_at", "seconds"),
)
class Read(Identified):
    """One case to be read by one reader in one arm. Submitted, it stays for ever; a correction stands beside it."""

    reader = models.ForeignKey(
        SessionReader, models.PROTECT, related_name="reads", help_text="Reader"
    )
    case = models.ForeignKey(ReadingCase, models.PROTECT, related_name="reads", help_text="Case")
    arm = models.ForeignKey(ReadingArm, models.PROTECT, related_name="+", help_text="Arm")
    status = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in ReadStatus], help_text="Status"
    )
    kind = models.CharField(
        max_length=12, choices=[(k.value, k.value) for k in ReadKind], help_text="What it is for"
    )
    code = models.CharField(
        max_length=12, unique=True, help_text="Case code that the reader sees; another in each arm"
    )
    period = models.PositiveSmallIntegerField(help_text="Round of reading")
    block = models.PositiveSmallIntegerField(help_text="Block within the reader's order")
    place = models.PositiveIntegerField(help_text="Place in the reader's order")
    corrects = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="correction",
        help_text="Submitted read that this one corrects",
    )
    correction_reason = models.TextField(blank=True, help_text="Why it was opened again")
    draft = models.JSONField(default=dict, blank=True, help_text="Answers that are not submitted")
    draft_version = models.PositiveIntegerField(default=0, help_text="Counts the saved drafts")
    started_at = models.DateTimeField(null=True, blank=True, help_text="When it was begun (UTC)")
    seen_at = models.DateTimeField(
        null=True, blank=True, help_text="When the open page last reported (UTC)"
    )
    seconds = models.FloatField(default=0.0, help_text="Seconds of reading, by the portal's clock")
    submitted_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was submitted (UTC)"
    )

    class Meta:
        ordering = ("reader", "place", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("reader", "case", "arm", "kind"),
                condition=models.Q(corrects=None),
                name="read_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="submitted") | models.Q(submitted_at__isnull=False),
                name="read_submitted_at_a_time",
            ),
            models.CheckConstraint(
                condition=models.Q(status="assigned") | models.Q(started_at__isnull=False),
                name="read_started_at_a_time",
            ),
            models.CheckConstraint(
                condition=models.Q(corrects=None, correction_reason="")
                | (models.Q(corrects__isnull=False) & ~models.Q(correction_reason="")),
                name="read_corrected_with_reason",
            ),
        )
        indexes = (models.Index(fields=("reader", "status", "place"), name="read_in_order"),)

    def __str__(self) -> str:
        return f"read {self.code}"


@unchanging()
@tracked(participant="read__case__pair__participant")
class ReadCall(models.Model):
    """One answer of a submitted read: of a lesion with its place, of a nodal station, or of the participant."""

    read = models.ForeignKey(Read, models.PROTECT, related_name="calls", help_text="Read")
    question = models.CharField(max_length=40, help_text="Question of the design")
    unit = models.CharField(max_length=12, help_text="Unit it was asked of")
    unit_id = models.CharField(
        max_length=12, blank=True, help_text="Lesion number or nodal station; empty per participant"
    )
    score = models.FloatField(null=True, blank=True, help_text="Score; empty where indeterminate")
    call = models.CharField(max_length=10, blank=True, help_text="Positive or negative")
    indeterminate = models.BooleanField(default=False, help_text="The reader could not judge")
    detail = models.CharField(max_length=200, blank=True, help_text="Distant sites that were named")
    place_mm = models.JSONField(
        null=True, blank=True, help_text="Where the lesion lies (RAS, mm); empty otherwise"
    )

    class Meta:
        ordering = ("read", "question", "unit_id")
        constraints = (
            models.UniqueConstraint(fields=("read", "question", "unit_id"), name="read_call_once"),
            models.CheckConstraint(
                condition=models.Q(indeterminate=True, score=None, call="")
                | models.Q(indeterminate=False, score__isnull=False),
                name="read_call_scored_or_indeterminate",
            ),
        )

    def __str__(self) -> str:
        return f"{self.question} {self.unit_id} of {self.read}"
