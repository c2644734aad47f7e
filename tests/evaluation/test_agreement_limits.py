from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaluation.agreement import bland_altman

# Cardiac output by radionuclide ventriculography and impedance cardiography, 12 participants, 60
# pairs: Bland and Altman, Stat Methods Med Res 1999;8:135, table 4, and J Biopharm Stat 2007;17:571.
_VENTRICULOGRAPHY = {
    1: [7.83, 7.42, 7.89, 7.12, 7.88], 2: [6.16, 7.26, 6.71, 6.54],
    3: [4.75, 5.24, 4.86, 4.78, 6.05, 5.42], 4: [4.21, 3.61, 3.72, 3.87, 3.92],
    5: [3.13, 2.98, 2.85, 3.17, 3.09, 3.12], 6: [5.92, 6.42, 5.92, 6.27],
    7: [7.13, 6.62, 6.58, 6.93], 8: [4.54, 4.81, 5.11, 5.29, 5.39, 5.57],
    9: [4.48, 4.92, 3.97], 10: [4.22, 4.65, 4.74, 4.44, 4.50],
    11: [6.78, 6.07, 6.52, 6.42, 6.41, 5.76], 12: [5.06, 4.72, 4.90, 4.80, 4.90, 5.10],
}  # fmt: skip
_IMPEDANCE = {
    1: [6.57, 5.62, 6.90, 6.57, 6.35], 2: [4.06, 4.29, 4.26, 4.09],
    3: [4.71, 5.50, 5.08, 5.02, 6.01, 5.67], 4: [4.14, 4.20, 4.61, 4.68, 5.04],
    5: [3.03, 2.86, 2.77, 2.46, 2.32, 2.43], 6: [5.90, 5.81, 5.70, 5.76],
    7: [5.09, 4.63, 4.61, 5.09], 8: [4.72, 4.61, 4.36, 4.20, 4.36, 4.20],
    9: [3.17, 3.12, 2.96], 10: [4.35, 4.62, 3.16, 3.53, 3.53],
    11: [7.20, 6.09, 7.00, 7.10, 7.40, 6.80], 12: [4.50, 4.20, 3.80, 3.80, 4.20, 4.50],
}  # fmt: skip


def _cardiac_output():
    subject = [who for who, values in _VENTRICULOGRAPHY.items() for _ in values]
    x, y = (list(chain.from_iterable(t.values())) for t in (_VENTRICULOGRAPHY, _IMPEDANCE))
    return x, y, subject


def test_unequal_replicates_of_a_varying_value_equal_the_2007_paper():
    x, y, subject = _cardiac_output()
    r = bland_altman(x, y, subject=subject)
    assert r.bias.value == pytest.approx(0.6021667, abs=5e-8)
    # The paper's software worked in single precision: its mean squares are right to 7 digits.
    assert r.within_sd**2 == pytest.approx(0.170714026, rel=3e-7)
    assert r.within_sd**2 + 4.9818182 * r.between_sd**2 == pytest.approx(4.2090856, rel=3e-7)
    assert r.sd**2 == pytest.approx(0.98133606, rel=3e-7)
    limits = [r.lower_limit.value, r.upper_limit.value]
    assert limits == pytest.approx([-1.3394565, 2.5437899], rel=3e-7)
    assert (r.bias.n, r.bias.clusters) == (60, 12)


def test_unequal_replicates_of_a_constant_value_equal_the_2007_paper():
    x, y, subject = _cardiac_output()
    r = bland_altman(x, y, subject=subject, true_value="constant")
    assert r.within_sd**2 == pytest.approx(0.107227795 + 0.137874069, rel=3e-7)
    assert r.sd**2 == pytest.approx(0.91269114 + 0.7902778 * (0.107227795 + 0.137874069), abs=2e-8)
    limits = [r.lower_limit.value, r.upper_limit.value]
    assert limits == pytest.approx([-1.4594605, 2.6637939], rel=3e-7)


def test_replicates_that_never_differ_equal_one_pair_per_participant():
    x, y, subject = np.array([1.0, 2, 4, 3, 6]), np.array([1.1, 2.2, 3.8, 3.3, 5.5]), np.arange(5)
    single = bland_altman(x, y)
    twice = bland_altman(
        np.repeat(x, 2), np.repeat(y, 2), subject=np.repeat(subject, 2), true_value="constant"
    )
    assert twice.sd == pytest.approx(single.sd)
    assert twice.upper_limit.value == pytest.approx(single.upper_limit.value)
    assert twice.within_sd == 0


@pytest.mark.parametrize(("n", "factor"), [(10, 2.911), (20, 2.396), (30, 2.220)])
def test_exact_limits_equal_tabulated_tolerance_factors(n, factor):
    # One-sided factors for 95 % content at 95 % confidence (NIST/SEMATECH 7.2.6.3; Natrella 1963).
    x = np.random.default_rng(n).normal(0, 1, n)
    r = bland_altman(
        x, np.zeros(n), multiplier=stats.norm.ppf(0.95), limit_interval="exact", level=0.90
    )
    assert (r.upper_limit.upper - r.bias.value) / r.sd == pytest.approx(factor, abs=1.1e-3)
    assert (r.bias.value - r.lower_limit.lower) / r.sd == pytest.approx(factor, abs=1.1e-3)


def test_exact_limits_mirror_each_other():
    x = np.random.default_rng(1).normal(0, 1, 12)
    one = bland_altman(x, np.zeros(12), limit_interval="exact")
    other = bland_altman(-x, np.zeros(12), limit_interval="exact")
    assert one.upper_limit.lower == pytest.approx(-other.lower_limit.upper)
    assert one.upper_limit.upper == pytest.approx(-other.lower_limit.lower)


def test_exact_and_approximate_limits_agree_in_a_large_sample():
    x = np.random.default_rng(1).normal(0, 1, 3000)
    exact = bland_altman(x, np.zeros(3000), limit_interval="exact").upper_limit
    delta = bland_altman(x, np.zeros(3000)).upper_limit
    assert (exact.lower, exact.upper) == pytest.approx((delta.lower, delta.upper), abs=2e-3)
    assert exact.value == delta.value


def test_exact_limits_cover_the_true_limit_in_a_small_sample():
    rng, hits = np.random.default_rng(7), 0
    for _ in range(250):
        limit = bland_altman(rng.normal(0, 1, 8), np.zeros(8), limit_interval="exact").upper_limit
        hits += limit.lower <= 1.96 <= limit.upper
    assert 0.92 <= hits / 250 <= 0.98


@pytest.mark.parametrize("how", ["exact", "sqrt3"])
def test_intervals_for_single_pairs_are_refused_for_replicates(how):
    x, y, subject = _cardiac_output()
    with pytest.raises(ValueError, match="one pair per participant"):
        bland_altman(x, y, subject=subject, limit_interval=how)


@settings(max_examples=20)
@given(shift=st.floats(-20, 20), scale=st.floats(0.1, 10))
def test_limits_move_with_shift_and_scale(shift, scale):
    x, y, subject = (np.array(a) for a in _cardiac_output())
    one = bland_altman(x, y, subject=subject)
    other = bland_altman(scale * x + shift, scale * y, subject=subject)
    for name in ("bias", "lower_limit", "upper_limit"):
        a, b = getattr(one, name), getattr(other, name)
        assert [b.value, b.lower, b.upper] == pytest.approx(
            [scale * v + shift for v in (a.value, a.lower, a.upper)], abs=1e-8
        )


def test_exchanging_the_methods_mirrors_bias_and_limits():
    x, y, subject = _cardiac_output()
    one, other = bland_altman(x, y, subject=subject), bland_altman(y, x, subject=subject)
    assert other.bias.value == pytest.approx(-one.bias.value)
    assert (other.lower_limit.value, other.lower_limit.lower) == pytest.approx(
        (-one.upper_limit.value, -one.upper_limit.upper)
    )
    assert other.slope.value == pytest.approx(-one.slope.value)


def test_proportional_bias_of_single_pairs_is_least_squares():
    x, y, _ = (np.array(a) for a in _cardiac_output())
    r, line = bland_altman(x, y).slope, stats.linregress((x + y) / 2, x - y)
    half = stats.t.ppf(0.975, 58) * line.stderr
    assert [r.value, r.lower, r.upper] == pytest.approx(
        [line.slope, line.slope - half, line.slope + half]
    )


def test_proportional_bias_of_replicates_is_the_cluster_robust_sandwich():
    x, y, subject = (np.array(a) for a in _cardiac_output())
    mean, difference = (x + y) / 2, x - y
    design = np.column_stack([np.ones(60), mean])
    bread = np.linalg.inv(design.T @ design)
    beta = bread @ design.T @ difference
    scores = design * (difference - design @ beta)[:, None]
    sums = np.array([scores[subject == who].sum(axis=0) for who in range(1, 13)])
    se = np.sqrt((12 / 11 * bread @ (sums.T @ sums) @ bread)[1, 1])
    e = bland_altman(x, y, subject=subject).slope
    assert (e.value, e.upper - e.value) == pytest.approx((beta[1], stats.t.ppf(0.975, 11) * se))


def test_equal_differences_have_limits_of_no_width_and_say_so():
    r = bland_altman([1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 2.0, 3.0])
    assert (r.lower_limit.value, r.upper_limit.value) == (1.0, 1.0)
    assert "no_variation" in r.bias.flags
    assert "no_variation" in r.upper_limit.flags


def test_equal_means_have_no_proportional_bias_and_say_why():
    r = bland_altman([1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0])
    assert (r.slope.value, r.slope.reason) == (None, "all pairs have the same mean")


@pytest.mark.parametrize(
    "bad",
    [
        {"limit_interval": "bootstrap"},
        {"true_value": "unknown"},
        {"multiplier": 0.0},
        {"multiplier": np.inf},
        {"level": 1.0},
        {"subject": [1, 2]},
    ],
)
def test_impossible_options_are_refused(bad):
    with pytest.raises(ValueError, match=r"limit_interval|true_value|multiplier|level|length"):
        bland_altman([1.0, 2.0, 3.0], [1.1, 2.1, 2.9], **bad)
