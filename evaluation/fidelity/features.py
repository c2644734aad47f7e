"""Feature similarity (FSIM), slice by slice, in its luminance form.

Zhang L., Zhang L., Mou X., Zhang D. 2011, IEEE Trans Image Process 20:2378. With phase congruency P and
Scharr gradient G of both images on a scale of 0 to 255: S = (2 P1 P2 + T1) / (P1^2 + P2^2 + T1) times
(2 G1 G2 + T2) / (G1^2 + G2^2 + T2), T1 0.85, T2 160; FSIM is the mean of S weighted with max(P1, P2).
"""

import math

import numpy as np

from evaluation.fidelity.kernels import compiled, each_plane
from evaluation.fidelity.phase import phase_congruency
from evaluation.fidelity.results import FidelityResult, Image, Mask, Pair, checked_pair

T1, T2 = 0.85, 160.0
GREY_LEVELS = 255.0
VIEWED_SIZE = 256
SMALLEST = 12


def fsim(
    reference: Image, synthetic: Image, *, data_range: float, mask: Mask = None
) -> FidelityResult:
    """Return the mean feature similarity of the axial slices.

    Both images are clipped to the window [0, L] and mapped to 0 - 255, the scale that T2 presumes. As in
    the authors' program a slice is first averaged in blocks of F x F pixels, F the rounded shorter
    side / 256, at least 1; what does not fill a block is left out. The whole slice is filtered; the
    mask says only over which pixels the mean is taken (at least half of a block inside).

    Returns
    -------
    FidelityResult
        The mean over slices, each with the same weight. Slices without a pixel in the mask, or without
        phase congruency in either image, have no FSIM (0/0): they are left out and counted in
        ``skipped``, flag ``slices_skipped``. ``n_voxels`` counts the voxels of the used slices. Value
        None with ``empty_mask``, ``too_small`` (a side below 12 pixels) or ``no_structure``.

    Examples
    --------
    >>> ramp = np.tile(np.arange(32.0) % 8, (1, 32, 1))
    >>> round(fsim(ramp, ramp, data_range=8).value, 6)
    1.0
    """
    pair = checked_pair(reference, synthetic, data_range=data_range, mask=mask)
    recipe = _recipe(pair)
    if not pair.inside.any():
        return pair.result(None, "empty_mask", n=0, method=recipe)
    if min(pair.reference.shape[1:]) < SMALLEST:
        return pair.result(None, "too_small", n=0, method=recipe)
    sums = _slice_sums(pair)
    used = sums[:, 1] > 0
    skipped = int((~used).sum())
    flags = ("slices_skipped",) if skipped else ()
    if not used.any():
        return pair.result(None, "no_structure", n=0, method=recipe, skipped=skipped)
    value = float((sums[used, 0] / sums[used, 1]).mean())
    voxels = int(np.count_nonzero(pair.inside[used]))
    return pair.result(value, *flags, n=voxels, method=recipe, skipped=skipped)


def _recipe(pair: Pair) -> str:
    limit = f"{pair.data_range:g}"
    block = _block(pair.reference.shape)
    return (
        f"FSIM (Zhang 2011, luminance), axial, mean of slices, clipped to [0, {limit}], L {limit} mapped to "
        f"0-255, averaged in blocks of {block}x{block}, 4 scales x 4 orientations of log-Gabor, T1 0.85, "
        f"T2 160, weighted with phase congruency over {pair.where}"
    )


def _block(shape: tuple[int, ...]) -> int:
    return max(1, math.floor(min(shape[1:]) / VIEWED_SIZE + 0.5))


def _slice_sums(pair: Pair) -> np.ndarray:
    """Sums [z] of weighted similarity and of weights; zero where a slice has none."""
    first, second, inside = pair.reference, pair.synthetic, pair.inside
    block = _block(first.shape)
    limit, scale = np.float32(pair.data_range), np.float32(GREY_LEVELS / pair.data_range)
    sums = np.zeros((first.shape[0], 2))

    def work(z: int) -> None:
        if not inside[z].any():
            return
        one, other = (_blocks(image[z].clip(0, limit) * scale, block) for image in (first, second))
        where = _blocks(inside[z].astype(np.float32), block) >= 0.5
        add_similarity(
            (np.pad(one, 1), np.pad(other, 1)),
            (phase_congruency(one), phase_congruency(other)),
            where,
            sums[z],
        )

    each_plane(first.shape[0], work)
    return sums


def _blocks(image: np.ndarray, size: int) -> np.ndarray:
    if size == 1:
        return np.ascontiguousarray(image)
    means: np.ndarray = _block_means(image, size)
    return means


@compiled
def _block_means(image, size):  # type: ignore[no-untyped-def]  # pragma: no cover
    rows, columns = image.shape[0] // size, image.shape[1] // size
    means = np.empty((rows, columns), dtype=np.float32)
    for y in range(rows):
        for x in range(columns):
            total = 0.0
            for dy in range(size):
                for dx in range(size):
                    total += image[y * size + dy, x * size + dx]
            means[y, x] = total / (size * size)
    return means


@compiled
def _gradient(image, y, x):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Scharr's gradient at (y, x) of a slice that has a border of one zero."""
    a, b, c = image[y, x], image[y, x + 1], image[y, x + 2]
    d, e = image[y + 1, x], image[y + 1, x + 2]
    f, g, h = image[y + 2, x], image[y + 2, x + 1], image[y + 2, x + 2]
    across = (3 * (c - a + h - f) + 10 * (e - d)) / 16
    down = (3 * (f - a + h - c) + 10 * (g - b)) / 16
    return across * across + down * down


@compiled
def add_similarity(images, congruencies, where, sums):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Add weighted similarity and weights of the pixels of one slice."""
    (one, other), (p, q) = images, congruencies
    for y in range(where.shape[0]):
        for x in range(where.shape[1]):
            weight = max(p[y, x], q[y, x])
            if not where[y, x] or weight <= 0:
                continue
            g, h = _gradient(one, y, x), _gradient(other, y, x)
            pc, qc = np.float64(p[y, x]), np.float64(q[y, x])
            similar = (2 * pc * qc + T1) / (pc * pc + qc * qc + T1)
            similar *= (2 * np.sqrt(g * h) + T2) / (g + h + T2)
            sums[0] += similar * weight
            sums[1] += weight
