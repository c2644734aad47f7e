import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from evaluation.fidelity import (
    FidelityRefused,
    mae,
    mse,
    negative_controls,
    nrmse,
    psnr,
    ssim,
    ssim_components,
    ssim_map,
)
from evaluation.imaging import Grid, Volume

L = 20.0
METRICS = [ssim, psnr, mse, mae, nrmse]
SETTINGS = {
    "gaussian_weights": True,
    "sigma": 1.5,
    "use_sample_covariance": False,
    "data_range": L,
}


def pet(shape=(17, 19, 23), seed=0):
    values = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 1.5) * 30 + 4
    return values.clip(0, L).astype(np.float32)


def noisy(image, seed=1, scale=1.0):
    return (image + np.random.default_rng(seed).normal(size=image.shape) * scale).astype(np.float32)


@pytest.mark.parametrize("scale", [0.01, 1.0, 10.0])
@pytest.mark.parametrize("shape", [(11, 11, 11), (17, 19, 23), (30, 12, 40)])
def test_ssim_equals_an_independent_implementation(shape, scale):
    reference = pet(shape)
    synthetic = noisy(reference, scale=scale)
    expected = structural_similarity(
        reference.astype(np.float64), synthetic.clip(0, L).astype(np.float64), **SETTINGS
    )
    result = ssim(reference, synthetic, data_range=L)

    assert result.value == pytest.approx(expected, abs=1e-6)
    assert result.n_voxels == math.prod(n - 10 for n in shape)


def test_the_map_equals_an_independent_implementation_where_the_window_fits():
    reference, synthetic = pet(), noisy(pet()).clip(0, L)
    _, expected = structural_similarity(
        reference.astype(np.float64), synthetic.astype(np.float64), full=True, **SETTINGS
    )
    values = ssim_map(reference, synthetic, data_range=L)
    inner = (slice(5, -5),) * 3

    assert np.abs(values[inner] - expected[inner]).max() < 1e-6
    assert np.isnan(values).sum() == values.size - values[inner].size


def test_two_dimensional_ssim_is_the_mean_of_axial_slices():
    reference, synthetic = pet(), noisy(pet()).clip(0, L)
    expected = [
        structural_similarity(a.astype(np.float64), b.astype(np.float64), **SETTINGS)
        for a, b in zip(reference, synthetic, strict=True)
    ]
    result = ssim(reference, synthetic, data_range=L, dimension="2d")

    assert result.value == pytest.approx(np.mean(expected), abs=1e-7)


def test_a_mask_averages_the_map_where_the_whole_window_lies_inside():
    reference, synthetic = pet((30, 30, 30)), noisy(pet((30, 30, 30)))
    mask = np.zeros(reference.shape, dtype=bool)
    mask[4:25, 6:29, 3:20] = True
    eroded = ndimage.binary_erosion(mask, np.ones((11, 11, 11)))

    result = ssim(reference, synthetic, data_range=L, mask=mask)

    assert result.n_voxels == eroded.sum()
    assert result.value == pytest.approx(
        ssim_map(reference, synthetic, data_range=L)[eroded].mean(dtype=np.float64), abs=1e-7
    )


def test_a_masked_value_does_not_change_with_what_is_far_outside():
    reference, synthetic = pet((30, 30, 30)), noisy(pet((30, 30, 30)))
    mask = np.zeros(reference.shape, dtype=bool)
    mask[:15] = True
    changed = synthetic.copy()
    changed[15:] = 0

    for metric in METRICS:
        one = metric(reference, synthetic, data_range=L, mask=mask)
        assert one == metric(reference, changed, data_range=L, mask=mask)


def test_a_mask_too_thin_for_the_window_is_measured_and_flagged():
    reference, synthetic = pet(), noisy(pet())
    mask = np.zeros(reference.shape, dtype=bool)
    mask[8, 9, 7:12] = True

    result = ssim(reference, synthetic, data_range=L, mask=mask)

    assert result.flags == ("mask_too_thin",)
    assert result.n_voxels == 5
    assert result.value == pytest.approx(
        ssim_map(reference, synthetic, data_range=L)[mask].mean(), abs=1e-6
    )


def test_a_mask_at_the_border_only_has_no_ssim():
    mask = np.zeros((17, 19, 23), dtype=bool)
    mask[0, 0, 0] = True
    result = ssim(pet(), noisy(pet()), data_range=L, mask=mask)

    assert (result.value, result.flags) == (None, ("mask_too_thin",))


def test_an_image_smaller_than_the_window_has_no_ssim():
    result = ssim(pet((10, 20, 20)), pet((10, 20, 20), 5), data_range=L)

    assert (result.value, result.flags) == (None, ("too_small",))
    assert ssim(pet((10, 20, 20)), pet((10, 20, 20), 5), data_range=L, dimension="2d").value


@given(st.floats(0.1, 19.9), st.floats(0.1, 19.9))
@settings(deadline=None, max_examples=25)
def test_ssim_of_constant_images_has_its_closed_form(a, b):
    a, b = float(np.float32(a)), float(np.float32(b))
    one = np.full((11, 11, 11), a)
    c1 = (0.01 * L) ** 2
    result = ssim_components(one, np.full((11, 11, 11), b), data_range=L)

    assert result["ssim"].value == pytest.approx((2 * a * b + c1) / (a * a + b * b + c1), abs=1e-6)
    assert result["structure"].value == pytest.approx(1.0, abs=1e-4)


@given(st.floats(0.01, 1e4))
@settings(deadline=None, max_examples=25)
def test_image_and_range_scaled_together_change_nothing(scale):
    reference, synthetic = pet((12, 12, 12)), noisy(pet((12, 12, 12)))
    for metric in (ssim, psnr, nrmse):
        one = metric(reference, synthetic, data_range=L).value
        scaled = metric(reference * scale, synthetic * scale, data_range=L * scale).value
        assert scaled == pytest.approx(one, rel=1e-4)


def test_the_components_multiply_to_ssim_in_each_place():
    reference = np.full((11, 11, 11), 3.0)
    reference[5] = 8.0
    parts = ssim_components(reference, noisy(reference), data_range=L)
    product = parts["luminance"].value * parts["contrast"].value * parts["structure"].value

    assert parts["ssim"].value == pytest.approx(product, rel=1e-6)
    assert parts["structure"].method.startswith("structure component of SSIM")


def test_ssim_is_symmetric_and_one_for_identical_images():
    reference, synthetic = pet(), noisy(pet())

    assert ssim(reference, reference, data_range=L).value == pytest.approx(1.0, abs=1e-9)
    assert ssim(reference, synthetic, data_range=L).value == pytest.approx(
        ssim(synthetic, reference, data_range=L).value, rel=1e-12
    )


def test_psnr_equals_an_independent_implementation_after_clipping():
    reference, synthetic = pet(), noisy(pet(), scale=5)
    expected = peak_signal_noise_ratio(
        reference.astype(np.float64), synthetic.clip(0, L).astype(np.float64), data_range=L
    )
    assert psnr(reference, synthetic, data_range=L).value == pytest.approx(expected, rel=1e-9)


def test_identical_images_have_a_flag_instead_of_an_infinite_psnr():
    result = psnr(pet(), pet(), data_range=L)
    assert (result.value, result.flags) == (None, ("identical",))


def test_errors_are_those_of_the_definition_and_not_clipped():
    reference, synthetic = pet(), noisy(pet(), scale=9)
    mask = pet(seed=4) > 4
    r, s = reference[mask].astype(np.float64), synthetic[mask].astype(np.float64)
    rmse = np.sqrt(np.mean((s - r) ** 2))
    options = {"data_range": L, "mask": mask}

    assert mse(reference, synthetic, **options).value == pytest.approx(rmse**2, rel=1e-9)
    assert mae(reference, synthetic, **options).value == pytest.approx(np.abs(s - r).mean())
    divisors = {"mean": r.mean(), "range": np.ptp(r), "norm": np.sqrt((r**2).mean())}
    for name, divisor in divisors.items():
        result = nrmse(reference, synthetic, denominator=name, **options)
        assert result.value == pytest.approx(rmse / divisor, rel=1e-9)
        assert name in result.method


def test_nrmse_of_an_empty_reference_does_not_exist():
    result = nrmse(np.zeros((3, 3, 3)), np.ones((3, 3, 3)), data_range=L)
    assert result.value is None
    assert "zero_reference" in result.flags


@pytest.mark.parametrize("metric", METRICS)
def test_an_empty_mask_has_no_value_and_says_so(metric):
    result = metric(pet(), noisy(pet()), data_range=L, mask=np.zeros((17, 19, 23), dtype=bool))
    assert (result.value, result.n_voxels, result.flags) == (None, 0, ("empty_mask",))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("data_range", [0.0, -1.0, math.nan, math.inf])
def test_a_data_range_that_is_no_positive_number_is_refused(metric, data_range):
    with pytest.raises(FidelityRefused, match="data range"):
        metric(pet(), pet(), data_range=data_range)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_values_that_are_no_numbers_are_refused(metric, bad):
    spoiled = pet()
    spoiled[3, 3, 3] = bad
    for images in ((pet(), spoiled), (spoiled, pet())):
        with pytest.raises(FidelityRefused, match="finite"):
            metric(*images, data_range=L)


@pytest.mark.parametrize("metric", METRICS)
def test_other_shapes_grids_and_units_are_refused(metric):
    grid = Grid((17, 19, 23), (3.0, 4.0, 4.0))
    here = Volume(pet(), grid, "SUVbw")
    with pytest.raises(FidelityRefused, match="shapes"):
        metric(pet(), pet((17, 19, 22)), data_range=L)
    with pytest.raises(FidelityRefused, match="mask has shape"):
        metric(pet(), pet(), data_range=L, mask=np.ones((2, 2, 2), dtype=bool))
    with pytest.raises(FidelityRefused, match="units"):
        metric(here, Volume(pet(), grid, "SUVlbm"), data_range=L)
    moved = Volume(pet(), Grid((17, 19, 23), (3.0, 4.0, 4.0), (1.0, 0.0, 0.0)), "SUVbw")
    with pytest.raises(FidelityRefused, match="grids"):
        metric(here, moved, data_range=L)


def test_the_recipe_states_range_window_and_clipping():
    method = ssim(pet(), noisy(pet()), data_range=L).method
    for word in ("11x11x11", "sigma 1.5", "K1 0.01", "population", "clipped to [0, 20]", "L 20"):
        assert word in method


def test_negative_controls_carry_no_lesion():
    image = pet()
    grid = Grid(image.shape, (3.0, 4.0, 4.0))
    lesion = np.zeros(image.shape, dtype=bool)
    lesion[7:10, 7:10, 7:10] = True
    image[lesion] = 18.0
    body = np.ones(image.shape, dtype=bool)
    body[:2] = False

    controls = negative_controls(Volume(image, grid, "SUVbw"), mask=body, lesions={1: lesion})

    assert sorted(controls) == ["body_mean", "lesions_erased", "zero"]
    assert not controls["zero"].array.any()
    assert np.allclose(controls["body_mean"].array[body], image[body].mean(), rtol=1e-5)
    assert not controls["body_mean"].array[~body].any()
    erased = controls["lesions_erased"].array
    assert erased[lesion].max() < 10
    assert np.array_equal(erased[~lesion], image[~lesion])


def test_slices_weigh_alike_in_two_dimensions_however_much_mask_they_hold():
    reference, synthetic = pet((3, 30, 30)), noisy(pet((3, 30, 30)))
    mask = np.zeros(reference.shape, dtype=bool)
    mask[0] = True
    mask[2, :12, :12] = True
    alone = [
        ssim(reference, synthetic, data_range=L, mask=part, dimension="2d").value
        for part in (
            mask * np.array([1, 0, 0])[:, None, None],
            mask * (np.arange(3) == 2)[:, None, None],
        )
    ]
    both = ssim(reference, synthetic, data_range=L, mask=mask, dimension="2d").value

    assert alone[0] != pytest.approx(alone[1], abs=1e-4)
    assert both == pytest.approx(sum(alone) / 2)
