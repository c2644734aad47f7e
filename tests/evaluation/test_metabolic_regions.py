"""Segmentation above a threshold, the contralateral lung, and what borders and bad masks give."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.analysis.measure import measure_pair
from evaluation.imaging import Grid, Volume
from evaluation.metabolic import (
    MetabolicRefused,
    contralateral_lung,
    lesion_parameters,
    lungs_of_sides,
    organ_statistics,
    percist_threshold,
    segment,
    tumour_to_background,
)
from tests.evaluation.reference_cases import reference_json

GRID = Grid((20, 24, 40), (3.0, 4.0, 4.0))


def image(values, unit="SUVbw"):
    return Volume(np.asarray(values, dtype=np.float32), GRID, unit)


def block(z, y, x):
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[slice(*z), slice(*y), slice(*x)] = True
    return mask


LESION = block((8, 12), (8, 12), (8, 12))
RIGHT, LEFT = block((4, 16), (6, 18), (4, 16)), block((4, 16), (6, 18), (22, 34))


def hot(background=1.0):
    values = np.full(GRID.shape, background)
    values[LESION] = 10.0
    values[9, 9, 9] = 12.0
    return values


@pytest.mark.parametrize(
    ("arguments", "threshold"),
    [
        ({"method": "41"}, 0.41 * 12),
        ({"method": "50"}, 0.50 * 12),
        ({"method": "fixed", "threshold": 4.0}, 4.0),
    ],
)
def test_a_region_grows_from_its_seed_to_the_threshold(arguments, threshold):
    seed = block((9, 10), (9, 10), (9, 10))
    found = segment(image(hot()), seed=seed, **arguments)

    assert np.array_equal(found.mask.array, LESION)
    assert found.threshold == pytest.approx(threshold)
    assert found.volume_ml == pytest.approx(64 * 0.048)
    assert found.flags == ()
    assert "connected (26)" in found.method


def test_percist_segments_above_the_livers_threshold():
    grid = Grid((24, 30, 40), (3.0, 4.0, 4.0))
    values = np.full(grid.shape, 2.0, dtype=np.float32)
    values[8:12, 8:12, 30:34] = 6.0
    volume = Volume(values, grid, "SUVbw")
    liver = np.zeros(grid.shape, dtype=bool)
    liver[2:22, 5:25, 2:28] = True
    percist = percist_threshold(volume, liver, sul_factor=0.8)
    found = segment(volume, box=(slice(4, 16), slice(4, 16), slice(28, 38)), method="percist",
                    percist=percist)  # fmt: skip

    assert found.n_voxels == 64
    assert found.threshold == pytest.approx(3.0)
    assert "SUL 2.4" in found.method


def test_a_box_without_a_seed_starts_at_its_highest_voxel():
    values = hot()
    values[2, 2, 2] = 50.0  # outside the box
    found = segment(image(values), box=(slice(5, 15), slice(5, 15), slice(5, 15)), method="41")
    assert np.array_equal(found.mask.array, LESION)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("span", [slice(9, 15), slice(5, 11)])
def test_each_face_of_the_box_is_watched(axis, span):
    box = [slice(5, 15)] * 3
    box[axis] = span
    found = segment(image(hot()), box=tuple(box), method="41")
    assert found.flags == ("region_reaches_box",)


def test_a_region_never_leaves_its_box_and_says_when_it_wanted_to():
    box = (slice(9, 15), slice(5, 15), slice(5, 15))
    found = segment(image(hot()), box=box, method="41")

    assert found.flags == ("region_reaches_box",)
    assert not found.mask.array[:9].any()


@settings(max_examples=20)
@given(st.floats(0.5, 15), st.integers(0, 4), st.integers(0, 1000))
def test_no_region_ever_leaks_out_of_its_box(threshold, low, seed):
    values = np.random.default_rng(seed).random(GRID.shape) * 16
    box = (slice(low, low + 6), slice(3, 12), slice(low, 20))
    found = segment(image(values), box=box, method="fixed", threshold=threshold)
    outside = np.ones(GRID.shape, dtype=bool)
    outside[box] = False

    assert not (found.mask.array & outside).any()
    assert found.n_voxels == found.mask.array.sum()


def test_what_touches_the_border_of_the_image_is_flagged():
    values = np.full(GRID.shape, 1.0)
    values[0:3, 5:8, 5:8] = 9.0
    found = segment(image(values), seed=values > 5, method="41")
    assert "touches_border" in found.flags


def test_nothing_above_the_threshold_is_an_empty_mask_with_a_flag():
    found = segment(image(hot()), seed=LESION, method="fixed", threshold=40.0)
    assert (found.n_voxels, found.flags) == (0, ("nothing_above_threshold",))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"method": "41"}, "seed mask or a box"),
        ({"method": "41", "seed": np.zeros(GRID.shape, bool)}, "seed mask is empty"),
        ({"method": "41", "seed": LESION, "box": (slice(0, 3),) * 3}, "outside the box"),
        ({"method": "41", "box": (slice(5, 5),) * 3}, "no voxel"),
        ({"method": "fixed", "seed": LESION}, "with the method fixed"),
        ({"method": "41", "seed": LESION, "threshold": 2.0}, "with the method fixed"),
        ({"method": "percist", "seed": LESION}, "with the method percist"),
        ({"method": "42", "seed": LESION}, "41, 50, fixed or percist"),
        ({"method": "fixed", "seed": LESION, "threshold": -1.0}, "take everything"),
        ({"method": "fixed", "seed": LESION, "threshold": float("nan")}, "take everything"),
    ],
)
def test_a_segmentation_without_what_it_needs_is_refused(arguments, words):
    with pytest.raises(MetabolicRefused, match=words):
        segment(image(hot()), **arguments)


def test_a_cold_image_has_no_share_of_its_maximum():
    with pytest.raises(MetabolicRefused, match="take everything"):
        segment(image(np.zeros(GRID.shape)), seed=LESION, method="41")


def test_the_lung_on_the_other_side_is_taken():
    lungs = RIGHT | LEFT  # patient x grows to the left
    of_right = contralateral_lung(image(hot()), lungs, LESION)
    of_side = contralateral_lung(image(hot()), lungs, side="left")

    assert of_right.n == LEFT.sum()
    assert (of_right.places[:, 2] >= 22).all()
    assert (of_side.places[:, 2] < 16).all()


def test_lungs_that_touch_are_parted_where_they_are_thinnest():
    bridge = block((9, 11), (8, 9), (16, 22))
    found = contralateral_lung(image(hot()), RIGHT | LEFT | bridge, LESION)
    assert LEFT.sum() <= found.n <= LEFT.sum() + bridge.sum() / 2


@pytest.mark.parametrize(("rows", "two"), [(6, True), (7, False)])
def test_two_lungs_are_thinner_between_them_than_half_of_either(rows, two):
    joined = RIGHT | LEFT | block((4, 16), (6, 6 + rows), (16, 22))
    if two:
        assert contralateral_lung(image(hot()), joined, LESION).n >= LEFT.sum()
    else:
        with pytest.raises(MetabolicRefused, match="does not show two lungs"):
            contralateral_lung(image(hot()), joined, LESION)


@pytest.mark.parametrize(
    ("lungs", "arguments", "words"),
    [
        (RIGHT | LEFT, {"lesion": block((8, 12), (8, 12), (14, 26))}, "straddles the midline"),
        (RIGHT | LEFT, {"lesion": np.zeros(GRID.shape, bool)}, "lesion mask is empty"),
        (RIGHT, {"lesion": LESION}, "does not show two lungs"),
        (np.zeros(GRID.shape, bool), {"lesion": LESION}, "lung mask is empty"),
        (RIGHT | LEFT, {}, "either the lesion or its side"),
        (RIGHT | LEFT, {"lesion": LESION, "side": "left"}, "either the lesion or its side"),
    ],
)
def test_no_lung_is_guessed(lungs, arguments, words):
    with pytest.raises(MetabolicRefused, match=words):
        contralateral_lung(image(hot()), lungs, **arguments)


@pytest.mark.parametrize(
    ("left", "right", "words"),
    [
        (RIGHT, LEFT, "does not lie left"),
        (np.zeros(GRID.shape, bool), RIGHT, "one lung is empty"),
    ],
)
def test_lungs_of_the_wrong_side_are_refused(left, right, words):
    with pytest.raises(MetabolicRefused, match=words):
        lungs_of_sides(image(hot()), left=left, right=right)


def test_one_lung_alone_gives_no_midline_and_says_so():
    rows = {
        (r.region, r.image, r.quantity): r
        for r in measure_pair(
            reference=image(hot()), synthetic=image(hot()), ct=None, lesions={1: LESION},
            backgrounds={"lung_left": LEFT}, data_range=20.0,
        )
    }  # fmt: skip
    row = rows["lesion:1", "reference", "tbr_mean_lung_contralateral"]

    assert row.value is None
    assert "only one lung has a mask" in row.method


@pytest.mark.parametrize("names", [("lungs",), ("lung_left", "lung_right")])
def test_a_pair_gets_the_ratio_to_the_other_lung_of_each_lesion(names):
    values = np.full(GRID.shape, 2.0)
    values[RIGHT], values[LEFT] = 0.5, 0.25
    lesions = {1: block((8, 12), (8, 12), (8, 12)), 2: block((8, 12), (8, 12), (26, 30)),
               3: block((8, 12), (8, 12), (17, 21))}  # fmt: skip
    for mask in lesions.values():
        values[mask] = 5.0
    foci = lesions[1] | lesions[2]
    masks = {
        "lungs": (RIGHT | LEFT) & ~foci,
        "lung_left": LEFT & ~foci,
        "lung_right": RIGHT & ~foci,
    }
    backgrounds = {name: masks[name] for name in names}
    rows = {
        (r.region, r.image, r.quantity): r
        for r in measure_pair(
            reference=image(values), synthetic=image(values), ct=None, lesions=lesions,
            backgrounds=backgrounds, data_range=20.0,
        )
    }  # fmt: skip
    name = "tbr_max_lung_contralateral"

    assert rows["lesion:1", "reference", name].value == pytest.approx(5 / 0.25)
    assert rows["lesion:2", "reference", name].value == pytest.approx(5 / 0.5)
    middle = rows["lesion:3", "reference", name]
    assert (middle.value, middle.flags) == (None, ("no_contralateral_lung",))
    assert "straddles the midline" in middle.method
    assert ("organ:" + names[0], "reference", "suv_mean") in rows
    assert ("lesion:1", "reference", "tbr_max_" + names[0]) not in rows


def test_the_ibsi_phantom_has_its_published_peaks_volume_and_first_order_statistics():
    phantom = reference_json("ibsi_digital_phantom.json")
    values = np.array(phantom["image"], dtype=np.float32)
    mask, truth = np.array(phantom["mask"]), phantom["expected"]
    volume = Volume(values, Grid(values.shape, (2.0, 2.0, 2.0)), "SUVbw")
    lesion = {p.quantity: p.value for p in lesion_parameters(volume, mask)}
    organ = {p.quantity: p.value for p in organ_statistics(volume, {"phantom": mask}, 0)["phantom"]}

    assert lesion["suv_peak"] == pytest.approx(3.1, abs=0.05)
    assert lesion["suv_peak_local"] == pytest.approx(2.6, abs=0.05)
    assert lesion["suv_max"] == truth["maximum"]
    assert lesion["suv_mean"] == pytest.approx(truth["mean"], abs=0.005)
    assert organ["suv_mean"] == lesion["suv_mean"]
    assert organ["suv_sd"] ** 2 == pytest.approx(truth["variance"], abs=0.005)
    assert organ["suv_sd"] / organ["suv_mean"] == pytest.approx(truth["cov"], abs=0.0005)
    assert organ["volume"] * 1000 == truth["volume_voxel_counting"]


@pytest.mark.parametrize(
    "measure",
    [
        lesion_parameters,
        lambda i, m: organ_statistics(i, {"liver": m}),
        lambda i, m: tumour_to_background(i, m, m),
        lambda i, m: segment(i, seed=m, method="41"),
    ],
)
@pytest.mark.parametrize(
    ("volume", "mask", "words"),
    [
        (image(hot(), "Bq/ml"), LESION, "in SUV"),
        (image(np.where(LESION, np.nan, 1.0)), LESION, "finite"),
        (image(np.where(LESION, np.inf, 1.0)), LESION, "finite"),
        (image(hot()), LESION[:10], "shape"),
        (image(hot()), np.where(LESION, np.nan, 1.0), "mask holds values"),
        (
            image(hot()),
            Volume(LESION, Grid(GRID.shape, (3.0, 4.0, 4.1)), "mask"),
            "another grid",
        ),
    ],
)
def test_every_measure_refuses_other_units_grids_and_numbers(measure, volume, mask, words):
    with pytest.raises(MetabolicRefused, match=words):
        measure(volume, mask)


def test_an_organ_is_not_eroded_by_less_than_nothing():
    with pytest.raises(MetabolicRefused, match="zero or more"):
        organ_statistics(image(hot()), {"liver": LESION}, -1)
