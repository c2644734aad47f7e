import numpy as np
import pytest

from evaluation.agreement import lin_ccc, lin_ccc_each


def test_several_quantities_drawn_once_have_the_coefficients_of_each_alone():
    rng = np.random.default_rng(4)
    subject = np.repeat(np.arange(30), 2)
    x = rng.normal(5, 1, 60)
    pairs = [(x, x + rng.normal(0, sd, 60)) for sd in (0.2, 0.8)]
    found = lin_ccc_each(pairs, subject=subject, seed=9, replicates=300)
    assert list(found) == [lin_ccc(a, b, subject=subject, seed=9, replicates=300) for a, b in pairs]
    gap = np.where(np.arange(60) < 4, np.nan, x)
    value = lin_ccc_each([pairs[0], (gap, pairs[1][1])], subject=subject, seed=9)[1]
    alone = lin_ccc(gap, pairs[1][1], subject=subject, seed=9)
    assert (value.n, value.clusters, value.missing) == (56, 28, 4)
    assert value.value == pytest.approx(alone.value)
    assert value.lower == pytest.approx(alone.lower, abs=0.02)
