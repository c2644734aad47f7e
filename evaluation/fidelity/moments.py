# ruff: noqa: PLR0917 - compiled loops take plain arrays, one argument each
"""The compiled loops of SSIM: means and variances under a Gaussian window, and the terms made of them.

One pass over depth, one over rows, one along the row. What is handed from pass to pass is not a sum of
squares but mean and variance: each pass measures deviations from the centre of its own window and adds
the variance between to the mean of the variances within. So nothing large is ever subtracted from
something as large, and float32 is enough for 1e-6 whatever the uptake; float64 would halve the speed.

The two images come in as sum p = x + y and difference q = x - y, divided by L. Two such channels give
SSIM, since vx + vy = (vp + vq) / 2 and 2 cov = (vp - vq) / 2; x and y themselves are two channels more,
wanted for contrast and structure only. A slab of four planes is worked row by row; its rows of moments
lie in a ring, each written twice eleven places apart, so that a window is always one stretch of memory
with constant steps, which is what lets the loops become vector instructions. Slabs are independent and
always the same, so that threads share them without changing a bit of the result.
"""

import numpy as np

from evaluation.fidelity.kernels import compiled, compiled_sum

RADIUS = 5
TAPS = 2 * RADIUS + 1
SLAB = 4
WIDTH = 224  # columns worked at once, with the margin of ten; a slab's rings then fit the second-level cache
_DEPTH = SLAB + TAPS - 1
_CHANNEL = _DEPTH * WIDTH
_RING = 4 * TAPS * WIDTH
_ROW = 2 * WIDTH
_ZERO, _HALF, _ONE, _TWO = np.float32(0), np.float32(0.5), np.float32(1), np.float32(2)


@compiled
def _load(a, b, scale, channels, s):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Clip a row of both images to [0, L], divide by L, and lay down p, q (and x, y)."""
    limit, factor = scale
    for x in range(a.shape[0]):
        u, v = min(max(a[x], _ZERO), limit), min(max(b[x], _ZERO), limit)
        s[x] = (u + v) * factor
        s[_CHANNEL + x] = (u - v) * factor
    if channels == 4:
        for x in range(a.shape[0]):
            s[2 * _CHANNEL + x] = min(max(a[x], _ZERO), limit) * factor
            s[3 * _CHANNEL + x] = min(max(b[x], _ZERO), limit) * factor


@compiled
def _no_depth(s, n, o):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(n):
        o[x] = o[TAPS * _ROW + x] = s[x]
        o[WIDTH + x] = o[TAPS * _ROW + WIDTH + x] = _ZERO


@compiled
def _over_depth(s, n, w, o):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Mean and variance over eleven planes, written to both places of the ring."""
    w0, w1, w2, w3, w4 = w[0], w[1], w[2], w[3], w[4]
    for x in range(n):
        c = s[5 * WIDTH + x]
        u, v = s[x] - c, s[10 * WIDTH + x] - c
        m, p = w0 * (u + v), w0 * (u * u + v * v)
        u, v = s[WIDTH + x] - c, s[9 * WIDTH + x] - c
        m, p = m + w1 * (u + v), p + w1 * (u * u + v * v)
        u, v = s[2 * WIDTH + x] - c, s[8 * WIDTH + x] - c
        m, p = m + w2 * (u + v), p + w2 * (u * u + v * v)
        u, v = s[3 * WIDTH + x] - c, s[7 * WIDTH + x] - c
        m, p = m + w3 * (u + v), p + w3 * (u * u + v * v)
        u, v = s[4 * WIDTH + x] - c, s[6 * WIDTH + x] - c
        m, p = m + w4 * (u + v), p + w4 * (u * u + v * v)
        o[x] = o[TAPS * _ROW + x] = c + m
        o[WIDTH + x] = o[TAPS * _ROW + WIDTH + x] = p - m * m


@compiled
def _over_rows(s, n, w, o):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Mean and variance over eleven rows, each a row of means and a row of variances."""
    w0, w1, w2, w3, w4, w5 = w[0], w[1], w[2], w[3], w[4], w[5]
    for x in range(n):
        c, p = s[10 * WIDTH + x], w5 * s[11 * WIDTH + x]
        u, v = s[x] - c, s[20 * WIDTH + x] - c
        m = w0 * (u + v)
        p += w0 * ((s[WIDTH + x] + u * u) + (s[21 * WIDTH + x] + v * v))
        u, v = s[2 * WIDTH + x] - c, s[18 * WIDTH + x] - c
        m += w1 * (u + v)
        p += w1 * ((s[3 * WIDTH + x] + u * u) + (s[19 * WIDTH + x] + v * v))
        u, v = s[4 * WIDTH + x] - c, s[16 * WIDTH + x] - c
        m += w2 * (u + v)
        p += w2 * ((s[5 * WIDTH + x] + u * u) + (s[17 * WIDTH + x] + v * v))
        u, v = s[6 * WIDTH + x] - c, s[14 * WIDTH + x] - c
        m += w3 * (u + v)
        p += w3 * ((s[7 * WIDTH + x] + u * u) + (s[15 * WIDTH + x] + v * v))
        u, v = s[8 * WIDTH + x] - c, s[12 * WIDTH + x] - c
        m += w4 * (u + v)
        p += w4 * ((s[9 * WIDTH + x] + u * u) + (s[13 * WIDTH + x] + v * v))
        o[x], o[WIDTH + x] = c + m, p - m * m


@compiled
def _along_row(s, n, w, o):  # type: ignore[no-untyped-def]  # pragma: no cover
    w0, w1, w2, w3, w4, w5 = w[0], w[1], w[2], w[3], w[4], w[5]
    for x in range(n):
        c, p = s[5 + x], w5 * s[WIDTH + 5 + x]
        u, v = s[x] - c, s[10 + x] - c
        m = w0 * (u + v)
        p += w0 * ((s[WIDTH + x] + u * u) + (s[WIDTH + 10 + x] + v * v))
        u, v = s[1 + x] - c, s[9 + x] - c
        m += w1 * (u + v)
        p += w1 * ((s[WIDTH + 1 + x] + u * u) + (s[WIDTH + 9 + x] + v * v))
        u, v = s[2 + x] - c, s[8 + x] - c
        m += w2 * (u + v)
        p += w2 * ((s[WIDTH + 2 + x] + u * u) + (s[WIDTH + 8 + x] + v * v))
        u, v = s[3 + x] - c, s[7 + x] - c
        m += w3 * (u + v)
        p += w3 * ((s[WIDTH + 3 + x] + u * u) + (s[WIDTH + 7 + x] + v * v))
        u, v = s[4 + x] - c, s[6 + x] - c
        m += w4 * (u + v)
        p += w4 * ((s[WIDTH + 4 + x] + u * u) + (s[WIDTH + 6 + x] + v * v))
        o[x], o[WIDTH + x] = c + m, p - m * m


@compiled
def _similarity(s, n, c1, c2, o):  # type: ignore[no-untyped-def]  # pragma: no cover
    """SSIM of one row of positions."""
    for x in range(n):
        pp, vp = _HALF * s[x] * s[x], _HALF * s[WIDTH + x]
        qq, vq = _HALF * s[_ROW + x] * s[_ROW + x], _HALF * s[_ROW + WIDTH + x]
        o[x] = ((pp - qq + c1) * (vp - vq + c2)) / ((pp + qq + c1) * (vp + vq + c2))


@compiled
def _contrast_structure(s, n, c2, o):  # type: ignore[no-untyped-def]  # pragma: no cover
    for x in range(n):
        vp, vq = _HALF * s[WIDTH + x], _HALF * s[_ROW + WIDTH + x]
        o[WIDTH + x] = (vp - vq + c2) / (vp + vq + c2)


@compiled
def _components(s, n, c1, c2, o):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Luminance, contrast and structure of one row of positions."""
    half = _HALF * c2
    for x in range(n):
        mx, vx = s[2 * _ROW + x], max(s[2 * _ROW + WIDTH + x], _ZERO)
        my, vy = s[3 * _ROW + x], max(s[3 * _ROW + WIDTH + x], _ZERO)
        cov = _HALF * _HALF * (s[WIDTH + x] - s[_ROW + WIDTH + x])
        deviations = np.sqrt(vx) * np.sqrt(vy)
        o[2 * WIDTH + x] = (_TWO * mx * my + c1) / (mx * mx + my * my + c1)
        o[3 * WIDTH + x] = (_TWO * deviations + c2) / (vx + vy + c2)
        o[4 * WIDTH + x] = (cov + half) / (deviations + half)


@compiled_sum
def _total(out, pick):  # type: ignore[no-untyped-def]  # pragma: no cover
    total = 0.0
    for x in range(pick.shape[0]):
        total += np.float64(out[x]) * pick[x]
    return total


@compiled
def _moments_of_row(loaded, rings, z, row, task, buffers):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Put the row that was loaded into the rings of plane z; give means and variances of a full window."""
    columns, channels, flat, w = task
    line, done = buffers
    n, slot = columns + TAPS - 1, row[0] % TAPS
    for c in range(channels):
        ring = rings[(z * channels + c) * _RING :]
        planes = loaded[z * WIDTH + c * _CHANNEL :]
        if flat:
            _no_depth(planes, n, ring[slot * _ROW :])
        else:
            _over_depth(planes, n, w, ring[slot * _ROW :])
        if row[1]:
            _over_rows(ring[(slot + 1) * _ROW :], n, w, line)
            _along_row(line, columns, w, done[c * _ROW :])


@compiled
def _add_terms(done, columns, constants, pick, sums, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    c1, c2 = constants
    _similarity(done, columns, c1, c2, out)
    if len(sums) > 1:
        _contrast_structure(done, columns, c2, out)
    if len(sums) > 2:
        _components(done, columns, c1, c2, out)
    for t in range(len(sums)):
        sums[t] += _total(out[t * WIDTH :], pick)


@compiled
def slab_sums(images, scale, place, w, chosen, sums, map_):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Add the terms of the chosen positions of one slab to ``sums`` [plane, term]; fill ``map_`` if it has room.

    ``scale``: L, C1 / L2, C2 / L2. ``place``: first plane, planes, first row, end of rows, first column,
    columns (all of positions), and whether the window is flat. One term is SSIM, two add its
    contrast-structure part, five the rest.
    """
    (a, b), (limit, c1, c2) = images, scale
    z0, planes, y0, y1, x0, columns, flat = place
    channels = 4 if sums.shape[1] > 2 else 2
    n = columns + TAPS - 1
    loaded = np.empty(channels * _CHANNEL, np.float32)
    rings = np.empty(SLAB * channels * _RING, np.float32)
    done, out = np.empty(channels * _ROW, np.float32), np.empty(5 * WIDTH, np.float32)
    buffers, task = (np.empty(_ROW, np.float32), done), (columns, channels, flat, w)
    clipping = (limit, _ONE / limit)
    for y in range(y0, y1 + TAPS - 1):
        for k in range(planes if flat else planes + TAPS - 1):
            p, q = a[z0 + k, y, x0 : x0 + n], b[z0 + k, y, x0 : x0 + n]
            _load(p, q, clipping, channels, loaded[k * WIDTH :])
        row = y - TAPS + 1
        for z in range(planes):
            _moments_of_row(loaded, rings, z, (y, row >= y0), task, buffers)
            if row < y0:
                continue
            plane, line = min(z0 + z, chosen.shape[0] - 1), min(row, chosen.shape[1] - 1)
            pick = chosen[plane, line, x0 : x0 + columns]
            _add_terms(done, columns, (c1, c2), pick, sums[z], out)
            if map_.shape[0] > 0:
                map_[z0 + z, row, x0 : x0 + columns] = out[:columns]


@compiled
def erode(mask, depth, chosen):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Mark the positions whose window of ``depth`` planes, eleven rows and columns lies in the mask.

    Counters say how many places in a row have been inside: over planes, rows and columns in turn.
    """
    nz, ny, nx = mask.shape
    planes = np.zeros((ny, nx), np.uint8)
    rows = np.zeros(nx, np.uint8)
    for z in range(nz):
        rows[:] = 0
        for y in range(ny):
            above = planes[y]
            for x in range(nx):
                above[x] = min(above[x] + 1, TAPS) * mask[z, y, x]
                rows[x] = min(rows[x] + 1, TAPS) * (above[x] >= depth)
            if z < depth - 1 or y < TAPS - 1:
                continue
            run = 0
            for x in range(nx):
                run = (run + 1) * (rows[x] == TAPS)
                if x >= TAPS - 1:
                    chosen[z - depth + 1, y - TAPS + 1, x - TAPS + 1] = run >= TAPS


def gaussian_weights(sigma_voxels: float = 1.5) -> np.ndarray:
    """Return the eleven weights of the window along one axis as float32; they sum to one."""
    offsets = np.arange(-RADIUS, RADIUS + 1)
    weights = np.exp(-0.5 * (offsets / sigma_voxels) ** 2)
    normalised: np.ndarray = (weights / weights.sum()).astype(np.float32)
    return normalised
