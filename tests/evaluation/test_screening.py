"""The screening of a pair: what it measures on phantoms with a fault of known size, and what it leaves unsaid."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.imaging import Volume
from evaluation.screening import Measured, scene_of
from evaluation.screening.breathing import breathing_of
from evaluation.screening.halo import halo_of
from evaluation.screening.laterality import laterality_of
from evaluation.screening.metal import metal_of
from evaluation.screening.organs import blood_pool_of, liver_of
from evaluation.screening.registration import registration_of
from evaluation.screening.truncation import truncation_of
from synthesis.data import draw_participant, make_phantom, scanner_of


@pytest.fixture(scope="module")
def pair():
    """A whole chest with upper abdomen on a grid of 4 mm."""
    scanner = replace(
        scanner_of("SPH"), shape=(72, 96, 96), spacing_zyx_mm=(4.0, 400 / 96, 400 / 96)
    )
    return make_phantom(draw_participant(20), scanner)


@pytest.fixture(scope="module")
def scene(pair):
    return scene_of(pair.ct, pair.pet)


def painted(volume, change):
    array = volume.array.copy()
    change(array)
    return Volume(array, volume.grid, volume.unit)


def moved_up(volume, slices):
    return Volume(np.roll(volume.array, slices, axis=0), volume.grid, volume.unit)


def test_the_estimated_liver_and_blood_pool_have_the_uptake_of_the_true_ones(pair, scene):
    for label, found in (("liver", liver_of(scene)), ("blood_pool", blood_pool_of(scene))):
        true = float(pair.pet.array[pair.region(f"organ:{label}")].mean())
        assert found.values["suv_median"] == pytest.approx(true, rel=0.15)
        assert found.values["outlined"] == 0


def test_an_outline_is_believed_before_any_estimate(scene):
    found = liver_of(scene, {"liver": np.array([1.0, 3.0])})
    assert (found.values["suv_mean"], found.values["outlined"]) == (2.0, 1.0)


@pytest.mark.parametrize("slices", [-4, 4])
def test_a_diaphragm_that_moved_is_measured_in_millimetres(pair, scene, slices):
    still = breathing_of(scene).values["mismatch_mm"]
    moved = breathing_of(scene_of(pair.ct, moved_up(pair.pet, slices))).values["mismatch_mm"]
    assert moved - still == pytest.approx(4.0 * slices, abs=1.5)
    assert abs(still) < 10


def test_a_mirrored_pet_fits_worse_than_its_mirror_image(pair, scene):
    mirror = Volume(pair.pet.array[:, :, ::-1], pair.pet.grid, pair.pet.unit)
    assert laterality_of(scene).values["margin"] > 0.05
    assert laterality_of(scene_of(pair.ct, mirror)).values["margin"] < -0.05


def test_the_registration_finds_how_far_a_pet_was_pushed_aside(pair, scene):
    grid = pair.pet.grid
    x, y, z = grid.origin_mm
    pushed = Volume(pair.pet.array, replace(grid, origin_mm=(x + 20.0, y, z)), pair.pet.unit)
    assert registration_of(scene).values["residual_mm"] < 5
    found = registration_of(scene_of(pair.ct, pushed)).values["residual_mm"]
    assert found == pytest.approx(20, abs=4)


def test_metal_is_measured_and_its_streaks_make_soft_tissue_noisy(pair):
    def implant(array):
        array[40, 50:54, 40:44] = 4000.0

    def streaks(array):
        implant(array)
        angles = np.arctan2(*np.ogrid[-52:44, -42:54])
        array[40] += 250.0 * np.sin(24 * angles) * (array[40] > -500)

    clean, quiet = metal_of(pair.ct).values, metal_of(painted(pair.ct, implant)).values
    loud = metal_of(painted(pair.ct, streaks)).values
    assert clean["metal_ml"] == 0
    assert quiet["metal_ml"] == pytest.approx(16 * pair.ct.grid.voxel_volume_ml)
    assert quiet["first_z_mm"] == quiet["last_z_mm"]
    assert quiet["streak_ratio"] < 1.5 < loud["streak_ratio"]


def test_a_body_cut_by_the_field_of_view_is_seen(pair, scene):
    narrow = pair.ct.crop((slice(None), slice(None), slice(20, 76)))
    assert truncation_of(scene).values["slices_share"] < 0.05
    assert truncation_of(scene_of(narrow, pair.pet)).values["slices_share"] > 0.9


def test_a_halo_round_something_hot_is_seen_and_plain_heat_is_none(pair):
    middle = np.linalg.norm(
        (np.indices(pair.pet.grid.shape).transpose(1, 2, 3, 0) - (30, 24, 24))
        * pair.pet.grid.spacing_mm, axis=3,
    )  # fmt: skip

    def heat(array):
        array[middle < 14] = 40.0

    def halo(array):
        array[(middle >= 14) & (middle < 60)] *= 0.1
        heat(array)

    hot, ringed = (scene_of(pair.ct, painted(pair.pet, change)) for change in (heat, halo))
    assert halo_of(hot).values["ring_ratio"] > 0.5
    assert halo_of(ringed).values["ring_ratio"] < 0.5


def test_what_is_not_in_view_is_said_to_be_unchecked_and_not_guessed(pair):
    part = (slice(0, 12), slice(40, 60), slice(30, 60))
    scene = scene_of(pair.ct.crop(part), pair.pet)
    for check in (liver_of, blood_pool_of, breathing_of, laterality_of, registration_of):
        found = check(scene)
        assert not found.values
        assert found.unchecked.endswith(".")


def test_a_measure_has_numbers_or_the_reason_why_none():
    for wrong in ({}, {"values": {"a": 1.0}, "unchecked": "Not seen."}):
        with pytest.raises(ValueError, match="gives numbers or says why"):
            Measured(**wrong)
