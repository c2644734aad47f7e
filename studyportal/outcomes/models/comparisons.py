from django.conf import settings
from django.db import models

from studyportal.core.models import Identified
from studyportal.core.tracking import tracked
from studyportal.outcomes.models.study import CutPair, DataCut
from studyportal.outcomes.states import ComparisonStatus


@tracked()
class ReleaseComparison(Identified):
    """Releases compared on the pairs of one cut. Exploratory: the cut's own release is the primary one."""

    cut = models.ForeignKey(
        DataCut, models.PROTECT, related_name="comparisons", help_text="Data cut"
    )
    status = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in ComparisonStatus], help_text="Status"
    )
    planned_at = models.DateTimeField(help_text="When it was requested (UTC)")
    planned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who requested it"
    )
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it ended (UTC)")
    reason = models.TextField(blank=True, help_text="Why it errored, in words")
    results_sha256 = models.CharField(
        max_length=64, blank=True, help_text="Digest of results and what they can be traced to"
    )

    class Meta:
        ordering = ("-planned_at",)
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(status="completed") | ~models.Q(results_sha256=""),
                name="completed_comparison_has_results",
            ),
        )

    def __str__(self) -> str:
        return f"comparison on {self.cut} at {self.planned_at:%Y-%m-%d %H:%M}"


@tracked()
class ComparedRelease(Identified):
    """One release of a comparison; the others are compared with the first."""

    comparison = models.ForeignKey(
        ReleaseComparison, models.PROTECT, related_name="compared", help_text="Comparison"
    )
    release = models.ForeignKey(
        "syntheses.ModelRelease", models.PROTECT, related_name="+", help_text="Model release"
    )
    place = models.PositiveSmallIntegerField(help_text="Position; the first is compared with")

    class Meta:
        ordering = ("comparison", "place")
        constraints = (
            models.UniqueConstraint(fields=("comparison", "release"), name="compared_release_once"),
            models.UniqueConstraint(fields=("comparison", "place"), name="compared_place_once"),
        )

    def __str__(self) -> str:
        return f"{self.release} in {self.comparison}"


@tracked(participant="cut_pair__pair__participant", hidden=("lease_until",))
class ComparedSeries(Identified):
    """The synthetic series of a compared release for one pair of the cut, and what was measured on it."""

    compared = models.ForeignKey(
        ComparedRelease, models.PROTECT, related_name="series", help_text="Compared release"
    )
    cut_pair = models.ForeignKey(
        CutPair, models.PROTECT, related_name="compared", help_text="Pair in the cut"
    )
    synthetic = models.ForeignKey(
        "syntheses.SyntheticSeries",
        models.PROTECT,
        related_name="+",
        help_text="Synthetic PET series",
    )
    lease_until = models.DateTimeField(
        null=True, blank=True, help_text="Until when one worker has it for measuring (UTC)"
    )
    measured_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was measured (UTC)"
    )
    measurements_sha256 = models.CharField(
        max_length=64, blank=True, help_text="Digest of its measurements; empty when it has none"
    )
    fault = models.TextField(blank=True, help_text="Why it could not be measured, in words")

    class Meta:
        ordering = ("compared", "cut_pair")
        verbose_name_plural = "compared series"
        constraints = (
            models.UniqueConstraint(fields=("compared", "cut_pair"), name="compared_series_once"),
        )

    def __str__(self) -> str:
        return f"{self.synthetic} in {self.compared}"
