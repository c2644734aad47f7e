"""The analysis plan as one frozen object."""

from dataclasses import dataclass, field

from evaluation.analysis.plan_methods import (
    DemographicConcordance,
    Estimand,
    Methods,
    Multiplicity,
    NegativeControls,
    PlannedPrecision,
    RiskModel,
    SensitivityAnalysis,
    UptakeTrend,
)
from evaluation.analysis.plan_parts import (
    AnalysisPoint,
    AnalysisSet,
    BaselineVariable,
    Contrast,
    ImageRecipe,
    IndexTest,
    Minimum,
    ParticipantColumn,
    PrimaryEndpoint,
    Subgroup,
    TargetCondition,
)

_FINAL = AnalysisPoint("final", "Final analysis", "final")


@dataclass(frozen=True)
class Plan:
    """Everything the analysis needs to know besides the tables."""

    schema: int
    name: str
    version: str
    registration: str
    level: float
    seed: int
    bootstrap_replicates: int
    image: ImageRecipe
    analysis_set: tuple[AnalysisSet, ...]
    primary: tuple[PrimaryEndpoint, ...]
    target_condition: tuple[TargetCondition, ...]
    index_test: tuple[IndexTest, ...]
    estimand: tuple[Estimand, ...]
    methods: Methods
    multiplicity: Multiplicity | None = None
    minimum: Minimum = field(default_factory=Minimum)
    comparison: tuple[Contrast, ...] = ()
    participant_column: tuple[ParticipantColumn, ...] = ()
    subgroup: tuple[Subgroup, ...] = ()
    baseline: tuple[BaselineVariable, ...] = ()
    sensitivity: tuple[SensitivityAnalysis, ...] = ()
    negative_controls: NegativeControls | None = None
    uptake_trend: UptakeTrend | None = None
    risk: RiskModel | None = None
    demographic_concordance: DemographicConcordance | None = None
    precision: PlannedPrecision | None = None
    analysis_point: tuple[AnalysisPoint, ...] = ()
    release: str = ""
    digest: str = ""

    @property
    def data_range_suv(self) -> float:
        """The fixed data range of SSIM and PSNR, in SUV."""
        return self.image.data_range_suv

    @property
    def points(self) -> tuple[AnalysisPoint, ...]:
        """The analysis points; a plan that names none has one, the final analysis."""
        return self.analysis_point or (_FINAL,)

    def set_named(self, name: str) -> AnalysisSet:
        """Return the analysis set of that name."""
        return next(s for s in self.analysis_set if s.id == name)

    def column_named(self, name: str) -> ParticipantColumn | None:
        """Return the participant column that the plan declares besides the fixed ones."""
        return next((c for c in self.participant_column if c.name == name), None)
