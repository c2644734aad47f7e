"""FSIM and MS-SSIM. The recorded values come from piq 0.8.0 (fsim(chromatic=False), multi_scale_ssim), float32, on these textures."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from evaluation.fidelity import FidelityRefused, fsim, ms_ssim
from evaluation.fidelity.multiscale import WEIGHTS
from evaluation.fidelity.phase import _median, phase_congruency

L = 20.0


def texture(shape, seed):
    y, x = np.mgrid[: shape[0], : shape[1]]
    rng, values = np.random.default_rng(seed), np.zeros(shape)
    for _ in range(12):
        fy, fx, phase = rng.uniform(-0.15, 0.15), rng.uniform(-0.15, 0.15), rng.uniform(0, 6.28)
        values += np.cos(2 * np.pi * (fy * y + fx * x) + phase)
    return values


def slices(shape):
    reference = (4 + texture(shape, 0)).clip(0, L)
    synthetic = (reference + 0.6 * texture(shape, 1)).clip(0, L)
    return reference[None].astype(np.float32), synthetic[None].astype(np.float32)


def volumes(shape, seed=0):
    rng = np.random.default_rng(seed)
    reference = (ndimage.gaussian_filter(rng.normal(size=shape), 1.5) * 30 + 4).clip(0, L)
    synthetic = (reference + rng.normal(size=shape)).clip(0, L)
    return reference.astype(np.float32), synthetic.astype(np.float32)


@pytest.mark.parametrize(
    ("shape", "recorded"),
    [
        ((96, 96), 0.8760786),
        ((97, 111), 0.8793584),  # odd sides: another scale of frequencies
        ((200, 160), 0.8786755),
        ((400, 400), 0.8931497),  # averaged in blocks of 2 x 2
        ((401, 390), 0.8935521),
    ],
)
def test_fsim_equals_the_recorded_values_of_an_independent_implementation(shape, recorded):
    assert fsim(*slices(shape), data_range=L).value == pytest.approx(recorded, abs=5e-6)


def test_fsim_is_one_and_flagged_for_identical_images():
    reference, _ = slices((48, 48))
    result = fsim(reference, reference, data_range=L)

    assert result.value == 1.0
    assert result.flags == ("identical",)


def test_fsim_does_not_change_when_image_and_range_are_scaled_together():
    reference, synthetic = slices((48, 56))
    one = fsim(reference, synthetic, data_range=L).value
    scaled = fsim(reference * 1000, synthetic * 1000, data_range=L * 1000).value

    assert scaled == pytest.approx(one, abs=1e-5)


def test_fsim_is_symmetric_and_falls_with_noise():
    reference, synthetic = slices((48, 56))
    rng = np.random.default_rng(0)
    noisy = synthetic + rng.normal(size=synthetic.shape) * 2
    one = fsim(reference, synthetic, data_range=L).value

    assert fsim(synthetic, reference, data_range=L).value == pytest.approx(one, rel=1e-9)
    assert fsim(reference, noisy, data_range=L).value < one


def test_slices_without_body_or_structure_are_left_out_and_counted():
    reference, synthetic = (np.repeat(i, 4, axis=0) for i in slices((48, 48)))
    mask = np.ones(reference.shape, dtype=bool)
    mask[0] = False
    reference[3] = synthetic[3] = 0.0
    result = fsim(reference, synthetic, data_range=L, mask=mask)

    assert result.skipped == 2
    assert result.flags == ("slices_skipped",)
    assert result.n_voxels == 2 * 48 * 48
    assert result.value == pytest.approx(fsim(*slices((48, 48)), data_range=L).value, rel=1e-9)


def test_the_mask_says_where_the_mean_is_taken_and_zeroes_nothing():
    reference, synthetic = slices((64, 64))
    changed = synthetic.copy()
    changed[:, :, 48:] += np.random.default_rng(0).normal(size=(1, 64, 16))
    mask = np.zeros(reference.shape, dtype=bool)
    mask[:, :, :16] = True
    whole = [fsim(reference, s, data_range=L).value for s in (synthetic, changed)]
    left = [fsim(reference, s, data_range=L, mask=mask).value for s in (synthetic, changed)]

    assert abs(left[0] - left[1]) < abs(whole[0] - whole[1]) / 4


def test_constant_slices_have_no_fsim():
    flat = np.full((2, 32, 32), 5.0)
    result = fsim(flat, flat, data_range=L)

    assert result.value is None
    assert result.flags == ("no_structure", "constant_reference", "constant_synthetic")
    assert result.skipped == 2


def test_a_slice_too_small_for_the_filters_has_no_fsim():
    assert fsim(*slices((11, 40)), data_range=L).flags == ("too_small",)


def test_the_recipe_of_fsim_names_window_scale_and_blocks():
    method = fsim(*slices((400, 400)), data_range=L).method
    for word in ("Zhang 2011", "clipped to [0, 20]", "0-255", "blocks of 2x2", "T1 0.85", "T2 160"):
        assert word in method


@given(st.floats(0.01, 100), st.integers(0, 5))
@settings(deadline=None, max_examples=10)
def test_phase_congruency_lies_between_zero_and_one_whatever_the_contrast(scale, seed):
    image = (texture((40, 44), seed) * scale).astype(np.float32)
    congruency = phase_congruency(image)

    assert congruency.min() >= 0
    assert congruency.max() <= 1


def expected_ms_ssim(x, y, scales):
    """The published formula with scipy's Gaussian filter in float64."""
    x, y, means = x.astype(float), y.astype(float), []
    c1, c2 = (0.01 * L) ** 2, (0.03 * L) ** 2
    for scale in range(scales):
        inner = (slice(5, -5),) * 3
        mx, my, xx, yy, xy = (
            ndimage.gaussian_filter(v, 1.5, truncate=3.5)[inner]
            for v in (x, y, x * x, y * y, x * y)
        )
        both = (2 * (xy - mx * my) + c2) / (xx - mx * mx + yy - my * my + c2)
        light = (2 * mx * my + c1) / (mx * mx + my * my + c1)
        means.append(both.mean() if scale < scales - 1 else (light * both).mean())
        n = [k // 2 for k in x.shape]
        x, y = (
            v[: 2 * n[0], : 2 * n[1], : 2 * n[2]]
            .reshape(n[0], 2, n[1], 2, n[2], 2)
            .mean(axis=(1, 3, 5))
            for v in (x, y)
        )
    weights = np.array(WEIGHTS[:scales])
    return np.prod(np.array(means) ** (weights / weights.sum()))


@pytest.mark.parametrize(("shape", "scales"), [((12, 30, 21), 1), ((48, 52, 61), 3)])
def test_ms_ssim_equals_the_formula_with_the_scales_that_fit(shape, scales):
    reference, synthetic = volumes(shape)
    result = ms_ssim(reference, synthetic, data_range=L)

    assert result.value == pytest.approx(expected_ms_ssim(reference, synthetic, scales), abs=1e-6)
    assert result.flags == ("fewer_scales",)
    assert f"{scales} of 5 scales" in result.method


def test_two_dimensional_ms_ssim_equals_the_recorded_value_of_an_independent_implementation():
    result = ms_ssim(*slices((192, 208)), data_range=L, dimension="2d")

    assert result.value == pytest.approx(0.875849, abs=5e-6)
    assert result.flags == ()


def test_ms_ssim_counts_the_positions_in_the_mask_at_every_scale():
    reference, synthetic = volumes((30, 40, 40))
    mask = np.zeros(reference.shape, dtype=bool)
    mask[5:25, :, :20] = True
    changed = synthetic.copy()
    changed[:, :, 32:] = 0
    one, other = (ms_ssim(reference, s, data_range=L, mask=mask) for s in (synthetic, changed))

    assert one.value == other.value
    assert one.n_voxels == 20 * 30 * 15


def test_ms_ssim_without_a_position_says_why():
    small = volumes((10, 40, 40))
    empty = np.zeros((30, 40, 40), dtype=bool)

    assert ms_ssim(*small, data_range=L).flags == ("too_small",)
    assert ms_ssim(*volumes((30, 40, 40)), data_range=L, mask=empty).flags == ("empty_mask",)


def test_a_negative_mean_has_no_power_and_says_so():
    reference = 10 + volumes((24, 24, 24))[0] - 4
    result = ms_ssim(reference, 20 - reference, data_range=L)

    assert result.value is None
    assert "negative_structure" in result.flags


@pytest.mark.parametrize("metric", [fsim, ms_ssim])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_values_and_ranges_that_are_no_numbers_are_refused(metric, bad):
    reference, synthetic = volumes((12, 16, 16))
    synthetic[3, 3, 3] = bad
    with pytest.raises(FidelityRefused, match="plane 3"):
        metric(reference, synthetic, data_range=L)
    with pytest.raises(FidelityRefused, match="data range"):
        metric(reference, reference, data_range=bad)


@given(st.integers(1, 400), st.integers(0, 5))
def test_the_median_by_bits_is_the_median(count, seed):
    values = np.abs(np.random.default_rng(seed).normal(size=count)).astype(np.float32)
    values[: count // 3] = values[-1]  # ties
    assert _median(values.reshape(1, -1)) == float(np.median(values.astype(np.float64)))
