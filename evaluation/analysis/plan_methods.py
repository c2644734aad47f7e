"""The parts of a plan that say how: estimands, methods, multiplicity, sensitivity analyses."""

from dataclasses import dataclass


@dataclass(frozen=True)
class IntercurrentEvent:
    """Something that happens after inclusion, and the strategy for it (ICH E9(R1))."""

    event: str
    strategy: str
    handling: str


@dataclass(frozen=True)
class Estimand:
    """What is estimated for some endpoints, in the five attributes of ICH E9(R1)."""

    id: str
    endpoints: tuple[str, ...]
    population: str
    variable: str
    conditions: str
    summary: str
    intercurrent_event: tuple[IntercurrentEvent, ...] = ()
    proposal: bool = False


@dataclass(frozen=True)
class Methods:
    """How estimates are made; every word is one that the analysis knows.

    ``pooling`` is ``site_stratified`` or ``crude``; ``indeterminate`` says what an indeterminate
    index result counts as, ``failure`` what a pair without a usable synthetic PET counts as for a
    test that reads it.
    """

    pooling: str = "site_stratified"
    proportion: str = "wilson"
    heterogeneity: str = "reml"
    knapp_hartung: bool = True
    bootstrap: str = "bca"
    indeterminate: str = "positive"
    failure: str = "wrong"
    partial_auc_specificity: float | None = None
    fixed_specificity: float | None = None
    proposal: bool = False


@dataclass(frozen=True)
class Hypothesis:
    """A claim that is tested: a statistic of a result row against its null value.

    ``direction`` is ``greater``, ``less``, ``two_sided`` or ``within`` (then ``null_lower`` and
    ``null_upper`` bound the interval). Hypotheses of one order are co-equal: Holm inside.
    """

    id: str
    order: int
    endpoint: str
    statistic: str
    direction: str
    null: float = 0.0
    null_lower: float = 0.0
    null_upper: float = 0.0
    quantity: str = ""
    test: str = ""
    unit: str = ""
    region: str = ""
    analysis: str = "main"
    proposal: bool = False


@dataclass(frozen=True)
class Multiplicity:
    """A fixed sequence of steps at one two-sided alpha, Holm inside a step."""

    alpha: float
    hypothesis: tuple[Hypothesis, ...]


@dataclass(frozen=True)
class SensitivityAnalysis:
    """The same estimand under another assumption; ``kind`` says which, the rest belongs to it."""

    id: str
    kind: str
    title: str
    analysis_set: str = ""
    imputations: int = 0
    predictors: tuple[str, ...] = ()
    deltas: tuple[float, ...] = ()
    statistic: str = ""
    bound: float | None = None
    proposal: bool = False


@dataclass(frozen=True)
class NegativeControls:
    """Images without information about uptake, measured like the synthetic PET."""

    controls: tuple[str, ...]
    quantities: tuple[str, ...]
    analysis_set: str
    region: str = "body"


@dataclass(frozen=True)
class UptakeTrend:
    """How the error moves with the uptake of the reference; strata between the edges, in SUV."""

    edges: tuple[float, ...]
    quantities: tuple[str, ...]
    analysis_set: str


@dataclass(frozen=True)
class RiskModel:
    """Risks from scores: thresholds of net benefit, and cut-offs of reclassification."""

    net_benefit_thresholds: tuple[float, ...]
    reclassification_cutoffs: tuple[float, ...] = ()
    proposal: bool = False


@dataclass(frozen=True)
class DemographicConcordance:
    """Organ values of synthetic against reference by demographic subgroup."""

    quantities: tuple[str, ...]
    subgroups: tuple[str, ...]
    analysis_set: str
    margin_percent: float
    region: str = "organ:"
    proposal: bool = False


@dataclass(frozen=True)
class PlannedPrecision:
    """What the sample size was planned for, to be put beside what was reached."""

    participants: int
    agreement_endpoint: str = ""
    agreement_quantity: str = ""
    ccc: float | None = None
    auc: float | None = None
    prevalence: float | None = None
    sensitivity: float | None = None
    positives: int | None = None
    proposal: bool = False
