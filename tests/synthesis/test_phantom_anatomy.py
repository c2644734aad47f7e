"""The anatomy of phantoms: organs of a plausible size, on their side, with the uptake drawn."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from synthesis.data import draw_participant, make_phantom
from synthesis.data.anatomy import paint_anatomy
from synthesis.data.canvas import blank_canvas
from synthesis.data.frame import outer_half_axes
from synthesis.data.phantom import lowest_z_mm
from synthesis.data.tissue import Tissue, hu_table
from tests.synthesis.makers import full_pair, small_pair, small_scanner

DRAWN = [draw_participant(seed) for seed in range(1000)]
GRID_MM = 6.0
# ml (wall of the left ventricle: g). Plausible bounds for adults, wider than published means +- 2
# SD: liver and spleen Prassopoulos 1997 and Geraghty 2004, kidneys Cheong 2007, ventricle Petersen
# 2017; the lungs reach from a small woman's to a tall man's inspiration.
VOLUMES = {
    "liver": ((Tissue.LIVER,), 850, 2300),
    "spleen": ((Tissue.SPLEEN,), 60, 400),
    "both kidneys": ((Tissue.KIDNEY, Tissue.URINE), 150, 520),
    "left ventricle": ((Tissue.MYOCARDIUM,), 55, 220),
    "heart": ((Tissue.MYOCARDIUM, Tissue.CHAMBER), 280, 900),
    "lungs": ((Tissue.LUNG,), 1400, 6800),
}


@lru_cache(maxsize=8)
def whole_body(seed: int) -> np.ndarray:
    """Labels on a coarse grid that reaches far enough down to hold whole organs."""
    body = draw_participant(seed).body
    canvas = blank_canvas((68, 66, 66), (GRID_MM,) * 3, body.warp, -200.0)
    paint_anatomy(canvas, body, np.random.default_rng(seed))
    return canvas.labels


@pytest.mark.parametrize("organ", VOLUMES)
def test_an_organ_has_the_volume_of_an_adults(organ: str) -> None:
    tissues, low, high = VOLUMES[organ]

    found = [np.isin(whole_body(s), tissues).sum() * GRID_MM**3 / 1000 for s in range(5)]

    assert low < min(found)
    assert max(found) < high
    assert np.std(found) > 0.02 * np.mean(found)


def test_the_right_kidney_lies_lower_than_the_left_and_each_on_its_side() -> None:
    labels = whole_body(0)
    z, _, x = np.nonzero(labels == Tissue.KIDNEY)
    left = x > labels.shape[2] / 2

    assert 0.7 < left.sum() / (~left).sum() < 1.4
    assert z[left].mean() > z[~left].mean()


def test_every_major_organ_is_outlined_in_the_field() -> None:
    pair = full_pair()
    names = ("liver", "spleen", "kidney_left", "kidney_right", "heart", "aorta", "stomach")

    for name in (*names, "pancreas", "vertebrae", "lung_left", "lung_right", "blood_pool"):
        assert pair.region(f"organ:{name}").sum() > 20, name


def test_urine_makes_the_kidneys_hotter_than_their_cortex() -> None:
    pair = full_pair()
    kidneys = pair.region("organ:kidney_left") | pair.region("organ:kidney_right")
    uptake = pair.participant.uptake

    assert uptake.urine > uptake.kidney
    assert pair.pet.array[kidneys].max() > 1.3 * uptake.kidney


def test_about_a_fifth_have_their_arms_at_their_sides() -> None:
    share = np.mean([p.body.arms_down for p in DRAWN])

    assert 0.15 < share < 0.25


def test_arms_at_the_sides_reach_the_edge_of_the_field_and_raised_ones_do_not() -> None:
    down = next(p for p in DRAWN if p.body.arms_down and outer_half_axes(p.body)[0] > 150)
    up = next(p for p in DRAWN if not p.body.arms_down)

    for person, cut in ((down, True), (up, False)):
        ct = make_phantom(person, small_scanner()).ct.array
        assert bool((ct[4:12, :, [0, -1]] > -300).any()) is cut


def test_the_mean_uptake_of_the_field_is_near_that_of_an_even_distribution() -> None:
    # All activity over all mass is an SUV of 1; trunk without brain and bladder lies a bit lower.
    for seed in range(4):
        pair = small_pair(seed)
        z, y, x = pair.ct.array.shape
        hu = pair.ct.array.reshape(z, y // 2, 2, x // 2, 2).mean(axis=(2, 4))
        mass = np.clip(1 + hu / 1000, 0, 1.5) * (pair.pet.array > 0.05)

        assert 0.5 < (mass * pair.pet.array).sum() / mass.sum() < 1.4


def test_bone_and_contrast_are_brighter_at_a_lower_tube_voltage() -> None:
    person = next(p for p in DRAWN if p.body.contrast_phase == "venous")
    low, high = hu_table(person, 100), hu_table(person, 140)

    assert low[Tissue.CORTEX] > high[Tissue.CORTEX] + 150
    assert low[Tissue.AORTA] > high[Tissue.AORTA] + 20
    assert low[Tissue.FAT] == high[Tissue.FAT]


def test_the_phase_of_the_contrast_decides_how_bright_the_liver_is_beside_the_aorta() -> None:
    found = {p.body.contrast_phase: p for p in DRAWN}
    shares = {}
    for phase, person in found.items():
        table = hu_table(person, 120)
        shares[phase] = (table[Tissue.LIVER] - person.body.liver_hu, table[Tissue.AORTA] - 42)

    assert shares["none"] == (0, 0)
    assert shares["arterial"][0] / shares["arterial"][1] < 0.2
    assert shares["venous"][0] / shares["venous"][1] > 0.35


def test_one_scanner_pads_outside_its_circle_and_the_others_do_not() -> None:
    padded, whole = small_pair(3, "NB2").ct.array, small_pair(3, "SPH").ct.array

    assert np.all(padded[:, 0, 0] == -2000)
    assert padded[:, 48, :].min() >= -1024
    assert whole.min() >= -1024


def test_brown_fat_glows_in_few_and_in_more_women_than_men() -> None:
    lit = {sex: np.mean([p.uptake.brown > 1.5 for p in DRAWN if p.sex == sex]) for sex in "FM"}

    assert 0.01 < lit["M"] < 0.08
    assert lit["M"] < lit["F"] < 0.16


def test_myocardium_is_suppressed_patchy_or_avid() -> None:
    uptake = np.array([p.uptake.myocardium for p in DRAWN])

    assert 0.48 < np.mean(uptake <= 2.5) < 0.62
    assert 0.1 < np.mean(uptake >= 7) < 0.2


def test_a_longer_field_reaches_further_down_from_the_same_top() -> None:
    short = small_scanner()
    long = replace(short, shape=(30, 96, 96))

    assert lowest_z_mm(long) == pytest.approx(lowest_z_mm(short) - 4 * 9.8)
