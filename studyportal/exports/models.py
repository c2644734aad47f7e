from django.conf import settings
from django.db import models

from studyportal.core.models import Identified
from studyportal.core.tracking import tracked
from studyportal.exports.states import DataFormat, ExportKind, ExportStatus


@tracked(site="site")
class Export(Identified):
    """One export, of an evaluation run, of image pairs to train on or of clinical data: a zip with a fixed order of files."""

    kind = models.CharField(
        max_length=12,
        choices=[(k.value, k.value) for k in ExportKind],
        default=ExportKind.EVALUATION.value,
        help_text="What it holds",
    )
    run = models.ForeignKey(
        "outcomes.EvaluationRun",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="exports",
        help_text="Run; empty for image pairs and clinical data",
    )
    site = models.ForeignKey(
        "sites.Site",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Site whose data it holds; empty for all sites",
    )
    purpose = models.TextField(blank=True, help_text="What the images are wanted for, in words")
    format = models.CharField(
        max_length=8,
        blank=True,
        default="",
        choices=[(f.value, f.value) for f in DataFormat],
        help_text="Format of clinical data; empty for everything else",
    )
    language = models.CharField(
        max_length=2,
        default="en",
        choices=[("en", "English"), ("zh", "中文")],
        help_text="Language of the labels in clinical data",
    )
    with_drafts = models.BooleanField(
        default=False, help_text="Whether forms that are not complete yet leave, too"
    )
    status = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in ExportStatus], help_text="Status"
    )
    requested_at = models.DateTimeField(help_text="When it was requested (UTC)")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who requested it"
    )
    started_at = models.DateTimeField(
        null=True, blank=True, help_text="When a worker began to build it (UTC)"
    )
    built_at = models.DateTimeField(null=True, blank=True, help_text="When it was built (UTC)")
    archive_sha256 = models.CharField(max_length=64, blank=True, help_text="Digest of the zip")
    size = models.BigIntegerField(default=0, help_text="Bytes of the zip")
    contents = models.JSONField(
        default=list,
        blank=True,
        help_text="Name, digest and size of every file in it, with its rows; of image pairs, of every participant",
    )
    left_out = models.JSONField(
        default=dict,
        blank=True,
        help_text="How many pairs or participants were left out, by reason",
    )
    reason = models.TextField(blank=True, help_text="Why it errored or ended, in words")

    class Meta:
        ordering = ("-requested_at",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(kind="evaluation", run__isnull=False, site=None)
                | (models.Q(kind="pairs", run=None) & ~models.Q(purpose=""))
                | models.Q(kind="clinical", run=None),
                name="export_of_a_run_or_of_pairs_for_a_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="clinical", format__in=[f.value for f in DataFormat])
                | (~models.Q(kind="clinical") & models.Q(format="")),
                name="export_of_clinical_data_has_a_format",
            ),
        )

    def __str__(self) -> str:
        if self.kind == ExportKind.CLINICAL:
            return f"export of clinical data ({self.format})"
        return f"export of {self.run or 'image pairs'}"


@tracked()
class ExportDownload(Identified):
    """One download of an export by one person."""

    export = models.ForeignKey(Export, models.PROTECT, related_name="downloads", help_text="Export")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who downloaded it"
    )
    at = models.DateTimeField(help_text="When (UTC)")

    class Meta:
        ordering = ("-at",)

    def __str__(self) -> str:
        return f"download of {self.export}"
