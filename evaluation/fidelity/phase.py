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
    """Filters of one slice shape on the half plane of a real transform.

    ``even`` and ``odd`` [orientation, scale, y, x] give the even and the odd response; ``noise``
    [orientation] turns the square root of the median squared response into the threshold T.
    """

    even: np.ndarray
    odd: np.ndarray
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
    return _halved(filters)


def _polar(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Radius and angle of each frequency, the zero frequency first."""
    y, x = np.meshgrid(*(_frequencies(n) for n in shape), indexing="ij")
    return np.hypot(y, x), np.arctan2(-y, x)


def _frequencies(count: int) -> np.ndarray:
    """Kovesi's scale: an odd number of samples is divided by one less, so that it ends at 1/2."""
    span = count - 1 if count % 2 else count
    return np.fft.ifftshift(np.arange(count) - count // 2) / max(span, 1)


def _halved(filters: np.ndarray) -> FilterBank:
    """Split one-sided filters into their even and odd halves and keep half of the plane."""
    mirrored = np.roll(filters[..., ::-1, ::-1], (1, 1), axis=(-2, -1))
    half = filters.shape[-1] // 2 + 1
    kernels = fft.ifft2(filters, axes=(-2, -1)).real
    energy = filters.shape[-1] * filters.shape[-2] * (kernels.sum(axis=1) ** 2).sum(axis=(-2, -1))
    finest = (filters[:, 0] ** 2).sum(axis=(-2, -1))
    tau_per_response = np.sqrt(energy / finest / math.log(2))
    rayleigh = math.sqrt(math.pi / 2) + _NOISE_SD * math.sqrt(2 - math.pi / 2)
    return FilterBank(
        even=(0.5 * (filters + mirrored))[..., :half].astype(np.float32),
        odd=(0.5 * (filters - mirrored))[..., :half].astype(np.float32),
        noise=tau_per_response * rayleigh / _NOISE_SCALE,
    )


def phase_congruency(image: np.ndarray) -> np.ndarray:
    """Return the phase congruency of a slice [y, x] as float32 in [0, 1].

    A constant slice has none: zero everywhere.
    """
    congruency = np.zeros(image.shape, dtype=np.float32)
    if image.min() == image.max():
        return congruency
    bank = filter_bank((image.shape[0], image.shape[1]))
    spectrum = fft.rfft2(image.astype(np.float32, copy=False))
    turned = spectrum * np.complex64(-1j)
    energy, amplitude = np.zeros_like(congruency), np.zeros_like(congruency)
    for k in range(ORIENTATIONS):
        even = fft.irfft2(spectrum * bank.even[k], s=image.shape, overwrite_x=True)
        odd = fft.irfft2(turned * bank.odd[k], s=image.shape, overwrite_x=True)
        median = _median(even[0] ** 2 + odd[0] ** 2)
        threshold = np.float32(bank.noise[k] * math.sqrt(median))
        add_orientation((even, odd), threshold, energy, amplitude)
    np.divide(energy, amplitude, out=congruency, where=amplitude > 0)
    return congruency


def _median(values: np.ndarray) -> float:
    """As numpy's, without its search for NaN, which takes five times as long as the median."""
    flat = values.ravel()
    low, high = (len(flat) - 1) // 2, len(flat) // 2
    parted = np.partition(flat, (low, high))
    return (float(parted[low]) + float(parted[high])) / 2


@compiled
def add_orientation(responses, threshold, energy, amplitude):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Add energy above the threshold and amplitude of the four scales of one orientation."""
    even, odd = responses
    silent, zero = np.float32(_SILENT), np.float32(0)
    for y in range(energy.shape[0]):
        e0, e1, e2, e3 = even[0, y], even[1, y], even[2, y], even[3, y]
        o0, o1, o2, o3 = odd[0, y], odd[1, y], odd[2, y], odd[3, y]
        total, size = energy[y], amplitude[y]
        for x in range(energy.shape[1]):
            e = e0[x] + e1[x] + e2[x] + e3[x]
            o = o0[x] + o1[x] + o2[x] + o3[x]
            length = np.sqrt(e * e + o * o) + silent
            e, o = e / length, o / length
            along = (e0[x] + e1[x] + e2[x] + e3[x]) * e + (o0[x] + o1[x] + o2[x] + o3[x]) * o
            across = abs(e0[x] * o - o0[x] * e) + abs(e1[x] * o - o1[x] * e)
            across += abs(e2[x] * o - o2[x] * e) + abs(e3[x] * o - o3[x] * e)
            total[x] += max(along - across - threshold, zero)
            size[x] += np.sqrt(e0[x] * e0[x] + o0[x] * o0[x])
            size[x] += np.sqrt(e1[x] * e1[x] + o1[x] * o1[x])
            size[x] += np.sqrt(e2[x] * e2[x] + o2[x] * o2[x])
            size[x] += np.sqrt(e3[x] * e3[x] + o3[x] * o3[x])
