"""Phase congruency of a slice: where its frequencies are in step, whatever their strength.

Kovesi P. 1999, Videre 1(3), with the constants of Zhang L. et al. 2011 (IEEE Trans Image Process 20:2378):
log-Gabor filters of 4 scales (wavelengths 6, 12, 24, 48 pixels, sigma_f 0.55) and 4 orientations
(d_theta / sigma_theta 1.2) under a Butterworth low pass (0.45, order 15). Per orientation, with even and
odd responses e_s, o_s and their sum (E, O) over the scales as unit vector u: energy
sum_s (e_s, o_s).u - |(e_s, o_s) x u|, less a noise threshold T, not below zero. Phase congruency is the
sum of energies over the sum of amplitudes. T follows from the median response at the finest scale, taken
as noise with a Rayleigh distribution: (mean + 2 SD) / 1.7.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import fft

from evaluation.fidelity.kernels import compiled

SCALES, ORIENTATIONS = 4, 4
_SHORTEST_WAVELENGTH, _STEP = 6, 2
_SIGMA_F, _THETA_RATIO = 0.55, 1.2
_CUTOFF, _ORDER = 0.45, 15
_NOISE_SD, _NOISE_SCALE = 2.0, 1.7
_SILENT = 1e-4


@dataclass(frozen=True, eq=False)
class FilterBank:
    """One-sided filters of one slice shape.

    ``filters`` [orientation, scale, y, x] give the even response as real part and the odd one as
    imaginary part: one complex transform is quicker than two real ones. ``noise`` [orientation] turns
    the square root of the median squared response into the threshold T.
    """

    filters: np.ndarray
    noise: np.ndarray


@lru_cache(maxsize=8)
def filter_bank(shape: tuple[int, int]) -> FilterBank:
    """Return the log-Gabor filters for slices of this shape; made once and kept."""
    radius, theta = _polar(shape)
    low_pass = 1.0 / (1.0 + (radius / _CUTOFF) ** (2 * _ORDER))
    radius[0, 0] = 1.0  # its logarithm is not wanted; the filters are zero there
    radial = []
    for scale in range(SCALES):
        centre = 1.0 / (_SHORTEST_WAVELENGTH * _STEP**scale)
        band = np.exp(-(np.log(radius / centre) ** 2) / (2 * math.log(_SIGMA_F) ** 2)) * low_pass
        band[0, 0] = 0.0
        radial.append(band)
    sigma = math.pi / ORIENTATIONS / _THETA_RATIO
    filters = np.empty((ORIENTATIONS, SCALES, *shape))
    for k in range(ORIENTATIONS):
        turned = theta - k * math.pi / ORIENTATIONS
        distance = np.abs(np.arctan2(np.sin(turned), np.cos(turned)))
        filters[k] = np.array(radial) * np.exp(-(distance**2) / (2 * sigma**2))
    return FilterBank(filters.astype(np.float32), _noise(filters))


def _polar(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Radius and angle of each frequency, the zero frequency first."""
    y, x = np.meshgrid(*(_frequencies(n) for n in shape), indexing="ij")
    return np.hypot(y, x), np.arctan2(-y, x)


def _frequencies(count: int) -> np.ndarray:
    """Kovesi's scale: an odd number of samples is divided by one less, so that it ends at 1/2."""
    span = count - 1 if count % 2 else count
    return np.fft.ifftshift(np.arange(count) - count // 2) / max(span, 1)


def _noise(filters: np.ndarray) -> np.ndarray:
    kernels = fft.ifft2(filters, axes=(-2, -1)).real
    energy = filters.shape[-1] * filters.shape[-2] * (kernels.sum(axis=1) ** 2).sum(axis=(-2, -1))
    finest = (filters[:, 0] ** 2).sum(axis=(-2, -1))
    tau_per_response = np.sqrt(energy / finest / math.log(2))
    rayleigh = math.sqrt(math.pi / 2) + _NOISE_SD * math.sqrt(2 - math.pi / 2)
    return np.asarray(tau_per_response * rayleigh / _NOISE_SCALE)


def phase_congruency(image: np.ndarray) -> np.ndarray:
    """Return the phase congruency of a slice [y, x] as float32 in [0, 1].

    A constant slice has none: zero everywhere.
    """
    congruency = np.zeros(image.shape, dtype=np.float32)
    if image.min() == image.max():
        return congruency
    bank = filter_bank((image.shape[0], image.shape[1]))
    spectrum = fft.fft2(image.astype(np.float32, copy=False))
    energy, amplitude = np.zeros_like(congruency), np.zeros_like(congruency)
    squares = np.empty_like(congruency)
    for k in range(ORIENTATIONS):
        responses = fft.ifft2(spectrum * bank.filters[k], overwrite_x=True)
        _squares(responses[0], squares)
        threshold = np.float32(bank.noise[k] * math.sqrt(_median(squares)))
        add_orientation(responses, threshold, energy, amplitude)
    np.divide(energy, amplitude, out=congruency, where=amplitude > 0)
    return congruency


def _median(values: np.ndarray) -> float:
    """Median of float32 values that are not negative.

    Such numbers are ordered as their bits are, so counting the bits finds a rank in two passes; numpy
    sorts in part, which takes ten times as long and would be a third of the whole.
    """
    bits = values.ravel().view(np.int32)
    found = np.empty(2, dtype=np.int32)
    _bits_of_ranks(bits, (len(bits) - 1) // 2, len(bits) // 2, found)
    return float(found.view(np.float32).astype(np.float64).mean())


@compiled
def _bits_of_ranks(bits, low, high, found):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fill ``found`` with the bits of two ranks: their upper halves are counted once."""
    upper_counts = np.zeros(1 << 15, dtype=np.int32)
    for value in bits:
        upper_counts[value >> 16] += 1
    lower_counts = np.zeros(1 << 16, dtype=np.int32)
    counted = -1
    for place, rank in enumerate((low, high)):
        upper, before = 0, 0
        while before + upper_counts[upper] <= rank:
            before += upper_counts[upper]
            upper += 1
        if upper != counted:
            lower_counts[:] = 0
            for value in bits:
                if value >> 16 == upper:
                    lower_counts[value & 0xFFFF] += 1
            counted = upper
        lower = 0
        while before + lower_counts[lower] <= rank:
            before += lower_counts[lower]
            lower += 1
        found[place] = (upper << 16) | lower


@compiled
def _squares(response, squares):  # type: ignore[no-untyped-def]  # pragma: no cover
    for y in range(squares.shape[0]):
        row, out = response[y], squares[y]
        for x in range(squares.shape[1]):
            out[x] = row[x].real * row[x].real + row[x].imag * row[x].imag


@compiled
def add_orientation(responses, threshold, energy, amplitude):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Add energy above the threshold and amplitude of the four scales of one orientation."""
    silent, zero = np.float32(_SILENT), np.float32(0)
    for y in range(energy.shape[0]):
        r0, r1, r2, r3 = responses[0, y], responses[1, y], responses[2, y], responses[3, y]
        total, size = energy[y], amplitude[y]
        for x in range(energy.shape[1]):
            e0, e1, e2, e3 = r0[x].real, r1[x].real, r2[x].real, r3[x].real
            o0, o1, o2, o3 = r0[x].imag, r1[x].imag, r2[x].imag, r3[x].imag
            e, o = e0 + e1 + e2 + e3, o0 + o1 + o2 + o3
            length = np.sqrt(e * e + o * o)
            u, v = e / (length + silent), o / (length + silent)
            across = abs(e0 * v - o0 * u) + abs(e1 * v - o1 * u)
            across += abs(e2 * v - o2 * u) + abs(e3 * v - o3 * u)
            total[x] += max(e * u + o * v - across - threshold, zero)
            size[x] += np.sqrt(e0 * e0 + o0 * o0) + np.sqrt(e1 * e1 + o1 * o1)
            size[x] += np.sqrt(e2 * e2 + o2 * o2) + np.sqrt(e3 * e3 + o3 * o3)
