from django.conf import settings
from django.db import models

from studyportal.core.models import Identified
from studyportal.core.tracking import tracked
from studyportal.outcomes.states import CutStatus, RunStatus
from studyportal.syntheses.states import AnalysisRole


@tracked()
class DataCut(Identified):
    """Which participants, pairs, synthetic series, scores and versions an evaluation speaks of."""

    name = models.CharField(max_length=80, unique=True, help_text="Name of the cut")
    status = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in CutStatus], help_text="Status"
    )
    protocol_version = models.ForeignKey(
        "protocol.ProtocolVersion", models.PROTECT, related_name="+", help_text="Protocol version"
    )
    release = models.ForeignKey(
        "syntheses.ModelRelease",
        models.PROTECT,
        related_name="data_cuts",
        help_text="Model release",
    )
    role = models.CharField(
        max_length=12,
        choices=[(r.value, r.value) for r in AnalysisRole],
        default=AnalysisRole.PRIMARY,
        help_text="Whether it belongs to the primary analysis or is exploratory",
    )
    plan_text = models.TextField(help_text="Analysis plan (TOML)")
    plan_digest = models.CharField(max_length=64, help_text="SHA-256 of the analysis plan")
    tables_sha256 = models.CharField(
        max_length=64, blank=True, help_text="Digest of the frozen tables"
    )
    software = models.JSONField(default=dict, help_text="Software versions when it was frozen")
    frozen_at = models.DateTimeField(null=True, blank=True, help_text="When it was frozen (UTC)")
    frozen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who froze it",
    )

    class Meta:
        ordering = ("-frozen_at",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(status="open")
                | (
                    ~models.Q(frozen_at=None)
                    & ~models.Q(frozen_by=None)
                    & ~models.Q(tables_sha256="")
                ),
                name="cut_frozen_by_someone",
            ),
        )

    def __str__(self) -> str:
        return self.name


@tracked(participant="pair__participant", hidden=("lease_until",))
class CutPair(Identified):
    """One pair in a cut, with the very series that are compared."""

    cut = models.ForeignKey(DataCut, models.PROTECT, related_name="pairs", help_text="Data cut")
    pair = models.ForeignKey("imaging.ScanPair", models.PROTECT, related_name="+", help_text="Pair")
    source = models.ForeignKey(
        "imaging.ImagingSeries", models.PROTECT, related_name="+", help_text="CT series"
    )
    reference = models.ForeignKey(
        "imaging.ImagingSeries", models.PROTECT, related_name="+", help_text="Reference PET series"
    )
    synthetic = models.ForeignKey(
        "syntheses.SyntheticSeries",
        models.PROTECT,
        related_name="+",
        help_text="Synthetic PET series",
    )
    outlines = models.ForeignKey(
        "imaging.OutlineSet",
        models.PROTECT,
        null=True,
        related_name="+",
        help_text="Outlines; empty when there are none",
    )
    suv = models.JSONField(
        default=dict,
        blank=True,
        help_text="SUV conversion of the reference PET when the cut was frozen, with what people entered",
    )
    lease_until = models.DateTimeField(
        null=True, blank=True, help_text="Until when one worker has the pair for measuring (UTC)"
    )
    measured_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was measured (UTC)"
    )
    fault = models.TextField(blank=True, help_text="Why it could not be measured, in words")

    class Meta:
        ordering = ("cut", "pair")
        constraints = (models.UniqueConstraint(fields=("cut", "pair"), name="cut_pair_once"),)

    def __str__(self) -> str:
        return f"{self.pair} in {self.cut}"


@tracked(participant="cut_pair__pair__participant")
class Measurement(models.Model):
    """One number measured on one pair: a row of the long table."""

    cut_pair = models.ForeignKey(
        CutPair, models.PROTECT, related_name="measurements", help_text="Pair in the cut"
    )
    region = models.CharField(
        max_length=40, help_text="Region: body, lesion:1, node:4R, organ:liver"
    )
    image = models.CharField(
        max_length=30, help_text="Image: pair, reference, synthetic, or a negative control"
    )
    quantity = models.CharField(max_length=40, help_text="Quantity")
    value = models.FloatField(
        null=True, blank=True, help_text="Value; empty when it is not defined"
    )
    unit = models.CharField(max_length=20, blank=True, help_text="Unit")
    method = models.CharField(max_length=400, help_text="How it was computed")
    flags = models.CharField(max_length=200, blank=True, help_text="Flags, joined by semicolons")
    voxels = models.PositiveIntegerField(help_text="Voxels it rests on")
    software = models.CharField(max_length=40, help_text="Version of the software that measured it")

    class Meta:
        ordering = ("cut_pair", "region", "image", "quantity")
        constraints = (
            models.UniqueConstraint(
                fields=("cut_pair", "region", "image", "quantity"), name="measurement_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.quantity} {self.region} {self.image}: {self.value}"


@tracked()
class EvaluationRun(Identified):
    """One analysis of one cut under its plan."""

    cut = models.ForeignKey(DataCut, models.PROTECT, related_name="runs", help_text="Data cut")
    status = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in RunStatus], help_text="Status"
    )
    planned_at = models.DateTimeField(help_text="When it was requested (UTC)")
    planned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who requested it"
    )
    started_at = models.DateTimeField(
        null=True, blank=True, help_text="When the analysis began (UTC)"
    )
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it ended (UTC)")
    reason = models.TextField(blank=True, help_text="Why it errored, in words")
    provenance = models.JSONField(default=dict, help_text="What the results can be traced to")

    class Meta:
        ordering = ("-planned_at",)

    def __str__(self) -> str:
        return f"evaluation of {self.cut} at {self.planned_at:%Y-%m-%d %H:%M}"


@tracked()
class ResultRow(models.Model):
    """One estimate with its interval, denominators and method. Never changed."""

    run = models.ForeignKey(EvaluationRun, models.PROTECT, related_name="results", help_text="Run")
    order = models.PositiveIntegerField(help_text="Position in the report")
    endpoint = models.CharField(max_length=60, help_text="Endpoint")
    family = models.CharField(max_length=20, help_text="Family: primary, secondary, flow, baseline")
    quantity = models.CharField(max_length=60, blank=True, help_text="Quantity")
    test = models.CharField(max_length=60, blank=True, help_text="Index test")
    target_condition = models.CharField(max_length=30, blank=True, help_text="Target condition")
    unit = models.CharField(max_length=20, blank=True, help_text="Unit of analysis")
    region = models.CharField(max_length=40, blank=True, help_text="Region")
    analysis_set = models.CharField(max_length=40, blank=True, help_text="Analysis set")
    analysis = models.CharField(
        max_length=40, default="main", help_text="main, or the id of a sensitivity analysis"
    )
    subgroup = models.CharField(
        max_length=60, help_text="Subgroup: all, site:CODE, or another of the plan (sex:F)"
    )
    statistic = models.CharField(max_length=60, help_text="Statistic")
    value = models.FloatField(null=True, help_text="Estimate; empty when it is not estimable")
    lower = models.FloatField(null=True, help_text="Lower limit of the interval")
    upper = models.FloatField(null=True, help_text="Upper limit of the interval")
    level = models.FloatField(null=True, help_text="Level of the interval")
    n = models.IntegerField(null=True, help_text="Observations it rests on")
    clusters = models.IntegerField(null=True, help_text="Participants it rests on")
    missing = models.IntegerField(null=True, help_text="Observations that are missing")
    unit_of_value = models.CharField(max_length=20, blank=True, help_text="Unit of the estimate")
    method = models.TextField(blank=True, help_text="Method")
    reason = models.TextField(blank=True, help_text="Why it is not estimable, in words")
    prespecified = models.BooleanField(help_text="Whether the plan names it")
    exploratory = models.TextField(
        blank=True, help_text="Why it is exploratory although the plan names it; empty otherwise"
    )

    class Meta:
        ordering = ("run", "order")
        constraints = (models.UniqueConstraint(fields=("run", "order"), name="result_order_once"),)

    def __str__(self) -> str:
        return f"{self.endpoint} {self.statistic} ({self.subgroup}): {self.value}"


@tracked()
class RunFile(Identified):
    """One file of the report of a run."""

    run = models.ForeignKey(EvaluationRun, models.PROTECT, related_name="files", help_text="Run")
    name = models.CharField(max_length=200, help_text="Name within the report")
    sha256 = models.CharField(max_length=64, help_text="Digest")
    size = models.BigIntegerField(help_text="Bytes")

    class Meta:
        ordering = ("run", "name")
        constraints = (models.UniqueConstraint(fields=("run", "name"), name="run_file_once"),)

    def __str__(self) -> str:
        return self.name
