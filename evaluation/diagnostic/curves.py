"""ROC curves with whole and partial areas: DeLong, Obuchowski, and within strata."""

import math
from dataclasses import dataclass, replace

from numpy.typing import ArrayLike
from scipy import special, stats

from evaluation.diagnostic.bands import RocPoints, operating_points, require_band
from evaluation.diagnostic.cases import Cases, complete_cases
from evaluation.diagnostic.partial import (
    PartialRange,
    partial_placements,
    require_partial,
    standardised,
)
from evaluation.diagnostic.stratified import Placements, joined_areas
from evaluation.statistics import (
    DEFAULT_LEVEL,
    Estimate,
    not_estimable,
    placement_values,
    require_level,
)

_LOGIT_ABOVE = 0.95
_Bounds = tuple[float | None, float | None, str, str]


@dataclass(frozen=True)
class Roc:
    """A ROC curve: its area, a partial area if asked for, and its operating points.

    ``partial_auc_standardised`` maps the partial area so that chance gives 0.5 (McClish 1989).
    """

    auc: Estimate
    partial_auc: Estimate | None
    partial_auc_standardised: Estimate | None
    points: RocPoints
    positives: int
    negatives: int


def roc(
    truth: ArrayLike,
    score: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    level: float = DEFAULT_LEVEL,
    partial: PartialRange | None = None,
    bands: bool | str = False,
) -> Roc:
    """Return the ROC curve of a score; higher scores speak for the target condition.

    Parameters
    ----------
    truth
        1/0 or True/False, NaN where missing or indeterminate, shape (n,).
    score
        Shape (n,), NaN where missing.
    cluster
        Participant of each observation, where one may have several.
    strata
        Site of each observation: areas then count pairs within a site only. The operating points
        remain those of all observations together.
    partial
        ``("specificity", low, high)`` or ``("sensitivity", low, high)``: the area over that range.
    bands
        ``"pointwise"`` (or True) or ``"simultaneous"``; see `RocPoints.band` for the method.

    Returns
    -------
    Roc
        With one class only, no area has a value and each says why.

    Raises
    ------
    ValueError
        For codes of truth other than 0, 1 and NaN, unequal lengths, an infinite score, an
        unknown range or band, or a participant in two strata.

    Examples
    --------
    >>> roc([0, 0, 1, 1], [1, 3, 2, 4]).auc.value
    0.75
    """
    require_level(level)
    if partial is not None:
        require_partial(partial)
    cases = complete_cases(truth, [score], cluster=cluster, strata=strata)
    band = bands if isinstance(bands, str) else "pointwise" * bands
    require_band(band, clustered=cases.clustered)
    part = mapped = None
    if partial is not None:
        part, mapped = _partial(cases, partial, level)
    return Roc(
        _area(cases, level), part, mapped, operating_points(cases, band=band, level=level),
        int(cases.truth.sum()), int((~cases.truth).sum()),
    )  # fmt: skip


def auc(
    truth: ArrayLike,
    score: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    level: float = DEFAULT_LEVEL,
) -> Estimate:
    """Estimate the area under the ROC curve; parameters as in `roc`.

    Returns
    -------
    Estimate
        Without a value, and with the reason, when one class is absent. The interval is Wald's,
        above an area of 0.95 (or where Wald leaves [0, 1]) on the logit scale.

    Notes
    -----
    DeLong ER et al., Biometrics 1988;44:837, by the midranks of Sun and Xu, IEEE Signal Process
    Lett 2014;21:1389; clustered: Obuchowski NA, Biometrics 1997;53:567; within strata: placement
    values as in Janes H, Pepe MS, Biometrika 2009;96:371.
    """
    require_level(level)
    return _area(complete_cases(truth, [score], cluster=cluster, strata=strata), level)


def _area(
    cases: Cases, level: float, placements: Placements = placement_values, width: float = 1.0
) -> Estimate:
    """Return the area with its interval; ``width`` is the largest value that it can take."""
    joined = None if cases.reason else joined_areas(cases, placements)
    if joined is None or joined.reason:
        reason, flags = (joined.reason, joined.flags) if joined else (cases.reason, ())
        none = not_estimable(
            reason, level=level, n=cases.n, clusters=cases.clusters, missing=cases.missing,
            method="AUC",
        )  # fmt: skip
        return replace(none, flags=(*none.flags, *flags))
    areas = joined.areas
    value, variance = float(areas.value[0]), float(areas.covariance[0, 0])
    lower, upper, scale, reason = area_bounds(value / width, variance / width**2, level)
    return Estimate(
        value, None if lower is None else lower * width, None if upper is None else upper * width,
        level, joined.n, joined.clusters, cases.missing, f"{areas.method}{scale}",
        flags=(*joined.flags, *(("no_interval",) if reason else ())), reason=reason,
    )  # fmt: skip


def _partial(cases: Cases, partial: PartialRange, level: float) -> tuple[Estimate, Estimate]:
    of, low, high = partial
    e = _area(cases, level, partial_placements(partial), high - low)
    e = replace(e, method=f"{e.method}, {of} {low:g} to {high:g}")
    value, lower, upper = (
        None if v is None else standardised(v, partial) for v in (e.value, e.lower, e.upper)
    )
    return e, replace(e, value=value, lower=lower, upper=upper, method=f"{e.method}, McClish 1989")


def area_bounds(value: float, variance: float, level: float) -> _Bounds:
    """Return bounds of an area, the mark of the scale, and the reason where there are none."""
    if math.isnan(variance):
        return None, None, "", "a single positive or negative case: no variance, no interval"
    if variance <= 0:
        return None, None, "", _without_spread(value)
    z = float(stats.norm.ppf(0.5 + level / 2))
    lower, upper = value - z * math.sqrt(variance), value + z * math.sqrt(variance)
    if value <= _LOGIT_ABOVE and lower >= 0 and upper <= 1:
        return lower, upper, "", ""
    if not 0 < value < 1:
        return None, None, "", "the area is 0 or 1: no interval on the logit scale"
    half = z * math.sqrt(variance) / (value * (1 - value))
    centre = float(special.logit(value))
    return float(special.expit(centre - half)), float(special.expit(centre + half)), ", logit", ""


def _without_spread(value: float) -> str:
    if value in (0.0, 1.0):
        return "the score separates the classes completely: no interval"
    return "all scores are placed alike (all tied): no variance, no interval"
