"""What the compiled SSIM owes: the float64 value for any uptake, the same bits on any threads, no copies."""

import inspect
import tracemalloc

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.metrics import structural_similarity

from evaluation import fidelity
from evaluation.fidelity import limit_threads, ms_ssim, psnr, ssim, ssim_components, uptake_strata
from evaluation.fidelity.kernels import Threads
from evaluation.fidelity.windows import eroded_positions
from tests.evaluation.reference_cases import reference_json

L = 20.0
SETTINGS = {
    "gaussian_weights": True,
    "sigma": 1.5,
    "use_sample_covariance": False,
}


@pytest.fixture
def _threads_as_before():
    most = Threads.most
    yield
    limit_threads(most)


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def expected(reference, synthetic, data_range=L):
    a, b = (
        i.astype(np.float32).clip(0, np.float32(data_range)).astype(np.float64)
        for i in (reference, synthetic)
    )
    return structural_similarity(a, b, data_range=data_range, **SETTINGS)


def organs(shape=(24, 40, 40)):
    """Constant organs on a constant background: where sums of squares in float32 would fail."""
    reference, synthetic = np.full(shape, 1.0), np.full(shape, 1.1)
    reference[6:, 10:30, 10:24], synthetic[6:, 10:30, 10:24] = 19.7, 9.3
    reference[:, :, 30:], synthetic[:, :, 30:] = 20.0, 13.1
    return reference, synthetic


def warm(shape=(20, 30, 30)):
    """Uptake far from zero that hardly varies."""
    return 15 + 0.01 * noise(shape), 15 + 0.01 * noise(shape, 1)


@pytest.mark.parametrize("images", [organs(), warm(), (organs()[0], np.zeros((24, 40, 40)))])
def test_the_value_is_that_of_float64_where_cancellation_threatens(images):
    assert ssim(*images, data_range=L).value == pytest.approx(expected(*images), abs=1e-6)


def test_raw_activity_is_measured_as_well_as_suv():
    reference, synthetic = (i * 5000 for i in organs())
    result = ssim(reference, synthetic, data_range=L * 5000)

    assert result.value == pytest.approx(expected(reference, synthetic, L * 5000), abs=1e-6)


@pytest.mark.parametrize("shape", [(11, 11, 480), (12, 13, 225), (15, 40, 234), (13, 11, 11)])
def test_images_wider_than_one_stretch_of_columns_lose_nothing(shape):
    reference, synthetic = 4 + noise(shape), 4 + noise(shape, 1)
    result = ssim(reference, synthetic, data_range=L)

    assert result.value == pytest.approx(expected(reference, synthetic), abs=1e-6)


@given(
    st.tuples(st.integers(11, 18), st.integers(11, 30), st.integers(11, 40)),
    st.floats(0, 18),
    st.floats(0.001, 8),
    st.integers(0, 99),
)
@settings(deadline=None, max_examples=20)
def test_ssim_equals_an_independent_implementation_whatever_the_image(shape, level, spread, seed):
    reference = level + spread * noise(shape, seed)
    synthetic = reference + spread * noise(shape, seed + 1)
    result = ssim(reference, synthetic, data_range=L)

    assert result.value == pytest.approx(expected(reference, synthetic), abs=1e-6)


@given(st.integers(0, 99), st.integers(1, 3))
@settings(deadline=None, max_examples=20)
def test_positions_are_those_where_the_whole_window_lies_in_the_mask(seed, holes):
    mask = np.ones((17, 24, 27), dtype=bool)
    rng = np.random.default_rng(seed)
    mask[tuple(rng.integers(0, n, holes) for n in mask.shape)] = False
    for dimension, window, inner in (
        ("3d", (11, 11, 11), (slice(5, -5),) * 3),
        ("2d", (1, 11, 11), (slice(None), slice(5, -5), slice(5, -5))),
    ):
        whole = ndimage.binary_erosion(mask, np.ones(window))[inner]
        if whole.any():
            assert np.array_equal(eroded_positions(mask, dimension).chosen, whole)


@pytest.mark.usefixtures("_threads_as_before")
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_bits_do_not_depend_on_the_number_of_threads(threads):
    reference, synthetic = 4 + noise((30, 33, 37)), 4 + noise((30, 33, 37), 1)
    mask = noise(reference.shape, 2) > -3

    def everything():
        return (
            ssim_components(reference, synthetic, data_range=L),
            ssim(reference, synthetic, data_range=L, mask=mask),
            ms_ssim(reference, synthetic, data_range=L),
            psnr(reference, synthetic, data_range=L),
            uptake_strata(reference, synthetic, edges=(0, 3, 9), data_range=L),
        )

    limit_threads(3)
    before = everything()
    limit_threads(threads)
    assert everything() == before


def test_ssim_alone_and_with_its_components_is_the_same_number():
    reference, synthetic = 4 + noise((14, 20, 20)), 4 + noise((14, 20, 20), 1)
    parts = ssim_components(reference, synthetic, data_range=L)

    assert ssim(reference, synthetic, data_range=L) == parts["ssim"]


def test_structure_keeps_its_digits_where_one_image_is_constant():
    reference, flat = 5 + noise((14, 20, 20)), np.full((14, 20, 20), 5.0)
    flat[0, 0, 0] = 5.1
    c3 = (0.03 * L) ** 2 / 2
    parts = ssim_components(reference, flat, data_range=L)

    assert parts["structure"].value == pytest.approx(1.0, abs=0.01)
    assert parts["contrast"].value == pytest.approx(2 * c3 / (0.95 + 2 * c3), rel=0.1)


def test_no_copy_of_an_image_is_made():
    reference, synthetic = (4 + noise((60, 120, 120), k).astype(np.float32) for k in (0, 1))
    ssim(reference[:12], synthetic[:12], data_range=L)
    tracemalloc.start()
    ssim(reference, synthetic, data_range=L)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < reference.nbytes  # three volumes in all, the two images among them


def test_camera_with_noise_has_the_published_values():
    case = reference_json("image_metrics_camera.json")
    camera = skimage.data.camera()
    rng = np.random.RandomState(5)  # the recipe of the published value
    noisy = np.clip(camera + 20 * rng.randn(*camera.shape), 0, 255).astype(np.uint8)
    images = camera[None], noisy[None]

    assert ssim(*images, data_range=255, dimension="2d").value == pytest.approx(
        case["ssim_gaussian_population_ipol"], abs=case["ssim_tolerance"]
    )
    assert ssim(*images, data_range=255, dimension="2d").value == pytest.approx(
        case["skimage_0_26_same_settings"], abs=1e-6
    )
    assert psnr(*images, data_range=255).value == pytest.approx(
        case["psnr_ipol"], abs=case["psnr_tolerance"]
    )


@pytest.mark.parametrize("name", ["psnr", "ssim", "ms_ssim", "mse", "mae", "nrmse", "fsim", "bias"])
def test_every_metric_is_called_alike(name):
    parameters = inspect.signature(getattr(fidelity, name)).parameters
    first = list(parameters.values())[:4]

    assert [p.name for p in first] == ["reference", "synthetic", "data_range", "mask"]
    assert first[2].kind is first[3].kind is inspect.Parameter.KEYWORD_ONLY
    assert first[2].default is inspect.Parameter.empty
    assert first[3].default is None
