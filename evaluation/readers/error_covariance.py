"""Covariance of the areas that readers reach with each test on the same cases."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.statistics import areas_under_curve

_Array = NDArray[np.float64]
_Truth = NDArray[np.bool_]


@dataclass(frozen=True)
class ErrorCovariance:
    """Mean variance of a reader's area and its covariances.

    ``cov1``: other test, same reader; ``cov2``: same test, other reader; ``cov3``: both others.
    """

    variance: float
    cov1: float
    cov2: float
    cov3: float


def area_covariance(truth: _Truth, scores: _Array, name: str) -> tuple[_Array, _Array]:
    """Return areas, shape (k,), and their covariance, shape (k, k), for scores of shape (k, n).

    ``name`` is ``delong``, ``jackknife`` (leaving out one case) or ``unbiased``.
    """
    if name not in _METHODS:
        raise ValueError(f"unknown covariance {name!r}: choose one of {', '.join(_METHODS)}")
    found = areas_under_curve(truth, scores)
    return found.value, found.covariance if name == "delong" else _METHODS[name](truth, scores)


def mean_errors(matrix: _Array, tests: int, readers: int) -> ErrorCovariance:
    """Return the means of a covariance matrix whose rows are readers within tests."""
    test, reader = np.repeat(np.arange(tests), readers), np.tile(np.arange(readers), tests)
    same_test = test[:, None] == test
    same_reader = reader[:, None] == reader
    kinds = (
        same_test & same_reader, ~same_test & same_reader, same_test & ~same_reader,
        ~same_test & ~same_reader,
    )  # fmt: skip
    return ErrorCovariance(*(float(matrix[kind].mean()) for kind in kinds))


def _delong(truth: _Truth, scores: _Array) -> _Array:
    return areas_under_curve(truth, scores).covariance


def _jackknife(truth: _Truth, scores: _Array) -> _Array:
    n = len(truth)
    keep = ~np.eye(n, dtype=bool)
    left_out = np.stack([areas_under_curve(truth[row], scores[:, row]).value for row in keep])
    deviation = left_out - left_out.mean(axis=0)
    return np.asarray((n - 1) / n * deviation.T @ deviation)


def _unbiased(truth: _Truth, scores: _Array) -> _Array:
    """Moments of the kernel over pairs that share both cases, one of them, or none.

    Gallas BD, Acad Radiol 2006;13:353 (one-shot estimate).
    """
    m, n = int(truth.sum()), int((~truth).sum())
    kernel = np.stack(
        [0.5 + 0.5 * np.sign(np.subtract.outer(s[truth], s[~truth])) for s in scores]
    )  # (k, m, n)
    by_positive, by_negative = kernel.sum(axis=2), kernel.sum(axis=1)
    flat = kernel.reshape(len(scores), -1)
    whole = flat.sum(axis=1)
    both, everything = flat @ flat.T, np.outer(whole, whole)
    positive, negative = by_positive @ by_positive.T, by_negative @ by_negative.T
    neither = (everything - positive - negative + both) / (m * n * (m - 1) * (n - 1))
    return np.asarray(
        both / (m * n) ** 2
        + (positive - both) / (m * n) ** 2
        + (negative - both) / (m * n) ** 2
        + ((m - 1) * (n - 1) / (m * n) - 1) * neither
    )


_METHODS: dict[str, Callable[[_Truth, _Array], _Array]] = {
    "delong": _delong,
    "jackknife": _jackknife,
    "unbiased": _unbiased,
}
