import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.diagnostic import accuracy_table, begg_greenes
from evaluation.statistics import rubin

NAN = math.nan

# Hepatic scintigraphy (Drum DE, Christacopoulos JS, J Nucl Med 1972;13:908), as used by Begg and
# Greenes 1983: 429 of 650 scans positive, of which 231 + 32 were verified, and 27 + 54 of the others.
HEPATIC = (
    [1] * 231 + [0] * 32 + [NAN] * 166 + [1] * 27 + [0] * 54 + [NAN] * 140,
    [1] * 429 + [0] * 221,
)


def test_hepatic_scintigraphy_is_corrected_as_published():
    found = begg_greenes(*HEPATIC)
    assert round(found.sensitivity.value, 3) == 0.836
    assert round(found.specificity.value, 3) == 0.738
    assert round(found.verified_only.sensitivity.value, 3) == 0.895
    assert round(found.verified_only.specificity.value, 3) == 0.628


def test_variance_is_that_of_zhou_1993():
    found = begg_greenes(*HEPATIC)
    base = 1 / (650 * (429 / 650) * (221 / 650))
    a, b = 231 / 263, 27 / 81
    for e, variance in (
        (found.sensitivity, base + (1 - a) / (263 * a) + (1 - b) / (81 * b)),
        (found.specificity, base + a / (263 * (1 - a)) + b / (81 * (1 - b))),
    ):
        logits = [math.log(v / (1 - v)) for v in (e.lower, e.value, e.upper)]
        half = 1.959963984540054 * math.sqrt(variance)
        assert logits == pytest.approx([logits[1] - half, logits[1], logits[1] + half])


def test_predictive_values_are_those_of_the_verified():
    found = begg_greenes(*HEPATIC)
    assert [found.ppv.value, found.npv.value] == pytest.approx([231 / 263, 54 / 81])
    half = 1.959964 * math.sqrt(263 / (231 * 32))
    logits = [math.log(v / (1 - v)) for v in (found.ppv.value, found.ppv.upper)]
    assert logits[1] - logits[0] == pytest.approx(half, rel=1e-6)
    assert found.prevalence.value == pytest.approx((429 * 231 / 263 + 221 * 27 / 81) / 650)


def test_shares_verified_are_counted_by_call():
    found = begg_greenes(*HEPATIC)
    assert found.verified_positive.value == pytest.approx(263 / 429)
    assert found.verified_negative.value == pytest.approx(81 / 221)
    assert found.verified_only.missing_reference == 306


def test_multiple_imputation_agrees():
    truth, call = (np.array(v, dtype=float) for v in HEPATIC)
    rng = np.random.default_rng(1)
    values, variances = [], []
    for _ in range(300):
        y = truth.copy()
        for t in (0, 1):
            seen = truth[(call == t) & ~np.isnan(truth)]
            p = rng.beta(seen.sum() + 0.5, len(seen) - seen.sum() + 0.5)
            gap = (call == t) & np.isnan(truth)
            y[gap] = rng.random(gap.sum()) < p
        hit, n = y[call == 1].sum(), y.sum()
        values.append(math.log(hit / (n - hit)))
        variances.append(1 / hit + 1 / (n - hit))
    pooled = rubin(values, variances, n=650, clusters=650, missing=306).estimate
    e = begg_greenes(truth, call).sensitivity
    logits = [math.log(v / (1 - v)) for v in (e.lower, e.value, e.upper)]
    assert logits == pytest.approx([pooled.lower, pooled.value, pooled.upper], abs=0.06)


def _study(seed, n=500, site_effect=0.0):
    rng = np.random.default_rng(seed)
    site = rng.integers(0, 2, n)
    truth = (rng.random(n) < 0.3 + site_effect * site).astype(float)
    call = np.where(truth == 1, rng.random(n) < 0.85, rng.random(n) < 0.2).astype(float)
    verified = rng.random(n) < np.where(call == 1, 0.9, 0.3) * np.where(site == 1, 0.4, 1.0)
    return np.where(verified, truth, NAN), call, site


def test_intervals_cover_as_often_as_they_say():
    covered = np.zeros(2)
    for seed in range(40):
        truth, call, _ = _study(seed, 1500)
        found = begg_greenes(truth, call)
        covered += [
            found.sensitivity.lower < 0.85 < found.sensitivity.upper,
            found.specificity.lower < 0.8 < found.specificity.upper,
        ]
    assert (covered >= 34).all()


def test_the_naive_table_is_biased_where_the_correction_is_not():
    truth, call, _ = _study(1, 40_000)
    found = begg_greenes(truth, call)
    assert found.sensitivity.value == pytest.approx(0.85, abs=0.01)
    assert found.verified_only.sensitivity.value > 0.92


def test_strata_correct_for_verification_that_differs_between_sites():
    truth, call, site = _study(2, 60_000, site_effect=0.4)
    crude = begg_greenes(truth, call).prevalence.value
    within = begg_greenes(truth, call, strata=site)
    assert within.prevalence.value == pytest.approx(0.5, abs=0.01)
    assert abs(crude - 0.5) > 0.02
    assert within.sensitivity.value == pytest.approx(0.85, abs=0.01)


def test_one_stratum_changes_nothing():
    truth, call, _ = _study(3)
    assert begg_greenes(truth, call, strata=np.zeros(500)) == begg_greenes(truth, call)


def test_when_everybody_is_verified_nothing_is_corrected():
    truth, call, _ = _study(4)
    known = ~np.isnan(truth)
    found = begg_greenes(truth[known], call[known]).estimates()
    plain = accuracy_table(truth[known], call[known]).estimates()
    for name in ("sensitivity", "specificity", "ppv", "npv", "prevalence"):
        assert found[name].value == pytest.approx(plain[name].value)
    assert found["verified_positive"].value == 1.0


def test_duplicated_members_leave_the_clustered_correction_unchanged():
    truth, call, _ = _study(5, 300)
    group = np.arange(300) // 3
    once = begg_greenes(truth, call, cluster=group)
    twice = begg_greenes(np.tile(truth, 2), np.tile(call, 2), cluster=np.tile(group, 2))
    for name in ("sensitivity", "specificity", "ppv", "npv", "prevalence"):
        one, two = once.estimates()[name], twice.estimates()[name]
        assert [one.lower, one.upper] == pytest.approx([two.lower, two.upper])
        assert one.clusters == 100


@pytest.mark.parametrize(
    ("truth", "call", "word"),
    [
        ([1, 0, NAN, NAN], [1, 1, 0, 0], "no negative call was verified"),
        ([NAN, NAN, 1, 0], [1, 1, 0, 0], "no positive call was verified"),
        ([1, 0, 1], [1, 1, 1], "never negative"),
        ([1, 0, 1], [0, 0, 0], "never positive"),
        ([], [], "never positive"),
    ],
)
def test_what_cannot_be_corrected_says_why(truth, call, word):
    found = begg_greenes(truth, call)
    for name in ("sensitivity", "specificity", "ppv", "npv", "prevalence"):
        e = found.estimates()[name]
        assert e.value is None
        assert word in e.reason


def test_a_stratum_without_verified_calls_is_named():
    found = begg_greenes([1, 0, 1, NAN], [1, 0, 0, 0], strata=["a", "a", "a", "b"])
    assert found.sensitivity.reason == "no negative call was verified in stratum b"


def test_all_verified_negatives_healthy_gives_a_sensitivity_of_1_without_interval():
    e = begg_greenes([1, 0, 0, NAN], [1, 1, 0, 0]).sensitivity
    assert (e.value, e.lower, e.flags) == (1.0, None, ("boundary", "no_interval"))
    assert "no interval" in e.reason


def test_without_the_condition_among_verified_sensitivity_has_no_value():
    found = begg_greenes([0, 0, 0, NAN], [1, 1, 0, 0])
    assert (found.sensitivity.value, found.prevalence.value) == (None, 0.0)
    assert found.specificity.value == pytest.approx(0.5)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0, NAN]), st.integers(0, 1)), max_size=40))
def test_every_corrected_measure_is_a_share_or_has_a_reason(rows):
    truth, call = ([row[k] for row in rows] for k in (0, 1))
    for e in begg_greenes(truth, call).estimates().values():
        numbers = [v for v in (e.lower, e.value, e.upper) if v is not None]
        assert all(0 <= v <= 1 for v in numbers)
        assert len(numbers) == 3 or e.reason


def test_a_missing_call_is_left_out_and_counted():
    found = begg_greenes([1, 0, 1, 0, 1], [1, 1, 0, 0, NAN])
    assert (found.sensitivity.n, found.sensitivity.missing) == (4, 1)


@pytest.mark.parametrize(
    ("truth", "call", "message"),
    [([2, 0], [1, 0], "truth must be 0 or 1"), ([1, 0], [0.5, 1], "call must be 0 or 1"),
     ([1], [1, 0], "same length")],
)  # fmt: skip
def test_bad_codes_are_refused(truth, call, message):
    with pytest.raises(ValueError, match=message):
        begg_greenes(truth, call)
