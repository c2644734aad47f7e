"""The imaging chain against what can be computed by hand."""

import numpy as np
import pytest

from synthesis.data.pet_chain import (
    add_noise,
    blur_psf,
    breathe,
    halve_in_plane,
    sphere_centre_recovery,
)


@pytest.mark.parametrize(
    ("diameter_mm", "fwhm_mm", "published"),
    [(6, 4, 0.63), (6, 7, 0.20), (8, 5, 0.69), (10, 6, 0.72), (15, 7, 0.91)],
)
def test_centre_recovery_has_the_tabulated_value(
    diameter_mm: float, fwhm_mm: float, published: float
) -> None:
    assert sphere_centre_recovery(diameter_mm / 2, fwhm_mm) == pytest.approx(published, abs=0.006)


@pytest.mark.parametrize("diameter_mm", [8.0, 12.0, 20.0])
def test_a_blurred_sphere_keeps_the_analytic_share_at_its_centre(diameter_mm: float) -> None:
    axis = np.arange(-30, 31, dtype=np.float64)
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    sphere = np.clip(diameter_mm / 2 - np.sqrt(z**2 + y**2 + x**2) + 0.5, 0, 1).astype(np.float32)

    blurred = blur_psf(sphere, (1.0, 1.0, 1.0), fwhm_mm=6.0)

    expected = sphere_centre_recovery(diameter_mm / 2, 6.0)
    assert float(blurred[30, 30, 30]) == pytest.approx(expected, abs=0.02)


def test_blur_keeps_the_total_uptake() -> None:
    point = np.zeros((21, 21, 21), dtype=np.float32)
    point[10, 10, 10] = 5

    assert float(blur_psf(point, (2.0, 2.0, 2.0), 6.0).sum()) == pytest.approx(5, rel=1e-4)


def test_noise_has_the_stated_variation_and_keeps_the_mean() -> None:
    liver = np.full((40, 60, 60), 2.2, dtype=np.float32)

    noisy = add_noise(liver, np.random.default_rng(1), liver_cov=0.1, liver_suv=2.2)

    assert float(noisy.mean()) == pytest.approx(2.2, rel=0.01)
    assert float(noisy.std() / noisy.mean()) == pytest.approx(0.1, rel=0.05)
    assert float(noisy.min()) >= 0


def test_breathing_smears_the_base_and_leaves_the_top() -> None:
    z_mm = np.arange(-60, 196, 4, dtype=np.float32)
    suv = np.zeros((64, 2, 2), dtype=np.float32)
    suv[z_mm < 10] = 2
    suv[z_mm > 160] = 1

    moved = breathe(suv, z_mm, amplitude_mm=12, top_mm=150)

    assert moved[19, 0, 0] > suv[19, 0, 0]  # liver dome stands higher in the PET
    np.testing.assert_array_equal(moved[z_mm > 165], suv[z_mm > 165])


def test_halving_takes_the_mean_of_four_pixels() -> None:
    values = np.arange(16, dtype=np.float32).reshape(1, 4, 4)

    assert halve_in_plane(values).tolist() == [[[2.5, 4.5], [10.5, 12.5]]]
