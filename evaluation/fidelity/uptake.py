"""How the error moves with uptake: the same errors, stratum by stratum of the reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from evaluation.fidelity.kernels import each_plane, stratum_plane
from evaluation.fidelity.results import (
    FidelityRefused,
    FidelityResult,
    Image,
    Mask,
    Pair,
    checked_pair,
)


@dataclass(frozen=True)
class UptakeStratum:
    """Errors over the voxels whose reference uptake lies in [low, high)."""

    low: float
    high: float
    n: int
    mae: FidelityResult
    bias: FidelityResult
    relative_bias: FidelityResult

    @property
    def name(self) -> str:
        """The stratum as a region is named: ``2.5-5``."""
        return f"{self.low:g}-{self.high:g}"


def uptake_strata(
    reference: Image,
    synthetic: Image,
    *,
    edges: Sequence[float],
    data_range: float,
    mask: Mask = None,
) -> tuple[UptakeStratum, ...]:
    """Return MAE, bias and relative bias by stratum of the reference's uptake.

    Per stratum [low, high), with r and s over its n voxels: MAE sum |s - r| / n, bias
    sum (s - r) / n, relative bias sum (s - r) / sum r. Strata are cut on the reference alone, so that
    a model cannot choose them; a synthetic image that regresses to the mean shows a positive bias
    in the lowest and a negative one in the highest stratum.

    Parameters
    ----------
    edges
        Two or more increasing limits in the unit of the image, from the plan; the first may be
        minus infinity, the last infinity. Voxels beyond them count in no stratum; ``skipped`` of
        each result says how many there are, flag ``voxels_beyond_edges``.

    Returns
    -------
    tuple of UptakeStratum
        One per pair of edges. A stratum without voxels has no values and the flag
        ``empty_stratum``; a relative bias without uptake has the flag ``zero_reference``.

    Raises
    ------
    FidelityRefused
        For edges that do not increase, or images that cannot be compared.

    Examples
    --------
    >>> reference = np.array([[[1.0, 1.0, 4.0, 4.0]]])
    >>> low, high = uptake_strata(reference, reference * 0.5, edges=(0, 2, 10), data_range=20)
    >>> low.bias.value, high.bias.value, high.relative_bias.value
    (-0.5, -2.0, -0.5)
    """
    limits = _checked_edges(edges)
    pair = checked_pair(reference, synthetic, data_range=data_range, mask=mask)
    inside = pair.inside
    planes = np.zeros((len(inside), len(limits) - 1, 4))

    def work(z: int) -> None:
        plane = np.ascontiguousarray(inside[z])
        stratum_plane(pair.reference[z], pair.synthetic[z], plane, limits, planes[z])

    each_plane(len(inside), work)
    sums = planes.sum(axis=0)
    left_out = int(np.count_nonzero(inside)) - int(sums[:, 3].sum())
    return tuple(
        _stratum(pair, span, total, skipped=left_out)
        for span, total in zip(pairwise(limits.tolist()), sums, strict=True)
    )


def _checked_edges(edges: Sequence[float]) -> np.ndarray:
    limits = np.asarray(edges, dtype=np.float64)
    if limits.ndim != 1 or len(limits) < 2:
        raise FidelityRefused("uptake strata need two edges or more")
    if np.isnan(limits).any() or not (np.diff(limits) > 0).all():
        raise FidelityRefused(f"the edges of uptake strata must increase: {list(edges)}")
    return limits


def _stratum(
    pair: Pair, span: tuple[float, float], total: np.ndarray, *, skipped: int
) -> UptakeStratum:
    low, high = span
    absolute, signed, uptake, count = (float(v) for v in total)
    n = int(count)
    at = f"of voxels with reference uptake in [{low:g}, {high:g}) over {pair.where}, not clipped"
    always = (() if n else ("empty_stratum",)) + (("voxels_beyond_edges",) if skipped else ())

    def result(value: float | None, kind: str, what: str, *flags: str) -> FidelityResult:
        return pair.result(
            value, *always, *flags, n=n, method=f"{what} {at}", unit=kind, skipped=skipped
        )

    some, unit = max(n, 1), pair.unit or "as given"
    ratio = signed / uptake if uptake > 0 else None
    no_uptake = ("zero_reference",) if n and ratio is None else ()
    return UptakeStratum(
        low=low,
        high=high,
        n=n,
        mae=result(absolute / some if n else None, unit, "MAE"),
        bias=result(signed / some if n else None, unit, "bias (mean of synthetic - reference)"),
        relative_bias=result(ratio, "1", "relative bias (sum of s - r / sum of r)", *no_uptake),
    )
