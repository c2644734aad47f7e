"""Scores with and without ties for the tests of areas; the published aSAH data."""

import numpy as np

from tests.evaluation.reference_cases import reference_csv


def asah():
    rows = reference_csv("roc_asah.csv")
    truth = [row["outcome"] == "Poor" for row in rows]
    return truth, {name: [float(row[name]) for row in rows] for name in ("wfns", "s100b", "ndka")}


def simulated(seed, n=60, *, ties=False):
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.4
    score = rng.normal(truth * 1.0, 1)
    return truth, np.round(score * 2) / 2 if ties else score


def clustered(seed, clusters=50, size=3):
    """Return truth, two correlated scores and the participant of each of several lesions."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(clusters), size)
    own = rng.normal(size=clusters)[group]
    truth = rng.random(len(group)) < 0.4
    one, two = (rng.normal(truth * shift + 0.7 * own, 1) for shift in (1.2, 0.7))
    return truth, one, two, group


def half_width(e):
    return (e.upper - e.lower) / 2
