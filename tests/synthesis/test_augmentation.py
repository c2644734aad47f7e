"""Augmentation and weighting: the same for all images of a pair, seeded, and never a flip."""

import numpy as np
import pytest

from synthesis.data.augmentation import (
    NO_CHANGE,
    Augmentation,
    AugmentationRanges,
    draw_augmentation,
)
from synthesis.data.weighting import band_around, lesion_weights, organ_weights

SPACING = (4.0, 4.0)


def spot(y: int = 20, x: int = 30, size: int = 41) -> np.ndarray:
    image = np.zeros((2, size, size), dtype=np.float32)
    image[:, y - 1 : y + 2, x - 1 : x + 2] = 1
    return image


def centre(image: np.ndarray) -> np.ndarray:
    return np.array(np.nonzero(image[0])).mean(axis=1)


def test_the_same_seed_draws_the_same_changes() -> None:
    first, again = (
        draw_augmentation(AugmentationRanges(), np.random.default_rng(5)) for _ in range(2)
    )

    assert first == again
    np.testing.assert_array_equal(first.ct(spot(), SPACING), again.ct(spot(), SPACING))


def test_no_change_changes_nothing() -> None:
    hu = np.random.default_rng(1).normal(0, 100, (2, 16, 16)).astype(np.float32)

    np.testing.assert_allclose(NO_CHANGE.ct(hu, SPACING), hu, atol=1e-4)


def test_a_shift_moves_by_millimetres_in_any_spacing() -> None:
    shift = Augmentation(0, 1, (8.0, -16.0), 0, 0, 0)

    moved = shift.image(spot(), (4.0, 8.0), outside=0)

    np.testing.assert_allclose(centre(moved) - centre(spot()), [2, -2], atol=1e-5)


def test_a_turn_of_a_right_angle_takes_right_to_below_whatever_the_spacing() -> None:
    turn = Augmentation(90, 1, (0, 0), 0, 0, 0)

    moved = turn.image(spot(20, 30), (8.0, 4.0), outside=0) > 0.5

    y, x = centre(moved) - 20
    assert x == pytest.approx(0, abs=0.5)
    assert abs(y) == pytest.approx(5, abs=0.5)  # 10 voxels of 4 mm are 5 of 8 mm


def test_what_is_on_the_left_stays_on_the_left() -> None:
    for seed in range(20):
        drawn = draw_augmentation(AugmentationRanges(shift_mm=0), np.random.default_rng(seed))
        moved = drawn.image(spot(20, 32), SPACING, outside=0)
        assert centre(moved > 0.3)[1] > 25


def test_ct_and_pet_and_mask_move_together() -> None:
    drawn = draw_augmentation(AugmentationRanges(), np.random.default_rng(3))

    image = drawn.image(spot(), SPACING, outside=0)
    mask = drawn.mask(spot() > 0, SPACING)

    assert (np.asarray(image > 0.5) == mask).mean() > 0.99
    assert image.max() <= 1 + 1e-6


def test_air_stays_air() -> None:
    air = np.full((1, 12, 12), -1000, dtype=np.float32)

    assert np.unique(Augmentation(5, 1.05, (3, 3), 8, 15, 1).ct(air, SPACING)).tolist() == [-1000]


def test_ranges_that_would_turn_a_body_over_are_refused() -> None:
    with pytest.raises(ValueError, match="45 degrees"):
        AugmentationRanges(turn_degrees=180)


def test_each_lesion_counts_the_same_in_total() -> None:
    lesions = np.zeros((8, 8, 8), dtype=np.uint8)
    lesions[0, 0, :2] = 1
    lesions[4:, 4:, 4:] = 2

    weights = lesion_weights(lesions, (4.0, 4.0, 4.0))

    assert weights[lesions == 1].sum() == pytest.approx(weights[lesions == 2].sum())
    assert weights[lesions == 0].max() == 0
    assert weights[lesions == 1].sum() * 0.064 == pytest.approx(1)


def test_organs_weigh_as_the_table_says() -> None:
    labels = np.array([[0, 3, 3, 7]])

    assert organ_weights(labels, {3: 2.0, 7: 0.5}).tolist() == [[1, 2, 2, 0.5]]
    with pytest.raises(ValueError, match="not negative"):
        organ_weights(labels, {3: -1.0})


def test_a_band_lies_outside_and_within_its_width() -> None:
    lesions = np.zeros((1, 1, 11), dtype=bool)
    lesions[0, 0, 5] = True

    band = band_around(lesions, (2.0, 2.0, 2.0), width_mm=4.0)

    assert np.flatnonzero(band).tolist() == [3, 4, 6, 7]
    assert not band_around(np.zeros_like(lesions), (2.0, 2.0, 2.0), width_mm=4.0).any()
