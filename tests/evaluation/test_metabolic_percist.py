import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.analysis.measure import measure_pair
from evaluation.imaging import Grid, Volume
from evaluation.metabolic import (
    MetabolicRefused,
    lesion_parameters,
    organ_statistics,
    own_region,
    percist_threshold,
)

GRID = Grid((24, 30, 40), (3.0, 4.0, 4.0))
CENTRES = np.stack(np.meshgrid(*[np.arange(n) for n in GRID.shape], indexing="ij"), axis=-1)
MM = CENTRES * np.array(GRID.spacing_mm)


def ball(centre, radius_mm):
    """Mask of a ball round a voxel (z, y, x)."""
    return np.linalg.norm(MM - np.array(centre) * GRID.spacing_mm, axis=-1) <= radius_mm


def liver():
    """A big right lobe (small x) and a narrow left one."""
    return ball((12, 15, 10), 30) | ball((12, 12, 22), 12)


def image(values, unit="SUVbw"):
    return Volume(np.asarray(values, dtype=np.float32), GRID, unit)


def noisy(mean=2.0, sd=0.2, seed=0):
    return mean + sd * np.random.default_rng(seed).normal(size=GRID.shape)


def by_name(parameters):
    return {parameter.quantity: parameter for parameter in parameters}


def test_the_threshold_is_one_and_a_half_means_and_two_deviations_of_the_sphere():
    values = noisy().astype(np.float32)
    found = percist_threshold(image(values, "SUVlbm"), liver())
    x, y, z = found.centre_mm
    sphere = values[np.linalg.norm(MM - np.array([z, y, x]), axis=-1) <= 15].astype(float)

    assert found.n_voxels == sphere.size
    assert found.value == pytest.approx(1.5 * sphere.mean() + 2 * sphere.std())
    assert (found.liver_mean, found.liver_sd) == pytest.approx((sphere.mean(), sphere.std()))


def test_the_sphere_lies_inside_the_right_lobe():
    found = percist_threshold(image(noisy(), "SUVlbm"), liver())
    x, y, z = found.centre_mm
    sphere = np.linalg.norm(MM - np.array([z, y, x]), axis=-1) <= 15
    half = MM[..., 2] <= MM[..., 2][liver()].mean()

    assert not (sphere & ~liver()).any()
    assert not (sphere & ~half).any()


def test_the_right_of_the_patient_is_found_on_a_mirrored_grid():
    mirrored = Grid(
        GRID.shape, GRID.spacing_mm, (156.0, 0.0, 0.0), ((-1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0))
    )
    values = noisy().astype(np.float32)
    there = percist_threshold(
        Volume(values[:, :, ::-1], mirrored, "SUVlbm"), liver()[:, :, ::-1].copy()
    )
    here = percist_threshold(image(values, "SUVlbm"), liver())

    assert there.value == pytest.approx(here.value)
    assert there.centre_mm == pytest.approx(here.centre_mm)


def test_an_image_of_body_weight_needs_the_factor_to_sul():
    found = percist_threshold(image(noisy()), liver(), sul_factor=0.75)

    assert found.value == pytest.approx(0.75 * found.in_image_unit)
    with pytest.raises(MetabolicRefused, match="lean mass over weight"):
        percist_threshold(image(noisy()), liver())


@pytest.mark.parametrize(
    ("unit", "mask", "factor", "words"),
    [
        ("SUVlbm", np.zeros(GRID.shape, bool), None, "empty"),
        ("SUVlbm", ball((12, 15, 10), 14), None, "no sphere of 3 cm fits"),
        ("SUVlbm", liver(), 0.8, "needs no factor"),
        ("SUVbsa", liver(), None, "SUL or SUVbw"),
        ("SUVbw", liver(), 0.0, "above zero"),
        ("SUVbw", liver(), float("nan"), "above zero"),
    ],
)
def test_a_liver_that_gives_no_threshold_is_refused(unit, mask, factor, words):
    with pytest.raises(MetabolicRefused, match=words):
        percist_threshold(image(noisy(), unit), mask, sul_factor=factor)


def test_a_liver_cut_by_the_image_border_is_no_deeper_there():
    # A slab of 28 mm that the border cuts: 15 mm fit from the border inwards, not to both sides.
    slab = np.zeros(GRID.shape, bool)
    slab[:, :, :7] = True
    with pytest.raises(MetabolicRefused, match="no sphere"):
        percist_threshold(image(noisy(), "SUVlbm"), slab)


@pytest.mark.parametrize(("slices", "fits"), [(9, False), (11, True)])
def test_every_voxel_of_the_sphere_lies_in_the_mask(slices, fits):
    # Nine slices of 3 mm leave exactly 15 mm to the next voxel outside: that one is in the sphere.
    mask = np.zeros(GRID.shape, bool)
    mask[5 : 5 + slices, 5:25, 2:38] = True
    if fits:
        assert percist_threshold(image(noisy(), "SUVlbm"), mask).value > 0
    else:
        with pytest.raises(MetabolicRefused, match="no sphere"):
            percist_threshold(image(noisy(), "SUVlbm"), mask)


def test_volume_and_glycolysis_above_the_threshold_are_told_in_sul():
    values = np.full(GRID.shape, 2.0)
    lesion = ball((12, 8, 34), 9)
    values[lesion] = 8.0
    threshold = percist_threshold(image(values), liver(), sul_factor=0.5)
    found = by_name(lesion_parameters(image(values), lesion, percist=threshold))
    ml = lesion.sum() * GRID.voxel_volume_ml

    assert threshold.value == pytest.approx(1.5)
    assert found["mtv_percist"].value == pytest.approx(ml)
    assert found["tlg_percist"].value == pytest.approx(8 * 0.5 * ml)
    assert found["tlg_percist"].unit == "SUVlbm ml"


def test_a_lesion_below_the_threshold_has_a_volume_of_zero():
    values = np.full(GRID.shape, 2.0)
    threshold = percist_threshold(image(values), liver(), sul_factor=1.0)
    found = by_name(lesion_parameters(image(values), ball((12, 8, 34), 9), percist=threshold))
    assert found["mtv_percist"].value == found["tlg_percist"].value == 0.0


@settings(max_examples=10)
@given(st.floats(0.5, 4.0))
def test_the_threshold_scales_with_the_uptake_and_the_volume_stays(scale):
    values = noisy(sd=0.01)
    lesion = ball((12, 8, 34), 9)
    values[lesion] = 9.0
    volumes = []
    for factor in (1.0, scale):
        scaled = image(values * factor, "SUVlbm")
        percist = percist_threshold(scaled, liver())
        volumes.append(by_name(lesion_parameters(scaled, lesion, percist=percist))["mtv_percist"])

    assert volumes[0].value == volumes[1].value > 0


def test_the_region_of_the_reference_is_laid_on_both_images():
    lesion = ball((12, 8, 34), 15)
    reference, synthetic = np.full(GRID.shape, 1.0), np.full(GRID.shape, 1.0)
    reference[ball((12, 8, 34), 9)] = 10.0
    synthetic[ball((12, 8, 34), 6)] = 10.0
    region = own_region(image(reference), lesion)
    on_reference, on_synthetic = (
        by_name(lesion_parameters(image(v), lesion, reference_region=region))
        for v in (reference, synthetic)
    )

    assert on_reference["mtv_ref41"].value == on_synthetic["mtv_ref41"].value
    assert on_reference["suv_mean_ref41"].value == on_reference["suv_mean_41"].value == 10.0
    inside = ball((12, 8, 34), 9)
    assert on_synthetic["suv_mean_ref41"].value == pytest.approx(synthetic[inside].mean())
    assert on_synthetic["mtv_41"].value < on_synthetic["mtv_ref41"].value
    assert on_synthetic["tlg_ref41"].value == pytest.approx(
        synthetic[inside].sum() * GRID.voxel_volume_ml
    )


def test_a_reference_without_uptake_has_no_region_to_lay_on_the_other():
    lesion = ball((12, 8, 34), 9)
    region = own_region(image(np.zeros(GRID.shape)), lesion)
    found = by_name(lesion_parameters(image(noisy()), lesion, reference_region=region))

    assert region.n == 0
    assert (found["suv_mean_ref41"].value, found["suv_mean_ref41"].flags) == (
        None,
        ("empty_reference_region",),
    )


def test_a_liver_outside_the_range_of_quality_control_is_flagged():
    normal = by_name(organ_statistics(image(noisy(2.0)), {"liver": liver()})["liver"])
    odd = by_name(organ_statistics(image(noisy(3.4)), {"liver": liver()})["liver"])

    assert normal["suv_mean"].flags == ()
    assert odd["suv_mean"].flags == ("liver_outside_qc_range",)
    assert odd["suv_sd"].flags == ()


def rows_of(backgrounds, **changes):
    values = noisy()
    lesion = ball((12, 8, 34), 9)
    values[lesion] = 9.0
    rows = measure_pair(
        reference=image(values),
        synthetic=image(values * 0.9),
        ct=None,
        lesions={1: lesion},
        backgrounds=backgrounds,
        data_range=20.0,
        **changes,
    )
    return {(r.region, r.image, r.quantity): r for r in rows}


def test_a_pair_gets_each_images_own_threshold():
    rows = rows_of({"liver": liver()}, sul_factor=0.75)
    thresholds = [
        rows["organ:liver", image_, "percist_threshold"].value
        for image_ in ("reference", "synthetic")
    ]

    assert thresholds[1] == pytest.approx(0.9 * thresholds[0], rel=1e-5)
    assert (
        rows["lesion:1", "synthetic", "mtv_percist"].value
        == rows["lesion:1", "reference", "mtv_percist"].value
        > 0
    )


def test_a_pair_without_the_factor_has_no_percist_and_one_without_a_liver_says_why():
    assert ("lesion:1", "reference", "mtv_percist") not in rows_of({"liver": liver()})
    row = rows_of({}, sul_factor=0.75)["lesion:1", "reference", "mtv_percist"]

    assert (row.value, row.flags) == (None, ("no_percist_threshold",))
    assert "without a liver mask" in row.method
