"""Metabolic parameters and measurement rows on published images."""

import json

import numpy as np
import pytest
from skimage.data import camera

from evaluation.analysis.measure import measure_pair
from evaluation.fidelity import body_mask, psnr, ssim
from evaluation.imaging import Grid, Volume, read_segmentation, read_series, resample
from evaluation.metabolic import lesion_parameters
from tests.real_data.places import expected, published, reference

pytestmark = pytest.mark.real_data
PAIRS = ["STS_002", "STS_003", "STS_008", "STS_024", "STS_025", "STS_035"]


def test_the_ibsi_digital_phantom_gives_its_reference_values():
    phantom = json.loads(reference("ibsi_digital_phantom.json").read_text(encoding="utf-8"))
    image = np.array(phantom["image"], dtype=np.float32)
    volume = Volume(image, Grid(image.shape, (2.0, 2.0, 2.0)), "SUVbw")
    found = {p.quantity: p.value for p in lesion_parameters(volume, np.array(phantom["mask"]))}

    assert found["suv_peak"] == pytest.approx(3.1, abs=0.05)
    assert found["suv_peak_local"] == pytest.approx(2.6, abs=0.05)
    assert found["suv_mean"] == pytest.approx(phantom["expected"]["mean"], abs=0.005)
    assert found["suv_max"] == phantom["expected"]["maximum"]
    assert found["mtv_mask"] * 1000 == pytest.approx(592)
    assert found["tlg_mask"] * 1000 == pytest.approx(1272)


def pair(case):
    folder = published("pet_ct_ge_sts_pairs", case)
    ct = read_series(folder / "CT" / "image").stored_volume()
    pet = read_series(folder / "PET" / "image")
    segments = read_segmentation(folder / "PET" / "mask" / "RS.dcm", pet.grid)
    return ct, pet.suv_volume(), {n: s.mask for n, s in segments.items()}


@pytest.mark.parametrize("case", PAIRS)
def test_a_tumour_has_the_published_uptake_and_volume(case):
    _, pet, lesions = pair(case)
    truth = expected("pet_ct_ge_sts_pairs", case, "pet")
    found = {p.quantity: p.value for p in lesion_parameters(pet, lesions[1])}

    assert found["suv_max"] == pytest.approx(truth["gtv_suv_max"], abs=1e-4)
    assert found["suv_mean"] == pytest.approx(truth["gtv_suv_mean"], abs=1e-4)
    assert found["mtv_mask"] == pytest.approx(truth["gtv_ml"], abs=1e-3)


@pytest.mark.parametrize("case", ["STS_002", "STS_035"])
def test_a_blurred_copy_on_the_ct_grid_is_measured_on_the_pet_grid(case):
    ct, pet, lesions = pair(case)
    copy = resample(pet, ct.grid, outside=0)

    rows = measure_pair(reference=pet, synthetic=copy, ct=ct, lesions=lesions, data_range=20)
    values = {(r.region, r.image, r.quantity): r for r in rows}

    assert values["body", "pair", "ssim"].value > 0.95
    assert "resampled (linear)" in values["body", "pair", "ssim"].method
    assert values["lesion:1", "synthetic", "suv_max"].value <= (
        values["lesion:1", "reference", "suv_max"].value
    )


def test_the_body_of_a_real_chest_leaves_the_table_out_and_the_lungs_in():
    ct = read_series(published("ct_chest_siemens_lungdx_a0002", "CT_B40f_soft")).stored_volume()
    body = body_mask(ct)

    assert not body[:, 450:, 200:300].any()  # table
    assert (ct.array[body] < -700).mean() > 0.15  # the lungs are part of it
    assert not body[:, :60, :].any()  # air above the chest


def test_ssim_and_psnr_equal_the_values_of_another_program_on_the_camera_image():
    truth = json.loads(reference("image_metrics_camera.json").read_text(encoding="utf-8"))
    image = camera()
    noise = 20 * np.random.RandomState(5).randn(*image.shape)
    noisy = np.clip(image + noise, 0, 255).astype(np.uint8)

    structure = ssim(image[None], noisy[None], data_range=255, dimension="2d")
    ratio = psnr(image[None], noisy[None], data_range=255)

    # Ours works in float32 with nothing large subtracted, so it agrees to 1e-6, not to the last bit.
    assert structure.value == pytest.approx(truth["skimage_0_26_same_settings"], abs=1e-7)
    assert structure.value == pytest.approx(truth["ssim_gaussian_population_ipol"], abs=5e-4)
    assert ratio.value == pytest.approx(truth["psnr_ipol"], abs=5e-5)
