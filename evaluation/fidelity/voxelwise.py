"""Errors voxel by voxel: MSE, MAE, NRMSE and PSNR, each with its recipe."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.fidelity.kernels import each_plane, error_plane
from evaluation.fidelity.results import FidelityResult, Image, Mask, Pair, checked_pair

Denominator = Literal["mean", "range", "norm"]


@dataclass(frozen=True)
class _Sums:
    """Sums over the measured voxels."""

    square: float
    absolute: float
    reference: float
    reference_square: float
    least: float
    largest: float
    n: int
    signed: float

    @property
    def flags(self) -> tuple[str, ...]:
        """Images without any error are not a perfect model but the same image twice."""
        return ("identical",) if self.n and self.square == 0 else ()


def mse(
    reference: Image, synthetic: Image, *, data_range: float, mask: Mask = None
) -> FidelityResult:
    """Return the mean squared error, sum (s - r)2 / n, in the squared unit of the image.

    Values are not clipped; ``data_range`` is checked and not used, so that all metrics are called
    alike. Value None with flag ``empty_mask`` for an empty mask.

    Examples
    --------
    >>> import numpy as np
    >>> mse(np.zeros((2, 2, 2)), np.full((2, 2, 2), 3.0), data_range=20).value
    9.0
    """
    pair = checked_pair(reference, synthetic, data_range=data_range, mask=mask)
    sums = _sums(pair, clip=False)
    unit = f"{pair.unit}^2" if pair.unit else "squared"
    return _mean(pair, sums, sums.square, unit=unit, method=f"MSE over {pair.where}, not clipped")


def mae(
    reference: Image, synthetic: Image, *, data_range: float, mask: Mask = None
) -> FidelityResult:
    """Return the mean absolute error, sum |s - r| / n, in the unit of the image; see :func:`mse`."""
    pair = checked_pair(reference, synthetic, data_range=data_range, mask=mask)
    sums = _sums(pair, clip=False)
    method = f"MAE over {pair.where}, not clipped"
    return _mean(pair, sums, sums.absolute, unit=pair.unit or "as given", method=method)


def bias(
    reference: Image, synthetic: Image, *, data_range: float, mask: Mask = None
) -> FidelityResult:
    """Return the mean error with its sign, sum (s - r) / n: positive where uptake is overestimated."""
    pair = checked_pair(reference, synthetic, data_range=data_range, mask=mask)
    sums = _sums(pair, clip=False)
    method = f"bias (mean of synthetic - reference) over {pair.where}, not clipped"
    return _mean(pair, sums, sums.signed, unit=pair.unit or "as given", method=method)


def _mean(pair: Pair, sums: _Sums, total: float, *, unit: str, method: str) -> FidelityResult:
    if sums.n == 0:
        return pair.result(None, "empty_mask", n=0, method=method, unit=unit)
    return pair.result(total / sums.n, *sums.flags, n=sums.n, method=method, unit=unit)


def nrmse(
    reference: Image,
    synthetic: Image,
    *,
    data_range: float,
    mask: Mask = None,
    denominator: Denominator = "mean",
) -> FidelityResult:
    """Return the root mean squared error divided by a named property of the reference.

    ``mean``: RMSE / mean r. ``range``: RMSE / (max r - min r). ``norm``: RMSE / sqrt(mean r2). Value
    None with flag ``zero_reference`` where the denominator is not positive.
    """
    pair = checked_pair(reference, synthetic, data_range=data_range, mask=mask)
    sums = _sums(pair, clip=False)
    method = f"NRMSE (RMSE / {denominator} of reference) over {pair.where}, not clipped"
    if sums.n == 0:
        return pair.result(None, "empty_mask", n=0, method=method)
    divisor = {
        "mean": sums.reference / sums.n,
        "range": sums.largest - sums.least,
        "norm": math.sqrt(sums.reference_square / sums.n),
    }[denominator]
    if divisor <= 0:
        return pair.result(None, "zero_reference", n=sums.n, method=method)
    value = math.sqrt(sums.square / sums.n) / divisor
    return pair.result(value, *sums.flags, n=sums.n, method=method)


def psnr(
    reference: Image, synthetic: Image, *, data_range: float, mask: Mask = None
) -> FidelityResult:
    """Return the peak signal-to-noise ratio, 10 log10(L2 / MSE), in dB.

    Both images are clipped to [0, L] first. Identical images have no finite ratio: value None with
    flag ``identical``. The mean of decibels over patients is not the decibel of the mean MSE.

    Examples
    --------
    >>> import numpy as np
    >>> psnr(np.zeros((2, 2, 2)), np.full((2, 2, 2), 2.0), data_range=20).value
    20.0
    """
    pair = checked_pair(reference, synthetic, data_range=data_range, mask=mask)
    sums = _sums(pair, clip=True)
    limit = f"{pair.data_range:g}"
    method = f"PSNR, clipped to [0, {limit}], L {limit}, over {pair.where}"
    if sums.n == 0:
        return pair.result(None, "empty_mask", n=0, method=method, unit="dB")
    if sums.square == 0:
        return pair.result(None, *sums.flags, n=sums.n, method=method, unit="dB")
    value = 10 * math.log10(pair.data_range**2 / (sums.square / sums.n))
    return pair.result(value, n=sums.n, method=method, unit="dB")


def _sums(pair: Pair, *, clip: bool) -> _Sums:
    shape = pair.reference.shape
    mask = pair.inside
    low, high = (0.0, pair.data_range) if clip else (-math.inf, math.inf)
    planes = np.zeros((shape[0], 8))

    def work(z: int) -> None:
        plane = np.ascontiguousarray(mask[z])
        error_plane(pair.reference[z], pair.synthetic[z], plane, low, high, planes[z])

    each_plane(shape[0], work)
    total = planes.sum(axis=0)
    return _Sums(
        square=float(total[0]),
        absolute=float(total[1]),
        reference=float(total[2]),
        reference_square=float(total[3]),
        least=float(planes[:, 4].min()),
        largest=float(planes[:, 5].max()),
        n=int(total[6]),
        signed=float(total[7]),
    )
