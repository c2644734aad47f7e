from django.conf import settings
from django.db import models

from studyportal.core.models import Identified
from studyportal.exports.states import ExportStatus


class Export(Identified):
    """One export of one evaluation run: a zip with a fixed order of files."""

    run = models.ForeignKey(
        "outcomes.EvaluationRun", models.PROTECT, related_name="exports", help_text="Run"
    )
    status = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in ExportStatus], help_text="Status"
    )
    requested_at = models.DateTimeField(help_text="When it was requested (UTC)")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who requested it"
    )
    built_at = models.DateTimeField(null=True, blank=True, help_text="When it was built (UTC)")
    archive_sha256 = models.CharField(max_length=64, blank=True, help_text="Digest of the zip")
    size = models.BigIntegerField(default=0, help_text="Bytes of the zip")
    contents = models.JSONField(
        default=list, blank=True, help_text="Name, digest and size of every file in it"
    )
    reason = models.TextField(blank=True, help_text="Why it errored, in words")

    class Meta:
        ordering = ("-requested_at",)

    def __str__(self) -> str:
        return f"export of {self.run}"


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
