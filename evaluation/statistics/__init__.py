"""Intervals, quantiles and resampling, each returned as an `Estimate`."""

from evaluation.statistics.areas import (
    Areas,
    areas_from_placements,
    areas_under_curve,
    placement_values,
)
from evaluation.statistics.estimates import (
    DEFAULT_LEVEL,
    Comparison,
    Estimate,
    not_estimable,
    require_level,
)
from evaluation.statistics.grouping import group_codes
from evaluation.statistics.means import clustered_mean, mean_interval, present, quantile_intervals
from evaluation.statistics.missing import RubinPooled, rubin, worst_and_best_case
from evaluation.statistics.multiplicity import (
    TestedHypothesis,
    adjusted_p_values,
    fixed_sequence,
    hierarchical,
)
from evaluation.statistics.planned_areas import (
    auc_detectable,
    auc_power,
    auc_precision,
    auc_variance,
)
from evaluation.statistics.pooling import RandomEffects, leave_one_out, random_effects
from evaluation.statistics.power import (
    DetectableDifference,
    Power,
    SampleSize,
    paired_proportion_detectable,
    proportion_sample_size,
)
from evaluation.statistics.precision import (
    PooledPrecision,
    correlation_precision,
    design_effect,
    limits_precision,
    pooled_precision,
    proportion_precision,
)
from evaluation.statistics.proportions import (
    clustered_proportion,
    count_by_cluster,
    proportion_interval,
)
from evaluation.statistics.resampling import bootstrap
from evaluation.statistics.resampling import bootstrap, bootstrap_each
from evaluation.statistics.stratification import stratified
from evaluation.statistics.stratification import stratified, stratified_mean
from evaluation.statistics.stratified_means import stratified_mean
from evaluation.statistics.tipping import TippingPoint, tipping_point
from evaluation.statistics.weighting import SumStatistic, WeightedStatistic, weighted_sums

__all__ = [
    "DEFAULT_LEVEL",
    "Areas",
    "Comparison",
    "DetectableDifference",
    "Estimate",
    "PooledPrecision",
    "Power",
    "RandomEffects",
    "RubinPooled",
    "SampleSize",
    "SumStatistic",
    "TestedHypothesis",
    "TippingPoint",
    "WeightedStatistic",
    "adjusted_p_values",
    "areas_from_placements",
    "areas_under_curve",
    "auc_detectable",
    "auc_power",
    "auc_precision",
    "auc_variance",
    "bootstrap",
    "bootstrap_each",
    "clustered_mean",
    "clustered_proportion",
    "correlation_precision",
    "count_by_cluster",
    "design_effect",
    "fixed_sequence",
    "group_codes",
    "hierarchical",
    "leave_one_out",
    "limits_precision",
    "mean_interval",
    "not_estimable",
    "paired_proportion_detectable",
    "placement_values",
    "pooled_precision",
    "present",
    "proportion_interval",
    "proportion_precision",
    "proportion_sample_size",
    "quantile_intervals",
    "random_effects",
    "require_level",
    "rubin",
    "stratified",
    "stratified_mean",
    "tipping_point",
    "weighted_sums",
    "worst_and_best_case",
]
