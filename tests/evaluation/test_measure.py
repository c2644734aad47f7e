from collections import Counter

import numpy as np
import pytest

from evaluation.analysis.measure import measure_pair
from evaluation.fidelity import ssim
from evaluation.imaging import Grid, Volume, resample
from evaluation.metabolic import lesion_parameters

GRID = Grid((16, 24, 24), (3.0, 4.0, 4.0))
CT_GRID = Grid((16, 96, 96), (3.0, 1.0, 1.0), (-1.5, -1.5, 0.0))
PAIR = {"ssim", "ssim_2d", "structural_similarity", "psnr", "mse", "mae", "nrmse_mean", "bias"}
PAIR |= {"ms_ssim"}
LESION = {
    *("suv_max", "suv_mean", "suv_peak", "suv_peak_local"),
    *(f"{kind}_{rule}" for kind in ("mtv", "tlg") for rule in ("mask", "41", "50", "2_5", "4_0")),
}


def lesion():
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[7:10, 8:12, 8:12] = True
    return mask


def liver():
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[5:12, 14:19, 14:19] = True
    return mask


def reference():
    values = 1.0 + np.random.default_rng(0).random(GRID.shape)
    values[lesion()] = 9.0
    return Volume(values.astype(np.float32), GRID, "SUVbw")


def synthetic():
    return Volume((reference().array * 0.8).astype(np.float32), GRID, "SUVbw")


def ct():
    values = np.full(CT_GRID.shape, -1000.0, dtype=np.float32)
    values[:, 4:92, 4:92] = 40
    return Volume(values, CT_GRID, "HU")


def measured(**changes):
    arguments = {
        "reference": reference(),
        "synthetic": synthetic(),
        "ct": ct(),
        "lesions": {1: lesion()},
        "data_range": 20.0,
    }
    rows = measure_pair(**{**arguments, **changes})
    return {(row.region, row.image, row.quantity): row for row in rows}


def test_each_number_has_one_row_and_the_agreed_name():
    rows = measure_pair(
        reference=reference(),
        synthetic=synthetic(),
        ct=ct(),
        lesions={1: lesion(), 2: liver()},
        data_range=20.0,
        backgrounds={"liver": liver(), "blood_pool": liver()},
        negative_controls=True,
    )
    keys = Counter((row.region, row.image, row.quantity) for row in rows)
    names = {}
    for region, image, quantity in keys:
        names.setdefault((region, image), set()).add(quantity)

    assert max(keys.values()) == 1
    assert names["body", "pair"] == PAIR
    assert names["lesion:1", "pair"] == {"mae", "bias"}
    for image in ("reference", "synthetic", "control:zero"):
        assert names["lesion:2", image] >= LESION | {"tbr_max", "tbr_mean", "tbr_max_liver"}
    assert names["lesion:1", "ct"] == {"hu_mean", "hu_sd", "hu_p90", "volume"}
    assert names["organ:liver", "reference"] == {"suv_mean", "suv_sd", "suv_p95", "volume"}
    assert {image for _, image, _ in keys} == {
        *("pair", "reference", "synthetic", "ct"),
        *("control:zero", "control:body_mean", "control:lesions_erased"),
    }


def test_regions_may_bring_their_own_names_and_keep_the_order_of_their_numbers():
    rows = measure_pair(
        reference=reference(),
        synthetic=synthetic(),
        ct=None,
        lesions={"node:4R": lesion(), "lesion:10": lesion(), "lesion:2": lesion()},
        data_range=20.0,
    )
    regions = list(dict.fromkeys(row.region for row in rows))

    assert regions == ["body", "lesion:2", "lesion:10", "node:4R"]


def test_values_are_those_of_the_metrics_on_the_masked_pair():
    rows = measured()
    parameters = {p.quantity: p.value for p in lesion_parameters(synthetic(), lesion())}

    assert rows["lesion:1", "synthetic", "suv_peak"].value == parameters["suv_peak"]
    assert rows["lesion:1", "pair", "mae"].value == pytest.approx(9 * 0.2, rel=1e-5)
    assert rows["lesion:1", "reference", "suv_max"].value == 9.0
    assert 0 < rows["body", "pair", "ssim"].value < 1
    assert rows["body", "pair", "mae"].n_voxels < reference().array.size


def test_a_synthetic_image_on_the_ct_grid_is_brought_to_the_reference_and_says_so():
    moved = resample(synthetic(), CT_GRID, outside=0)
    row = measured(synthetic=moved)["body", "pair", "mae"]

    assert "synthetic resampled (linear) onto the reference grid" in row.method
    assert row.value == pytest.approx(measured()["body", "pair", "mae"].value, rel=0.2)


def test_slices_that_the_ct_does_not_cover_are_left_out_and_the_row_says_so():
    short = ct().crop((slice(0, 12), slice(None), slice(None)))
    row = measured(ct=short)["body", "pair", "ssim"]
    part = (slice(0, 12), slice(0, 24), slice(0, 24))
    alone = measure_pair(
        reference=reference().crop(part),
        synthetic=synthetic().crop(part),
        ct=short,
        lesions={},
        data_range=20.0,
    )

    assert "cut to the part that all images cover" in row.method
    assert row.value == alone[0].value


def test_a_lesion_that_is_cut_off_is_flagged():
    short = ct().crop((slice(0, 9), slice(None), slice(None)))
    rows = measured(ct=short)

    assert "lesion_cut" in rows["lesion:1", "reference", "suv_max"].flags
    assert rows["lesion:1", "reference", "mtv_mask"].n_voxels == 32


def test_a_lesion_outside_the_common_part_has_rows_without_values():
    short = ct().crop((slice(10, 16), slice(None), slice(None)))
    row = measured(ct=short)["lesion:1", "reference", "suv_max"]

    assert row.value is None
    assert "empty_mask" in row.flags


def test_without_a_ct_the_whole_image_is_measured_and_flagged():
    row = measured(ct=None)["body", "pair", "ssim"]

    assert row.flags == ("no_body_mask",)
    assert row.value == ssim(reference(), synthetic(), data_range=20.0).value


def test_a_ratio_without_a_name_is_to_the_blood_pool_before_the_liver():
    rows = measured(backgrounds={"liver": liver(), "blood_pool": lesion()})

    assert rows["lesion:1", "reference", "tbr_max"].value == pytest.approx(1.0)
    assert rows["lesion:1", "reference", "tbr_max_liver"].value > 4
    assert "(blood_pool)" in rows["lesion:1", "reference", "tbr_max"].method


def test_the_control_without_lesions_is_worse_in_the_lesion_than_a_modest_model():
    rows = measured(negative_controls=True)

    erased = rows["lesion:1", "control:lesions_erased", "mae"].value
    assert erased > rows["lesion:1", "pair", "mae"].value


def test_identical_images_have_no_error_and_a_flag_for_psnr():
    rows = measured(synthetic=reference())

    assert rows["body", "pair", "mae"].value == 0.0
    assert rows["body", "pair", "psnr"].value is None
    assert rows["body", "pair", "psnr"].flags == ("identical",)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"synthetic": Volume(synthetic().array, GRID, "SUVlbm")}, "units differ"),
        ({"data_range": 0.0}, "data range"),
        ({"lesions": {1: np.ones((2, 2, 2), dtype=bool)}}, "mask has shape"),
        (
            {"lesions": {1: Volume(lesion(), Grid(GRID.shape, (3.0, 4.0, 5.0)), "mask")}},
            "another grid",
        ),
        (
            {
                "synthetic": Volume(
                    synthetic().array, Grid(GRID.shape, (3.0, 4.0, 4.0), (900.0, 0, 0)), "SUVbw"
                )
            },
            "do not overlap",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        measured(**changes)


def test_a_second_data_range_gives_rows_named_after_it():
    rows = measured(sensitivity_data_range=10.0)
    alone = ssim(reference(), synthetic(), data_range=10.0, mask=None).value

    assert "L 10" in rows["body", "pair", "ssim_l10"].method
    assert rows["body", "pair", "psnr_l10"].value < rows["body", "pair", "psnr"].value
    assert measured(ct=None, sensitivity_data_range=10.0)["body", "pair", "ssim_l10"].value == alone


def test_uptake_strata_are_rows_of_their_own_over_the_body():
    rows = measured(uptake_edges=(0, 1.5, 5, 20))
    strata = ("uptake:0-1.5", "uptake:1.5-5", "uptake:5-20")

    assert rows["uptake:5-20", "pair", "bias"].value == pytest.approx(-9 * 0.2, rel=1e-5)
    assert rows["uptake:5-20", "pair", "n"].value == lesion().sum()
    assert rows["uptake:5-20", "pair", "n"].unit == "voxels"
    assert sum(rows[s, "pair", "n"].value for s in strata) == rows["body", "pair", "mae"].n_voxels


def test_fsim_is_measured_on_request_only():
    assert ("body", "pair", "fsim") not in measured()
    assert 0 < measured(fsim=True)["body", "pair", "fsim"].value <= 1


def test_controls_are_measured_in_the_same_strata():
    rows = measured(uptake_edges=(0, 5, 20), negative_controls=True)

    assert rows["uptake:5-20", "control:lesions_erased", "bias"].value < -6
    assert rows["uptake:5-20", "control:zero", "bias"].value == pytest.approx(-9.0)
