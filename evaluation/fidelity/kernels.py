# ruff: noqa: PLR0917 - compiled loops take plain arrays, one argument each
"""What is compiled plane by plane: extents, sums of errors, halving; and the threads that share planes.

Nothing as large as an image is allocated. Sums are in float64, one set per plane, added in the order of
the planes: the same bits whatever the number of threads.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np

_AS_WRITTEN = {"contract", "nsz", "arcp"}
_IN_ANY_ORDER = {"contract", "reassoc"}
_FINITE_IN_ANY_ORDER = {*_AS_WRITTEN, "reassoc", "nnan"}


def _compiled_with(flags: set[str], function: Callable[..., Any]) -> Any:
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": flags}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:
        # Neither the package's folder nor a cache folder can be written: compile in each process.
        return numba.njit(**options)(function)


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a loop that rounds as it is written, with a cache on disk where one can be written."""
    return _compiled_with(_AS_WRITTEN, function)


def compiled_sum(function: Callable[..., Any]) -> Any:
    """Compile a loop whose sums may be taken in any order (always the same on one machine)."""
    return _compiled_with(_IN_ANY_ORDER, function)


def compiled_extremum(function: Callable[..., Any]) -> Any:
    """Compile a loop over values whose least or largest is wanted and none of which is NaN."""
    return _compiled_with(_FINITE_IN_ANY_ORDER, function)


@compiled_sum
def _nothing(values):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Zero times every value: NaN as soon as one of them is not finite."""
    nothing = np.float32(0)
    for x in range(values.shape[0]):
        nothing += values[x] * np.float32(0)
    return nothing


@compiled_extremum
def _least_and_largest(values):  # type: ignore[no-untyped-def]  # pragma: no cover
    least = largest = values[0]
    for x in range(values.shape[0]):
        least = min(least, values[x])
        largest = max(largest, values[x])
    return least, largest


@compiled
def extent_plane(values, extent):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Least and largest value of one plane, and zero, or NaN where not all values are finite."""
    extent[0], extent[1], extent[2] = np.inf, -np.inf, 0.0
    for y in range(values.shape[0]):
        extent[2] += _nothing(values[y])
        least, largest = _least_and_largest(values[y])
        extent[0] = min(extent[0], least)
        extent[1] = max(extent[1], largest)


@compiled_sum
def error_plane(a, b, mask, low, high, sums):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sums over the mask of one plane.

    Squares, absolutes, reference, its square, least, largest, n, signed errors.
    """
    square, absolute, total, total_square, signed, n = 0.0, 0.0, 0.0, 0.0, 0.0, 0
    least, largest = np.inf, -np.inf
    for y in range(a.shape[0]):
        for x in range(a.shape[1]):
            if not mask[y, x]:
                continue
            r = min(max(np.float64(a[y, x]), low), high)
            d = min(max(np.float64(b[y, x]), low), high) - r
            square += d * d
            absolute += abs(d)
            signed += d
            total += r
            total_square += r * r
            least = min(least, r)
            largest = max(largest, r)
            n += 1
    sums[0], sums[1], sums[2], sums[3] = square, absolute, total, total_square
    sums[4], sums[5], sums[6], sums[7] = least, largest, n, signed


@compiled
def stratum_plane(a, b, mask, edges, sums):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sums per stratum of one plane: absolute errors, signed errors, reference, n."""
    for y in range(a.shape[0]):
        for x in range(a.shape[1]):
            r = np.float64(a[y, x])
            if not mask[y, x] or r < edges[0] or r >= edges[-1]:
                continue
            k = 0
            while r >= edges[k + 1]:
                k += 1
            d = np.float64(b[y, x]) - r
            sums[k, 0] += abs(d)
            sums[k, 1] += d
            sums[k, 2] += r
            sums[k, 3] += 1


@compiled
def halve_plane(image, flat, low, high, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Means of 2x2x2 clipped voxels of two planes (of 2x2 of the first, when flat)."""
    planes = 1 if flat else 2
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            total = 0.0
            for z in range(planes):
                for j in range(2):
                    for k in range(2):
                        total += min(max(np.float64(image[z, 2 * y + j, 2 * x + k]), low), high)
            out[y, x] = total / (4 * planes)


class Threads:
    """How many threads one process may use for its planes; fewer where several processes share a machine."""

    most = 16

    @classmethod
    def available(cls) -> int:
        """Return the number of processors this process may use, within the limit."""
        affinity = getattr(os, "sched_getaffinity", None)
        return min(len(affinity(0)) if affinity else os.cpu_count() or 1, cls.most)


def limit_threads(most: int) -> None:
    """Use no more than so many threads in this process from now on; results do not depend on it."""
    if most < 1:
        raise ValueError(f"at least one thread is needed, not {most}")
    Threads.most = most


def each_plane(count: int, work: Callable[[int], None]) -> None:
    """Do ``work`` for the planes 0 to ``count`` - 1, in any order, on the threads that are available."""
    waiting = iter(range(count))  # taking the next one is atomic

    def share() -> None:
        for plane in waiting:
            work(plane)

    helpers = min(Threads.available(), count) - 1
    if helpers < 1:
        share()
        return
    with ThreadPoolExecutor(helpers) as pool:
        shares = [pool.submit(share) for _ in range(helpers)]
        share()
        for done in shares:
            done.result()
