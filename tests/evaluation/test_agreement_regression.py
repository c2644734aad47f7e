import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.agreement import deming, passing_bablok, slopes


def _cloud(seed, n, *, digits=6):
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(5, 2, n), digits)
    return x, np.round(0.3 + 1.1 * x + rng.normal(0, 0.7, n), digits)


def _sorted_slopes(x, y):
    i, j = np.triu_indices(len(x), 1)
    dx, dy = x[j] - x[i], y[j] - y[i]
    keep = (dx != 0) | (dy != 0)
    with np.errstate(divide="ignore"):
        return np.sort(np.where(dx == 0, np.inf, dy / np.where(dx == 0, 1, dx))[keep])


@pytest.mark.parametrize("digits", [6, 1, 0])
@pytest.mark.parametrize(("held", "block"), [(1, 1000), (50, 1), (1 << 20, 1 << 17)])
def test_counted_slopes_equal_sorted_slopes_with_and_without_ties(monkeypatch, digits, held, block):
    monkeypatch.setattr(slopes, "HELD", held)
    monkeypatch.setattr(slopes, "BLOCK", block)
    x, y = _cloud(digits, 90, digits=digits)
    s = _sorted_slopes(x, y)
    ranks = [*range(0, len(s), 397), len(s) - 1]
    assert np.array_equal(slopes.slopes_at(x, y, ranks, total=len(s)), s[ranks])
    c = slopes.count_slopes(x, y)
    assert (c.total, c.below, c.at) == (len(s), (s < -1).sum(), (s == -1).sum())
    assert (c.falling, c.rising) == ((s < 0).sum(), (s > 0).sum())


def test_the_slopes_of_many_pairs_are_never_held():
    x, y = _cloud(5, 2500)  # 3.1 million slopes: 25 MB, and twice that to sort them
    tracemalloc.start()
    passing_bablok(x, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 15e6


def test_passing_bablok_is_symmetric_in_the_methods():
    x, y = _cloud(1, 60)
    one, other = passing_bablok(x, y), passing_bablok(y, x)
    assert other.slope.value == pytest.approx(1 / one.slope.value, rel=1e-9)
    assert (other.slope.lower, other.slope.upper) == pytest.approx(
        (1 / one.slope.upper, 1 / one.slope.lower), rel=1e-9
    )


@settings(max_examples=20)
@given(shift=st.floats(-5, 5), scale=st.sampled_from([0.5, 2.0, 8.0]))
def test_lines_move_with_shift_and_scale(shift, scale):
    x, y = _cloud(2, 40)
    for fit in (deming, passing_bablok):
        one, other = fit(x, y), fit(scale * x, scale * y + shift)
        assert other.slope.value == pytest.approx(one.slope.value, rel=1e-6)
        assert other.intercept.value == pytest.approx(
            scale * one.intercept.value + shift, rel=1e-5, abs=1e-5
        )


def test_deming_with_the_inverse_ratio_is_the_inverse_line():
    x, y = _cloud(4, 50)
    one, other = deming(x, y, error_ratio=2.5), deming(y, x, error_ratio=0.4)
    assert other.slope.value == pytest.approx(1 / one.slope.value)


def test_deming_leaves_out_one_pair_after_another():
    x, y = _cloud(6, 25)

    def slope(keep):
        u, v = x[keep] - x[keep].mean(), y[keep] - y[keep].mean()
        gap = v @ v - u @ u
        return (gap + np.sqrt(gap**2 + 4 * (u @ v) ** 2)) / (2 * (u @ v))

    every = np.ones(25, dtype=bool)
    pseudo = [25 * slope(every) - 24 * slope(np.arange(25) != i) for i in range(25)]
    e = deming(x, y).slope
    half = 2.0686576104190406 * np.std(pseudo, ddof=1) / 5  # t with 23 degrees of freedom
    assert (e.value, e.upper - e.value) == pytest.approx((slope(every), half), rel=1e-9)


def test_deming_leaves_out_whole_participants():
    x, y = _cloud(6, 30)
    twice = deming(np.repeat(x, 2), np.repeat(y, 2), subject=np.repeat(np.arange(30), 2))
    once = deming(x, y)
    assert twice.slope.upper - twice.slope.lower == pytest.approx(
        once.slope.upper - once.slope.lower
    )
    assert (twice.slope.n, twice.slope.clusters) == (60, 30)


@pytest.mark.parametrize("fit", [deming, passing_bablok])
def test_a_constant_variable_has_no_line_and_says_so(fit):
    assert fit([1.0] * 6, [1.0, 2, 3, 4, 5, 6]).slope.reason == "one variable is constant"
    assert fit([1.0, 2, 3, 4, 5, 6], [1.0] * 6).slope.reason == "one variable is constant"


def test_variables_without_covariance_have_no_deming_line():
    fit = deming([-1.0, 1.0, -1.0, 1.0], [-1.0, -1.0, 1.0, 1.0])
    assert "do not vary together" in fit.slope.reason


def test_a_line_that_hangs_on_one_participant_has_no_interval():
    fit = deming([-1.0, 1.0, -1.0, 1.0, 5.0], [-1.0, -1.0, 1.0, 1.0, 5.0])
    assert fit.slope.value is not None
    assert "without one participant" in fit.slope.reason


def test_opposed_variables_have_no_passing_bablok_line():
    fit = passing_bablok([1.0, 2, 3, 4, 5, 6], [6.0, 5, 4, 3, 2.5, 1])
    assert "no positive correlation" in fit.slope.reason


def test_a_vertical_cloud_has_no_passing_bablok_line():
    fit = passing_bablok([1.0] * 9 + [2.0], np.arange(10.0))
    assert "vertical" in fit.slope.reason


def test_few_different_pairs_have_no_passing_bablok_line():
    fit = passing_bablok([1.0, 1, 1, 2], [1.0, 1, 1, 2])
    assert "too few different pairs" in fit.slope.reason


@pytest.mark.parametrize("ratio", [0.0, -1.0, np.nan, np.inf])
def test_an_error_ratio_must_be_a_positive_number(ratio):
    with pytest.raises(ValueError, match="error_ratio"):
        deming([1.0, 2, 3, 4], [1.0, 2, 3, 4], error_ratio=ratio)


def test_passing_bablok_bounds_are_the_ranks_of_the_paper():
    x, y = _cloud(8, 30)
    s = _sorted_slopes(x, y)
    k = int((s < -1).sum())
    width = 1.959963984540054 * np.sqrt(30 * 29 * 65 / 18)
    first = int(np.ceil((435 - width) / 2))
    e = passing_bablok(x, y)
    assert (e.slope.lower, e.slope.upper) == (s[first + k - 1], s[435 - first + k])
    assert e.slope.value == s[217 + k]
    assert e.intercept.value == np.median(y - e.slope.value * x)
    assert e.intercept.lower == np.median(y - e.slope.upper * x)
    assert e.intercept.upper == np.median(y - e.slope.lower * x)
