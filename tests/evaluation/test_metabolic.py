import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.imaging import Grid, Volume
from evaluation.metabolic import (
    MetabolicRefused,
    lesion_parameters,
    organ_statistics,
    tumour_to_background,
)

GRID = Grid((20, 24, 24), (3.0, 4.0, 4.0))


def image(values):
    return Volume(np.asarray(values, dtype=np.float32), GRID, "SUVbw")


def cube(start=8, stop=11):
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[start:stop, start:stop, start:stop] = True
    return mask


def hot_cube(background=1.0, uptake=10.0):
    values = np.full(GRID.shape, background)
    values[cube()] = uptake
    return values


def by_name(parameters):
    return {parameter.quantity: parameter for parameter in parameters}


def test_uptake_and_volume_of_a_uniform_lesion():
    found = by_name(lesion_parameters(image(hot_cube()), cube()))
    ml = 27 * 0.048

    assert found["suv_max"].value == found["suv_mean"].value == 10.0
    for rule in ("mask", "41", "50", "2_5", "4_0"):
        assert found[f"mtv_{rule}"].value == pytest.approx(ml)
        assert found[f"tlg_{rule}"].value == pytest.approx(10 * ml)
    assert found["mtv_41"].unit == "ml"
    assert found["tlg_41"].unit == "SUVbw ml"


def test_the_peak_sphere_counts_voxel_centres_within_its_radius():
    values = np.zeros(GRID.shape)
    values[10, 12, 12] = 19.0
    mask = values > 0
    offsets = [
        (z, y, x)
        for z in range(-3, 4)
        for y in range(-3, 4)
        for x in range(-3, 4)
        if (3 * z) ** 2 + (4 * y) ** 2 + (4 * x) ** 2 <= 6.2035**2
    ]
    found = by_name(lesion_parameters(image(values), mask))

    assert found["suv_peak"].value == pytest.approx(19.0 / len(offsets))
    assert found["suv_peak"].n_voxels == len(offsets)


def test_the_peak_leaves_the_mask_and_is_cut_only_at_the_image_border():
    values = np.full(GRID.shape, 2.0)
    values[0, 0, 0] = 6.0
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[0, 0, 0] = True
    found = by_name(lesion_parameters(image(values), mask))
    corner = [
        (z, y, x)
        for z in range(3)
        for y in range(2)
        for x in range(2)
        if (3 * z) ** 2 + (4 * y) ** 2 + (4 * x) ** 2 <= 6.2035**2
    ]

    assert found["suv_peak"].value == pytest.approx((6 + 2 * (len(corner) - 1)) / len(corner))
    assert found["suv_peak"].flags == ("touches_border", "sphere_cut_at_border")
    assert found["suv_peak"].n_voxels == len(corner)


def test_the_global_peak_may_lie_elsewhere_than_the_maximum():
    values = np.full(GRID.shape, 1.0)
    values[5, 5, 5] = 12.0
    values[12:17, 12:17, 12:17] = 9.0
    mask = values > 1
    found = by_name(lesion_parameters(image(values), mask))

    assert found["suv_max"].value == 12.0
    assert found["suv_peak"].value == 9.0
    assert found["suv_peak_local"].value < 3.0


def test_of_equal_maxima_the_local_peak_takes_the_better():
    values = np.full(GRID.shape, 1.0)
    values[5, 5, 5] = values[15, 15, 15] = 9.0
    values[15, 15, 16] = 5.0
    mask = values > 8
    lonely = by_name(lesion_parameters(image(values), (mask * (np.arange(20) < 10)[:, None, None])))
    both = by_name(lesion_parameters(image(values), mask))

    assert both["suv_peak_local"].value > lonely["suv_peak_local"].value


def test_a_threshold_above_all_uptake_is_a_volume_of_zero_not_a_missing_one():
    found = by_name(lesion_parameters(image(hot_cube(uptake=2.0)), cube()))

    assert found["mtv_2_5"].value == found["tlg_2_5"].value == 0.0
    assert found["mtv_41"].value > 0


def test_a_threshold_region_must_hang_together_with_the_lesion():
    values = hot_cube()
    values[8:11, 8:11, 13] = 10.0  # inside the search box, but apart
    found = by_name(lesion_parameters(image(values), cube()))

    assert found["mtv_41"].n_voxels == 27


def test_a_threshold_region_may_outgrow_the_mask():
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[9, 9, 9] = True
    found = by_name(lesion_parameters(image(hot_cube()), mask))

    assert found["mtv_41"].n_voxels == 27
    assert found["mtv_mask"].n_voxels == 1


def test_a_region_that_runs_out_of_its_box_is_flagged():
    found = by_name(lesion_parameters(image(np.full(GRID.shape, 5.0)), cube()))

    assert "region_reaches_box" in found["mtv_2_5"].flags
    assert found["mtv_mask"].flags == ()


def test_a_lesion_without_uptake_has_no_relative_threshold():
    found = by_name(lesion_parameters(image(np.zeros(GRID.shape)), cube()))

    assert (found["mtv_41"].value, found["mtv_41"].flags) == (None, ("no_uptake",))
    assert found["mtv_2_5"].value == 0.0


def test_an_empty_mask_gives_every_quantity_without_a_value():
    full = by_name(lesion_parameters(image(hot_cube()), cube()))
    empty = by_name(lesion_parameters(image(hot_cube()), np.zeros(GRID.shape, dtype=bool)))

    assert list(empty) == list(full)
    assert {(p.value, p.flags) for p in empty.values()} == {(None, ("empty_mask",))}


@given(st.floats(0.1, 50))
def test_uptake_scales_and_relative_volume_does_not(scale):
    rng = np.random.default_rng(2)
    values = hot_cube() + rng.random(GRID.shape)
    one = by_name(lesion_parameters(image(values), cube()))
    scaled = by_name(lesion_parameters(image(values * scale), cube()))

    for name in ("suv_max", "suv_mean", "suv_peak", "suv_peak_local", "tlg_mask"):
        assert scaled[name].value == pytest.approx(scale * one[name].value, rel=1e-5)
    assert scaled["mtv_mask"].value == one["mtv_mask"].value


def test_peak_never_exceeds_the_maximum_of_the_image():
    values = hot_cube() + np.random.default_rng(3).random(GRID.shape)
    found = by_name(lesion_parameters(image(values), cube()))
    assert found["suv_peak_local"].value <= found["suv_peak"].value <= values.max()


@pytest.mark.parametrize(
    ("volume", "mask", "words"),
    [
        (Volume(np.zeros(GRID.shape, np.float32), GRID, "Bq/ml"), cube(), "in SUV"),
        (image(np.full(GRID.shape, np.nan)), cube(), "finite"),
        (image(hot_cube()), np.ones((2, 2, 2), dtype=bool), "shape"),
        (
            image(hot_cube()),
            Volume(cube(), Grid(GRID.shape, GRID.spacing_mm, (5.0, 0.0, 0.0)), "mask"),
            "another grid",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(volume, mask, words):
    with pytest.raises(MetabolicRefused, match=words):
        lesion_parameters(volume, mask)


def test_tumour_to_background_divides_by_the_mean_of_the_background():
    values = hot_cube(background=2.0)
    found = by_name(tumour_to_background(image(values), cube(), cube(14, 18)))

    assert found["tbr_max"].value == found["tbr_mean"].value == 5.0
    assert found["tbr_peak"].value == pytest.approx(
        by_name(lesion_parameters(image(values), cube()))["suv_peak"].value / 2
    )


@pytest.mark.parametrize(
    ("lesion", "background", "uptake", "flag"),
    [
        (cube(0, 0), cube(), 1.0, "empty_mask"),
        (cube(), cube(0, 0), 1.0, "empty_background"),
        (cube(), cube(14, 18), 0.0, "zero_background"),
    ],
)
def test_a_ratio_that_does_not_exist_says_why(lesion, background, uptake, flag):
    found = tumour_to_background(image(hot_cube(background=uptake)), lesion, background)
    assert {(p.value, p.flags) for p in found} == {(None, (flag,))}


def test_organs_are_eroded_against_spill_over():
    values = np.full(GRID.shape, 2.0)
    values[cube(5, 6)] = 50.0
    organ = cube(5, 15)
    found = by_name(organ_statistics(image(values), {"liver": organ})["liver"])

    assert found["suv_mean"].value == found["suv_p95"].value == 2.0
    assert found["suv_sd"].value == 0.0
    assert found["suv_mean"].n_voxels == 8**3
    assert found["volume"].value == pytest.approx(1000 * 0.048)


def test_a_thin_organ_is_measured_whole_and_flagged():
    found = by_name(organ_statistics(image(hot_cube()), {"wall": cube(8, 10)})["wall"])
    assert (found["suv_mean"].value, found["suv_mean"].flags) == (10.0, ("not_eroded",))


def test_an_empty_organ_has_no_uptake():
    found = by_name(organ_statistics(image(hot_cube()), {"none": cube(0, 0)})["none"])
    assert (found["suv_mean"].value, found["suv_mean"].flags) == (None, ("empty_mask",))
    assert found["volume"].value == 0.0


def test_the_peak_at_the_far_border_is_the_mirror_of_that_at_the_near_one():
    values = np.random.default_rng(5).random(GRID.shape)
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[0, 0, 0] = True
    near = by_name(lesion_parameters(image(values), mask))
    far = by_name(lesion_parameters(image(values[::-1, ::-1, ::-1]), mask[::-1, ::-1, ::-1]))

    assert far["suv_peak"].value == pytest.approx(near["suv_peak"].value)


def test_a_voxel_exactly_at_the_threshold_belongs_to_the_region():
    found = by_name(lesion_parameters(image(hot_cube(uptake=2.5)), cube()))
    assert found["mtv_2_5"].n_voxels == 27


def test_a_sphere_may_be_cut_though_the_lesion_does_not_touch_the_border():
    values = np.full(GRID.shape, 1.0)
    values[1, 12, 12] = 9.0
    found = by_name(lesion_parameters(image(values), values > 5))

    assert found["suv_peak"].flags == ("sphere_cut_at_border",)
    assert found["suv_max"].flags == ()
