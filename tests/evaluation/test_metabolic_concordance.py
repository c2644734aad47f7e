import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

from evaluation.metabolic import MetabolicRefused, subgroup_concordance

RNG = np.random.default_rng(11)
SEX = ["F", "M"] * 20
LIVER = RNG.normal(1500, 250, 40)
SYNTHETIC = LIVER * 1.03 + RNG.normal(0, 60, 40)


def of(found, subgroup, organ=""):
    return next(f for f in found if (f.subgroup, f.organ) == (subgroup, organ))


def judged(**changes):
    arguments = {"subgroup": SEX, "margin": 150.0, "unit": "ml", **changes}
    return subgroup_concordance(LIVER, SYNTHETIC, **arguments)


def test_everybody_comes_first_and_the_subgroups_by_name():
    assert [f.subgroup for f in judged()] == ["all", "F", "M"]


def test_the_bias_has_the_paired_t_interval():
    found = of(judged(), "F").bias
    d = (SYNTHETIC - LIVER)[::2]
    low, high = stats.t.interval(0.95, 19, d.mean(), stats.sem(d))

    assert (found.value, found.lower, found.upper) == pytest.approx((d.mean(), low, high))
    assert (found.n, found.unit) == (20, "ml")


def test_the_tests_of_equivalence_are_those_of_statsmodels():
    found = of(judged(), "M")
    p_value, _, _ = ttost_paired(SYNTHETIC[1::2], LIVER[1::2], -150.0, 150.0)

    assert found.equivalence.p_value == pytest.approx(p_value)
    assert found.equivalent is bool(p_value < 0.05)


def test_a_bias_downwards_is_judged_as_one_upwards():
    up = of(judged(margin=60.0), "all").equivalence
    down = subgroup_concordance(SYNTHETIC, LIVER, subgroup=SEX, margin=60.0)[0].equivalence

    assert down.value == pytest.approx(-up.value)
    assert down.p_value == pytest.approx(up.p_value)


@pytest.mark.parametrize("margin", [20.0, 60.0, 150.0])
def test_the_interval_of_twice_alpha_decides_as_the_tests_do(margin):
    found = of(judged(margin=margin), "all")
    inside = -margin < found.equivalence.lower and found.equivalence.upper < margin

    assert found.equivalence.level == pytest.approx(0.90)
    assert found.equivalent is inside


def test_ratios_are_compared_on_the_logarithm():
    found = of(judged(log=True, margin=1.15), "all")
    d = np.log(SYNTHETIC / LIVER)
    p_value, _, _ = ttost_paired(np.log(SYNTHETIC), np.log(LIVER), -np.log(1.15), np.log(1.15))

    assert found.bias.value == pytest.approx(math.exp(d.mean()))
    assert found.bias.unit == "ratio"
    assert found.equivalence.p_value == pytest.approx(p_value)


def test_the_ratio_of_variances_has_its_f_interval():
    found = of(judged(), "F").variance_ratio
    ratio = SYNTHETIC[::2].var(ddof=1) / LIVER[::2].var(ddof=1)
    low, high = stats.f.ppf([0.025, 0.975], 19, 19)

    assert (found.value, found.lower, found.upper) == pytest.approx(
        (ratio, ratio / high, ratio / low)
    )
    assert found.flags == ("pairs_taken_as_independent",)


def test_the_interval_for_pairs_ends_where_sum_and_difference_stop_correlating():
    # Pitman and Morgan: with the ratio at a bound, x * sqrt(bound) and y differ just not in variance.
    found = of(judged(), "F").variance_ratio_paired
    x, y = LIVER[::2], SYNTHETIC[::2]
    for bound in (found.lower, found.upper):
        scaled = x * math.sqrt(bound)
        assert stats.pearsonr(scaled + y, scaled - y).pvalue == pytest.approx(0.05, abs=1e-9)
    plain = of(judged(), "F").variance_ratio
    assert found.upper / found.lower < plain.upper / plain.lower


def test_a_model_that_gives_everyone_the_mean_organ_is_told_by_its_variance():
    same = np.full(40, LIVER.mean()) + RNG.normal(0, 1, 40)
    found = subgroup_concordance(LIVER, same, subgroup=SEX, margin=150.0)[0]

    assert abs(found.bias.value) < 1
    assert found.variance_ratio.upper < 0.01
    assert found.wasserstein.value > 100


def test_the_distance_of_a_shift_is_the_shift():
    found = subgroup_concordance(LIVER, LIVER + 40, subgroup=SEX, margin=150.0)[0]

    assert found.wasserstein.value == pytest.approx(40)
    assert found.wasserstein.lower is None
    assert "interval" in found.wasserstein.reason
    assert found.equivalence.flags == ("no_variation",) or found.equivalence.p_value < 1e-6


def test_each_organ_is_judged_by_itself():
    organs = ["liver"] * 40 + ["spleen"] * 40
    found = subgroup_concordance(
        np.concatenate([LIVER, LIVER / 8]),
        np.concatenate([SYNTHETIC, LIVER / 8 + 1]),
        subgroup=SEX * 2,
        organ=organs,
        participant=list(range(40)) * 2,
        margin=150.0,
    )

    assert of(found, "F", "spleen").bias.value == pytest.approx(1.0)
    assert of(found, "F", "liver").bias.value != pytest.approx(1.0)


def test_a_subgroup_of_two_is_refused_with_its_name_and_missing_values_are_counted():
    x = LIVER.copy()
    x[4:] = np.nan
    found = of(
        subgroup_concordance(x, SYNTHETIC, subgroup=SEX, organ=["liver"] * 40, margin=1.0),
        "F",
        "liver",
    )

    for estimate in (found.bias, found.equivalence, found.variance_ratio, found.wasserstein):
        assert estimate.value is None
        assert "subgroup F, organ liver has 2 complete pairs" in estimate.reason
        assert estimate.missing == 18
    assert found.equivalent is None


def test_values_that_do_not_vary_have_no_ratio_of_variances():
    found = subgroup_concordance([5.0] * 3, [5.0, 5.0, 6.0], subgroup=["a"] * 3, margin=1.0)[0]

    assert found.variance_ratio.value is None
    assert "do not vary" in found.variance_ratio_paired.reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"margin": 0.0}, "margin"),
        ({"margin": float("nan")}, "margin"),
        ({"log": True, "margin": 0.9}, "above one"),
        ({"subgroup": SEX[:5]}, "one value per row"),
        ({"participant": [1] * 40}, "more than one row"),
        ({"subgroup": ["all", "M"] * 20}, "named all"),
        ({"level": 0.4}, "above 0.5"),
    ],
)
def test_a_table_that_cannot_be_judged_is_refused(changes, words):
    with pytest.raises(MetabolicRefused, match=words):
        judged(**changes)


def test_ratios_need_values_above_zero():
    with pytest.raises(MetabolicRefused, match="above zero"):
        subgroup_concordance([0.0, 1, 2], [1.0, 1, 2], subgroup=["a"] * 3, margin=1.1, log=True)


@settings(max_examples=20)
@given(st.floats(0.1, 10), st.floats(-50, 50))
def test_a_change_of_unit_changes_the_bias_and_neither_the_p_value_nor_the_ratio(scale, shift):
    one = of(judged(), "F")
    other = of(
        subgroup_concordance(
            LIVER * scale + shift, SYNTHETIC * scale + shift, subgroup=SEX, margin=150.0 * scale
        ),
        "F",
    )

    assert other.bias.value == pytest.approx(one.bias.value * scale, rel=1e-6, abs=1e-6)
    assert other.equivalence.p_value == pytest.approx(one.equivalence.p_value, rel=1e-5)
    assert other.variance_ratio.value == pytest.approx(one.variance_ratio.value, rel=1e-6)
