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
from evaluation.statistics.multiplicity import adjusted_p_values, fixed_sequence
from evaluation.statistics.pooling import RandomEffects, random_effects
from evaluation.statistics.proportions import (
    clustered_proportion,
    count_by_cluster,
    proportion_interval,
)
from evaluation.statistics.resampling import bootstrap
from evaluation.statistics.stratification import stratified, stratified_mean
from evaluation.statistics.tipping import TippingPoint, tipping_point
from evaluation.statistics.weighting import SumStatistic, WeightedStatistic, weighted_sums

__all__ = [
    "DEFAULT_LEVEL",
    "Areas",
    "Comparison",
    "Estimate",
    "RandomEffects",
    "RubinPooled",
    "SumStatistic",
    "TippingPoint",
    "WeightedStatistic",
    "adjusted_p_values",
    "areas_from_placements",
    "areas_under_curve",
    "bootstrap",
    "clustered_mean",
    "clustered_proportion",
    "count_by_cluster",
    "fixed_sequence",
    "group_codes",
    "mean_interval",
    "not_estimable",
    "placement_values",
    "present",
    "proportion_interval",
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
