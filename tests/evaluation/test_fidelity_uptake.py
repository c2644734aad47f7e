import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.fidelity import FidelityRefused, bias, mae, uptake_strata
from evaluation.imaging import Grid, Volume

L = 20.0
EDGES = (0, 1, 2.5, 5, 10, math.inf)


def pair(seed=0):
    rng = np.random.default_rng(seed)
    reference = rng.gamma(1.0, 2.0, (6, 9, 11)).astype(np.float32)
    return reference, (reference * 0.8 + rng.normal(size=reference.shape) * 0.2).astype(np.float32)


def test_each_stratum_has_the_errors_of_its_voxels():
    reference, synthetic = pair()
    mask = np.random.default_rng(1).random(reference.shape) > 0.3
    strata = uptake_strata(reference, synthetic, edges=EDGES, data_range=L, mask=mask)

    for stratum in strata:
        chosen = mask & (reference >= stratum.low) & (reference < stratum.high)
        r, s = reference[chosen].astype(float), synthetic[chosen].astype(float)
        assert stratum.n == chosen.sum()
        assert stratum.mae.value == pytest.approx(np.abs(s - r).mean())
        assert stratum.bias.value == pytest.approx((s - r).mean())
        assert stratum.relative_bias.value == pytest.approx((s - r).sum() / r.sum())
    assert [s.name for s in strata] == ["0-1", "1-2.5", "2.5-5", "5-10", "10-inf"]


@given(st.integers(0, 50), st.lists(st.floats(0.1, 9), min_size=1, max_size=4, unique=True))
@settings(deadline=None, max_examples=20)
def test_strata_that_cover_everything_add_up_to_the_whole(seed, inner):
    reference, synthetic = pair(seed)
    edges = (-math.inf, *sorted(inner), math.inf)
    strata = uptake_strata(reference, synthetic, edges=edges, data_range=L)
    total = sum(s.n * (s.bias.value or 0) for s in strata)

    assert sum(s.n for s in strata) == reference.size
    assert total / reference.size == pytest.approx(bias(reference, synthetic, data_range=L).value)


def test_a_model_that_regresses_to_the_mean_is_seen():
    reference, _ = pair()
    strata = uptake_strata(
        reference, np.full_like(reference, 2.0), edges=(0, 1, 5, 50), data_range=L
    )

    assert strata[0].bias.value > 0 > strata[-1].bias.value
    assert "constant_synthetic" in strata[0].bias.flags


def test_an_edge_belongs_to_the_stratum_above_it():
    values = np.array([[[0.0, 1.0, 2.0]]])
    low, high = uptake_strata(values, values + 1, edges=(0, 1, 2), data_range=L)

    assert (low.n, high.n) == (1, 1)
    assert high.mae.skipped == 1
    assert high.mae.flags == ("voxels_beyond_edges",)


def test_a_stratum_without_voxels_has_no_value_and_says_so():
    reference, synthetic = pair()
    (empty,) = uptake_strata(reference, synthetic, edges=(100, 200), data_range=L)

    assert (empty.n, empty.mae.value, empty.relative_bias.value) == (0, None, None)
    assert "empty_stratum" in empty.bias.flags


def test_no_uptake_has_no_relative_bias():
    (stratum,) = uptake_strata(np.zeros((2, 2, 2)), np.ones((2, 2, 2)), edges=(0, 1), data_range=L)

    assert stratum.bias.value == 1.0
    assert stratum.relative_bias.value is None
    assert "zero_reference" in stratum.relative_bias.flags


@pytest.mark.parametrize("edges", [(), (1,), (1, 1), (2, 1), (0, math.nan)])
def test_edges_that_do_not_increase_are_refused(edges):
    with pytest.raises(FidelityRefused, match="edges"):
        uptake_strata(*pair(), edges=edges, data_range=L)


def test_bias_has_a_sign_and_mae_none():
    reference, _ = pair()
    below = reference - np.float32(0.5)

    assert bias(reference, below, data_range=L).value == pytest.approx(-0.5, rel=1e-6)
    assert mae(reference, below, data_range=L).value == pytest.approx(0.5, rel=1e-6)


def test_the_unit_is_that_of_the_images():
    grid = Grid((6, 9, 11), (3.0, 4.0, 4.0))
    images = [Volume(values, grid, "SUVbw") for values in pair()]
    stratum = uptake_strata(*images, edges=(0, 50), data_range=L)[0]

    assert (stratum.bias.unit, stratum.relative_bias.unit) == ("SUVbw", "1")
