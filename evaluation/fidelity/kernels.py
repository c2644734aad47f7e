# ruff: noqa: PLR0913, PLR0917 - compiled loops take plain arrays, one argument each
"""The two loops that are compiled: Gaussian SSIM in one pass, and sums of errors.

A plane of the SSIM map needs eleven planes of both images. The five moments (x, y, x2, y2, xy) of a
row are summed over depth, kept in a ring of eleven rows, summed over rows, then along the row: all of
it stays in the first-level cache, and nothing as large as the image is ever allocated. Planes are
independent, so threads share them without changing a bit of the result. Sums are in float64.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np

RADIUS = 5
TAPS = 2 * RADIUS + 1
_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
}


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a loop, with a cache on disk where one can be written."""
    try:
        return numba.njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:
        # Neither the package's folder nor a cache folder can be written: compile in each process.
        return numba.njit(**_OPTIONS)(function)


@compiled
def _sum_over_depth(a, b, w, z, y, rows):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Moments of one row, summed over eleven planes (or taken from one when flat)."""
    r0, r1, r2, r3, r4 = rows[0], rows[1], rows[2], rows[3], rows[4]
    flat = a.shape[0] == 1
    middle = 0 if flat else z + RADIUS
    p, q = a[middle, y], b[middle, y]
    c = 1.0 if flat else w[RADIUS]
    for x in range(a.shape[2]):
        u, s = np.float64(p[x]), np.float64(q[x])
        r0[x] = c * u
        r1[x] = c * s
        r2[x] = c * u * u
        r3[x] = c * s * s
        r4[x] = c * u * s
    if flat:
        return
    for k in range(RADIUS):
        c = w[k]
        p, q, pp, qq = a[z + k, y], b[z + k, y], a[z + TAPS - 1 - k, y], b[z + TAPS - 1 - k, y]
        for x in range(a.shape[2]):
            u, s, v, t = np.float64(p[x]), np.float64(q[x]), np.float64(pp[x]), np.float64(qq[x])
            r0[x] += c * (u + v)
            r1[x] += c * (s + t)
            r2[x] += c * (u * u + v * v)
            r3[x] += c * (s * s + t * t)
            r4[x] += c * (u * s + v * t)


@compiled
def _sum_over_rows(ring, w, y, rows):  # type: ignore[no-untyped-def]  # pragma: no cover
    for m in range(5):
        r = rows[m]
        a0, b0 = ring[y % TAPS, m], ring[(y + 10) % TAPS, m]
        a1, b1 = ring[(y + 1) % TAPS, m], ring[(y + 9) % TAPS, m]
        a2, b2 = ring[(y + 2) % TAPS, m], ring[(y + 8) % TAPS, m]
        a3, b3 = ring[(y + 3) % TAPS, m], ring[(y + 7) % TAPS, m]
        a4, b4 = ring[(y + 4) % TAPS, m], ring[(y + 6) % TAPS, m]
        a5 = ring[(y + 5) % TAPS, m]
        for x in range(rows.shape[1]):
            near = w[5] * a5[x] + w[4] * (a4[x] + b4[x]) + w[3] * (a3[x] + b3[x])
            far = w[2] * (a2[x] + b2[x]) + w[1] * (a1[x] + b1[x]) + w[0] * (a0[x] + b0[x])
            r[x] = near + far


@compiled
def _sum_along_row(rows, w, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    for m in range(5):
        r, o = rows[m], out[m]
        for x in range(out.shape[1]):
            near = w[5] * r[x + 5] + w[4] * (r[x + 4] + r[x + 6]) + w[3] * (r[x + 3] + r[x + 7])
            far = w[2] * (r[x + 2] + r[x + 8]) + w[1] * (r[x + 1] + r[x + 9])
            o[x] = near + far + w[0] * (r[x] + r[x + 10])


@compiled
def _terms_of_row(out, c1, c2, terms):  # type: ignore[no-untyped-def]  # pragma: no cover
    """SSIM, luminance, contrast and structure of one row of positions."""
    whole, light, contrast, structure = terms[0], terms[1], terms[2], terms[3]
    both = terms[4]
    for x in range(out.shape[1]):
        mx, my = out[0, x], out[1, x]
        vx, vy = max(out[2, x] - mx * mx, 0.0), max(out[3, x] - my * my, 0.0)
        cov = out[4, x] - mx * my
        deviations = np.sqrt(vx * vy)
        light[x] = (2 * mx * my + c1) / (mx * mx + my * my + c1)
        contrast[x] = (2 * deviations + c2) / (vx + vy + c2)
        structure[x] = (cov + 0.5 * c2) / (deviations + 0.5 * c2)
        both[x] = (2 * cov + c2) / (vx + vy + c2)
        whole[x] = light[x] * both[x]


@compiled
def _ssim_of_row(out, c1, c2, terms):  # type: ignore[no-untyped-def]  # pragma: no cover
    whole = terms[0]
    for x in range(out.shape[1]):
        mx, my = out[0, x], out[1, x]
        vx, vy = max(out[2, x] - mx * mx, 0.0), max(out[3, x] - my * my, 0.0)
        cov = out[4, x] - mx * my
        whole[x] = (2 * mx * my + c1) * (2 * cov + c2)
        whole[x] /= (mx * mx + my * my + c1) * (vx + vy + c2)


@compiled
def ssim_plane(a, b, w, c1, c2, z, chosen, sums, map_):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fill ``sums[z]`` (one or five terms over the chosen positions) and, where it has room, ``map_``."""
    ny, nx = a.shape[1], a.shape[2]
    ring = np.empty((TAPS, 5, nx))
    rows = np.empty((5, nx))
    out = np.empty((5, nx - TAPS + 1))
    terms = np.empty((5, nx - TAPS + 1))
    for y in range(ny):
        _sum_over_depth(a, b, w, z, y, ring[y % TAPS])
        if y < TAPS - 1:
            continue
        _sum_over_rows(ring, w, y - TAPS + 1, rows)
        _sum_along_row(rows, w, out)
        if sums.shape[1] == 1:
            _ssim_of_row(out, c1, c2, terms)
        else:
            _terms_of_row(out, c1, c2, terms)
        pick = chosen[z, y - TAPS + 1]
        for m in range(sums.shape[1]):
            total = 0.0
            for x in range(nx - TAPS + 1):
                total += terms[m, x] * pick[x]
            sums[z, m] += total
        if map_.shape[0] > 0:
            for x in range(nx - TAPS + 1):
                map_[z, y - TAPS + 1, x] = terms[0, x]


@compiled
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


def each_plane(count: int, work: Callable[[int], None]) -> None:
    """Do ``work`` for the planes 0 to ``count`` - 1 on the processors this process may use."""
    allowed = (
        os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    )
    workers = min(len(allowed), count, 16)
    if workers <= 1:
        for z in range(count):
            work(z)
        return
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(count)))


def gaussian_weights(sigma_voxels: float = 1.5) -> np.ndarray:
    """Return the eleven weights of the window along one axis; they sum to one."""
    offsets = np.arange(-RADIUS, RADIUS + 1)
    weights = np.exp(-0.5 * (offsets / sigma_voxels) ** 2)
    return weights / weights.sum()
