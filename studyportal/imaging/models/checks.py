"""What people enter about an injection, and what the screening of a pair measured."""

from django.conf import settings
from django.db import models

from studyportal.core.models import Identified
from studyportal.core.tracking import tracked
from studyportal.imaging.states import EntryField


@tracked(participant="series__pair__participant")
class InjectionEntry(Identified):
    """What a person entered about the injection of a PET in place of what its file says; the file stays as it is.

    Rows are only ever added: the latest of a field counts, and one that was withdrawn gives the file its word back.
    """

    series = models.ForeignKey(
        "imaging.ImagingSeries", models.PROTECT, related_name="entries", help_text="PET series"
    )
    field = models.CharField(
        max_length=24,
        choices=[(f.value, f.value) for f in EntryField],
        help_text="What was entered",
    )
    number = models.FloatField(
        null=True, blank=True, help_text="The number, in the unit that the field names"
    )
    text = models.CharField(max_length=100, blank=True, help_text="The words, for the tracer")
    withdrawn = models.BooleanField(
        default=False, help_text="The entry before was withdrawn; the file counts again"
    )
    stated = models.CharField(
        max_length=100, blank=True, help_text="What counted before, as the file or an entry said it"
    )
    reason = models.TextField(help_text="Why, and where the value was found")
    entered_at = models.DateTimeField(help_text="When (UTC)")
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who entered it"
    )

    class Meta:
        ordering = ("entered_at",)
        verbose_name_plural = "injection entries"
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(reason=""), name="injection_entry_has_a_reason"
            ),
            models.CheckConstraint(
                condition=models.Q(withdrawn=True, number=None, text="")
                | models.Q(withdrawn=False, number__isnull=False, text="")
                | (models.Q(withdrawn=False, number=None) & ~models.Q(text="")),
                name="injection_entry_number_or_words",
            ),
        )

    def __str__(self) -> str:
        return f"{self.field} of {self.series}"


@tracked(participant="pair__participant")
class PairScreening(Identified):
    """What the images of a pair themselves showed, or why that could not be measured."""

    pair = models.ForeignKey(
        "imaging.ScanPair", models.PROTECT, related_name="screenings", help_text="Pair"
    )
    origin_sha256 = models.CharField(
        max_length=64, help_text="Digest of the CT, the PET and the entries it was measured with"
    )
    recipe = models.PositiveSmallIntegerField(help_text="Number of the recipe it was measured by")
    measured = models.JSONField(
        default=dict, blank=True, help_text="Numbers of each check, or why it was not made"
    )
    fault = models.TextField(blank=True, help_text="Why the screening could not be finished")
    seconds = models.FloatField(help_text="How long it took")
    peak_megabytes = models.FloatField(help_text="Most memory that it used")
    made_at = models.DateTimeField(help_text="When (UTC)")

    class Meta:
        ordering = ("made_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("pair", "origin_sha256", "recipe"), name="pair_screening_once"
            ),
        )

    def __str__(self) -> str:
        return f"screening of {self.pair}"
