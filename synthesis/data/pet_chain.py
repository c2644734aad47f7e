"""From true uptake to a PET image: breathing, point spread, sampling, noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, special

Array = NDArray[np.float32]
FWHM_PER_SIGMA = 2.354820045
# Share of the breathing cycle spent near each phase: most of it near end-expiration, where the
# diaphragm stands higher than in the CT.
PHASES = ((0.25, 0.2), (0.6, 0.3), (1.0, 0.5))


def blur_psf(suv: Array, spacing_zyx_mm: tuple[float, ...], fwhm_mm: float) -> Array:
    """Return the image seen through a Gaussian point spread of this full width at half maximum."""
    sigma = [fwhm_mm / FWHM_PER_SIGMA / spacing for spacing in spacing_zyx_mm]
    return ndimage.gaussian_filter(suv, sigma, mode="nearest", truncate=3.0, output=np.float32)


def sphere_centre_recovery(radius_mm: float, fwhm_mm: float) -> float:
    """Return the share of a sphere's true uptake that its blurred centre still shows.

    Parameters
    ----------
    radius_mm, fwhm_mm
        Sphere radius and width of the Gaussian point spread.

    Returns
    -------
    float
        erf(k/sqrt 2) - sqrt(2/pi) k exp(-k^2/2) with k = R/sigma: the integral of the
        three-dimensional Gaussian over the sphere.

    Examples
    --------
    >>> round(sphere_centre_recovery(5.0, 6.0), 2)
    0.72
    """
    k = radius_mm * FWHM_PER_SIGMA / fwhm_mm
    return float(special.erf(k / np.sqrt(2)) - np.sqrt(2 / np.pi) * k * np.exp(-(k**2) / 2))


def breathe(suv: Array, z_mm: Array, *, amplitude_mm: float, top_mm: float) -> Array:
    """Return the average over the breathing cycle; it fades from the diaphragm to `top_mm`.

    CT shows deep inspiration, PET an average nearer to expiration: near the diaphragm the PET is
    smeared and lies higher than the CT, on purpose.
    """
    weight = np.clip(1 - (z_mm - 10) / (top_mm - 10), 0, 1).astype(np.float32)
    spacing = float(z_mm[1] - z_mm[0])
    rows = np.arange(len(z_mm), dtype=np.float32)
    mean = np.zeros_like(suv)
    for phase, share in PHASES:
        source = np.clip(rows - phase * amplitude_mm * weight / spacing, 0, len(z_mm) - 1)
        low = np.floor(source).astype(int)
        high = np.minimum(low + 1, len(z_mm) - 1)
        part = (source - low)[:, None, None].astype(np.float32)
        mean += np.float32(share) * ((1 - part) * suv[low] + part * suv[high])
    return mean


def halve_in_plane(values: Array) -> Array:
    """Return means over 2 x 2 pixels: the PET grid has half the CT's in-plane sampling."""
    total = values[:, ::2, ::2] + values[:, ::2, 1::2]
    total += values[:, 1::2, ::2]
    total += values[:, 1::2, 1::2]
    total *= np.float32(0.25)
    return total.astype(np.float32, copy=False)


def add_noise(suv: Array, rng: np.random.Generator, *, liver_cov: float, liver_suv: float) -> Array:
    """Return the image with correlated noise whose variance grows with the local mean.

    Iterative reconstruction gives noise that follows the image; a Gamma voxel with mean m and
    variance proportional to m does so and never goes below zero. Scaled to `liver_cov` in a
    region of `liver_suv`.
    """
    white = rng.standard_normal(suv.shape, dtype=np.float32)
    noise = ndimage.gaussian_filter(white, 0.65, output=np.float32)
    noise /= np.float32(noise.std())
    mean = np.maximum(suv, np.float32(0.01))
    shape = mean / np.float32(liver_cov**2 * liver_suv)
    # Wilson-Hilferty: a Gamma variate as the cube of a normal one, so the noise may be correlated.
    spread = 1 - 1 / (9 * shape) + noise / (3 * np.sqrt(shape))
    return (mean * np.maximum(spread, 0) ** 3).astype(np.float32)
