from django.conf import settings
from django.db import models

from studyportal.core.models import Identified
from studyportal.core.tracking import tracked
from studyportal.outcomes.models.study import DataCut
from studyportal.outcomes.states import OpeningStatus, PointKind


@tracked()
class ResultOpening(Identified):
    """An analysis point of the plan of a cut, opened by two people. Until then its results are sealed."""

    cut = models.ForeignKey(DataCut, models.PROTECT, related_name="openings", help_text="Data cut")
    point = models.CharField(max_length=40, help_text="Id of the analysis point in the plan")
    title = models.CharField(max_length=200, help_text="Title of the point")
    kind = models.CharField(
        max_length=10,
        choices=[(k.value, k.value) for k in PointKind],
        help_text="Final, which shows everything, or a look for quality",
    )
    shows = models.JSONField(
        default=list, blank=True, help_text="What a look for quality shows, as the plan says"
    )
    status = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in OpeningStatus], help_text="Status"
    )
    why = models.TextField(help_text="Why the results should be opened")
    asked_at = models.DateTimeField(help_text="When it was asked for (UTC)")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who asked"
    )
    decision_why = models.TextField(blank=True, help_text="What the second person said")
    decided_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was decided (UTC); empty while it waits"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who decided; never who asked, where it was opened",
    )

    class Meta:
        ordering = ("asked_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("cut", "point"),
                condition=~models.Q(status="declined"),
                name="opening_one_per_point",
            ),
            models.CheckConstraint(
                condition=models.Q(status="asked")
                | models.Q(status="declined", decided_at__isnull=False, decided_by__isnull=False)
                | models.Q(status="opened", decided_at__isnull=False, decided_by__isnull=False)
                & ~models.Q(decided_by=models.F("asked_by")),
                name="opening_takes_two_people",
            ),
        )

    def __str__(self) -> str:
        return f"{self.point} of {self.cut}"
