"""Accuracy when only some participants were verified: Begg and Greenes' correction."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from evaluation.diagnostic.cases import require_binary
from evaluation.diagnostic.crosstabulation import AccuracyTable, accuracy_table
from evaluation.diagnostic.robust import counts_by_code, distinct, spread
from evaluation.statistics import (
    DEFAULT_LEVEL,
    Estimate,
    clustered_proportion,
    group_codes,
    not_estimable,
    require_level,
)

_Array = NDArray[np.float64]
_NAME = "Begg and Greenes 1983, logit"


@dataclass(frozen=True)
class VerificationCorrected:
    """Accuracy corrected for partial verification, beside that of the verified alone.

    ``verified_positive`` and ``verified_negative`` are the shares of positive and negative calls
    that have a reference standard.
    """

    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate
    npv: Estimate
    prevalence: Estimate
    verified_positive: Estimate
    verified_negative: Estimate
    verified_only: AccuracyTable

    def estimates(self) -> dict[str, Estimate]:
        """Return the corrected measures and the shares verified, by name."""
        return {
            "sensitivity": self.sensitivity,
            "specificity": self.specificity,
            "ppv": self.ppv,
            "npv": self.npv,
            "prevalence": self.prevalence,
            "verified_positive": self.verified_positive,
            "verified_negative": self.verified_negative,
        }


@dataclass(frozen=True)
class _Study:
    """Calls t (1/0), outcomes m of shape (n,) that stand for everybody, and the clusters."""

    t: _Array
    m: _Array
    group: NDArray
    clustered: bool
    level: float
    missing: int


def begg_greenes(
    truth: ArrayLike,
    call: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    level: float = DEFAULT_LEVEL,
) -> VerificationCorrected:
    """Correct sensitivity and specificity for calls that were not all verified.

    Right when, among observations with the same call (and stratum), who was verified does not
    depend on the condition (missing at random): the share with the condition among the verified of
    a kind then stands for all of that kind.

    Parameters
    ----------
    truth
        1/0, NaN where not verified, shape (n,).
    call
        1/0, NaN where missing: such observations are left out and counted.
    cluster
        Participant of each observation.
    strata
        A covariate on which verification may depend, such as the site.

    Returns
    -------
    VerificationCorrected
        Intervals by the delta method on the logit scale, robust to clusters. Where no call of a
        kind was verified nothing is estimable, and the reason names the kind.

    Notes
    -----
    Begg CB, Greenes RA, Biometrics 1983;39:207; variance as Zhou XH, Stat Med 1993;12:1687. Each
    observation gets ``m = p + v (y - p) / r`` (p the share with the condition among the verified of
    its kind, r the share verified): its mean is the corrected share, its spread gives the variance.

    Examples
    --------
    >>> nan = float("nan")
    >>> found = begg_greenes([1, 0, 1, 0, nan, nan], [1, 1, 0, 0, 0, 0])
    >>> round(found.sensitivity.value, 3)
    0.333
    """
    require_level(level)
    y, c = np.asarray(truth, dtype=float), np.asarray(call, dtype=float)
    require_binary("truth", y)
    require_binary("call", c)
    if y.ndim != 1 or c.shape != y.shape:
        raise ValueError("truth and call must have the same length")
    codes = group_codes(np.arange(len(y)) if cluster is None else cluster, len(y))[1]
    kinds = np.zeros(len(y)) if strata is None else group_codes(strata, len(y), what="stratum")[1]
    table = accuracy_table(y, c, cluster=cluster, level=level)
    keep = ~np.isnan(c)
    y, t, group = y[keep], c[keep], codes[keep]
    reason, m = _outcomes(y, t, kinds[keep], None if strata is None else np.asarray(strata)[keep])
    clusters = distinct(group)
    study = _Study(t, m, group, clusters < len(t), level, int((~keep).sum()))
    verified = ~np.isnan(y)
    shares = (_verified(study, verified, "positive"), _verified(study, verified, "negative"))
    if reason:
        none = not_estimable(
            reason, level=level, n=len(t), clusters=clusters, missing=study.missing, method=_NAME
        )
        return VerificationCorrected(none, none, none, none, none, *shares, table)
    return VerificationCorrected(
        _ratio(study, t * m, (1 - t) * m), _ratio(study, (1 - t) * (1 - m), t * (1 - m)),
        _ratio(study, t * m, t * (1 - m)), _ratio(study, (1 - t) * (1 - m), (1 - t) * m),
        _ratio(study, m, 1 - m), *shares, table,
    )  # fmt: skip


def _outcomes(y: _Array, t: _Array, kinds: NDArray, names: NDArray | None) -> tuple[str, _Array]:
    """Return the outcomes that stand for everybody, or the reason why there are none."""
    m = np.zeros(len(t))
    for called, word in ((1, "positive"), (0, "negative")):
        if not (t == called).any():
            return f"the index test was never {word}", m
    for kind in np.unique(kinds):
        for called, word in ((1, "positive"), (0, "negative")):
            at = (kinds == kind) & (t == called)
            verified = at & ~np.isnan(y)
            if at.any() and not verified.any():
                where = "" if names is None else f" in stratum {names[at][0]}"
                return f"no {word} call was verified{where}", m
            if at.any():
                p, r = y[verified].mean(), verified.sum() / at.sum()
                m[at] = p
                m[verified] += (y[verified] - p) / r
    return "", m


def _ratio(study: _Study, part: _Array, rest: _Array) -> Estimate:
    """Return ``sum(part) / sum(part + rest)`` with its interval on the logit scale."""
    a, b = float(part.sum()), float(rest.sum())
    clusters = distinct(study.group)
    blank = not_estimable(
        "none of the verified stands for a case of this kind", level=study.level, n=len(part),
        clusters=clusters, missing=study.missing, method=_NAME,
    )  # fmt: skip
    # Verified shares of 0 and 1 leave rounding dust where there is nothing.
    dust = 1e-9
    if a <= dust and b <= dust:
        return blank
    value = a / (a + b)
    if a <= dust or b <= dust:
        return replace(
            blank, value=float(round(value)), flags=("boundary", "no_interval"),
            reason="0 or 1 among the verified: no interval by the delta method",
        )  # fmt: skip
    found = spread(part / a - rest / b, study.group if study.clustered else None)
    e = replace(blank, value=value, flags=(), reason="")
    if found.reason:
        return replace(e, flags=("no_interval",), reason=found.reason)
    centre, half = math.log(a / b), found.half_width(study.level)
    return replace(
        e, lower=float(special.expit(centre - half)), upper=float(special.expit(centre + half))
    )


def _verified(study: _Study, verified: NDArray[np.bool_], word: str) -> Estimate:
    at = study.t == (1 if word == "positive" else 0)
    counts = counts_by_code(verified[at], study.group[at])
    e = clustered_proportion(*counts, level=study.level, missing=study.missing)
    return e if e.estimable else replace(e, reason=f"the index test was never {word}")
