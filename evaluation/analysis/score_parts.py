"""Sensitivity, specificity and area of each site or subgroup, ready to be weighed together."""

import numpy as np

from evaluation.analysis.cohort import Cohort, Partition
from evaluation.analysis.heterogeneity import Part, corrected_part, logit_part, mean_part
from evaluation.analysis.plan_parts import IndexTest
from evaluation.analysis.questions import Handling, calls, decided
from evaluation.analysis.units import Scored
from evaluation.statistics import areas_under_curve

MEASURES = ("sensitivity", "specificity", "auc")


def measure_parts(
    cohort: Cohort, partition: Partition, test: IndexTest, scored: Scored, *, condition: str
) -> dict[str, list[Part]]:
    """Return the parts of each measure on the logit scale, one for each level of a partition."""
    found: dict[str, list[Part]] = {name: [] for name in MEASURES}
    cutoff = test.cutoff.get(condition)
    right = None if cutoff is None else _right(cohort, scored, cutoff)
    code = partition.code[scored.pid]
    for level, label in enumerate(partition.labels):
        own = code == level
        found["auc"].append(area_part(label, scored.where(own)))
        if right is None:
            continue
        for name, verdict in (("sensitivity", 1), ("specificity", 0)):
            among = own & (scored.truth == verdict)
            found[name].append(share_part(label, right[among], scored.pid[among]))
    return {name: parts for name, parts in found.items() if parts}


def share_part(label: str, right: np.ndarray, pid: np.ndarray) -> Part:
    """Return a share of right calls on the logit scale; NaN calls are left out."""
    mean = mean_part(label, right, pid)
    if mean.value in (0.0, 1.0):
        clusters = len(np.unique(pid[~np.isnan(right)]))
        return corrected_part(label, mean.value, clusters, mean.n)
    return logit_part(label, mean.value, mean.variance, mean.n)


def area_part(label: str, scored: Scored) -> Part:
    """Return the area under the curve on the logit scale."""
    keep = ~np.isnan(scored.truth) & ~np.isnan(scored.score)
    truth, n = scored.truth[keep] == 1, int(keep.sum())
    if not truth.any() or truth.all():
        return Part(label, np.nan, np.nan, n)
    codes = np.unique(scored.pid[keep], return_inverse=True)[1]
    areas = areas_under_curve(truth, scored.score[keep][None, :], codes)
    return logit_part(label, float(areas.value[0]), float(areas.covariance[0, 0]), n)


def _right(cohort: Cohort, scored: Scored, cutoff: float) -> np.ndarray:
    handling = Handling.of(cohort.plan)
    call = decided(calls(scored, cutoff, handling), scored, handling)
    return np.where(np.isnan(call) | np.isnan(scored.truth), np.nan, call == scored.truth)
