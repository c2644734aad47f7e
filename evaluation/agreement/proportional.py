"""Proportional bias: how the difference of two methods grows with what is measured."""

import math
from dataclasses import replace

import numpy as np
from scipy import stats

from evaluation.agreement.pairs import Pairs, constant
from evaluation.statistics import Estimate


def proportional_bias(pairs: Pairs, bias: Estimate) -> Estimate:
    """Return the slope of the difference on the mean, with a cluster-robust (or plain) t interval.

    The interval has the level of the bias.
    """
    mean, difference, clusters = (pairs.x + pairs.y) / 2, pairs.x - pairs.y, pairs.clusters
    blank = replace(
        bias, value=None, lower=None, upper=None, method="least squares", unit="",
        flags=("not_estimable",), reason="all pairs have the same mean",
    )  # fmt: skip
    if constant(mean):
        return blank
    centred = mean - mean.mean()
    sxx = float(np.sum(centred**2))
    slope = float(np.sum(centred * difference)) / sxx
    residual = difference - difference.mean() - slope * centred
    df = clusters - 1 if pairs.replicated else pairs.n - 2
    if pairs.replicated:
        scores = np.bincount(pairs.subject, weights=centred * residual)
        se = math.sqrt(clusters / df * float(np.sum(scores**2))) / sxx
        blank = replace(blank, method="least squares, cluster-robust")
    else:
        se = math.sqrt(float(np.sum(residual**2)) / df / sxx)
    half = float(stats.t.ppf(0.5 + bias.level / 2, df)) * se
    return replace(blank, value=slope, lower=slope - half, upper=slope + half, flags=(), reason="")
