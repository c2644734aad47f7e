import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaluation.diagnostic import (
    added_value,
    compare_paired,
    mcnemar,
    net_benefit,
    non_inferiority,
    tango_interval,
)
from evaluation.statistics import Comparison
from tests.evaluation.reference_cases import reference_json

GAINS = ("continuous_nri_events", "continuous_nri_nonevents", "idi_events", "idi_nonevents", "idi")


def _moves(up, down, n):
    """Return old and new risks around a cut-off of 0.2: some up, some down, the rest unmoved."""
    old = np.r_[np.full(up, 0.1), np.full(down, 0.3), np.full(n - up - down, 0.1)]
    new = np.r_[np.full(up, 0.3), np.full(down, 0.1), np.full(n - up - down, 0.1)]
    return old, new


@pytest.mark.real_data
def test_components_of_reclassification_equal_pencina_2008():
    case = reference_json("nri_pencina_2008.json")
    parts = [_moves(c["up"], c["down"], c["n"]) for c in (case["events"], case["nonevents"])]
    old, new = (np.concatenate(v) for v in zip(*parts, strict=True))
    truth = np.repeat([1, 0], [183, 3081])
    found = added_value(truth, old, new, cutoffs=[0.2])
    events, others = found.nri_events, found.nri_nonevents
    assert events.value == pytest.approx(case["nri_events"])
    assert others.value == pytest.approx(case["nri_nonevents"])
    assert events.value + others.value == pytest.approx(case["nri"])
    # The published z of the sum, from the variances under no change of either component.
    variance = sum(e.value**2 / e.statistic for e in (events, others))
    z = (events.value + others.value) / math.sqrt(variance)
    assert z == pytest.approx(case["z_published"], abs=5e-4)
    moved = found.reclassified
    assert (moved.events, moved.events_up, moved.events_down) == (183, 29, 7)
    assert (moved.nonevents, moved.nonevents_up, moved.nonevents_down) == (3081, 173, 174)


def test_moved_shares_have_tango_intervals_and_mcnemar_tests():
    old, new = _moves(6, 2, 40)
    e = added_value(np.r_[np.ones(40), 0, 0], np.r_[old, 0.1, 0.3], np.r_[new, 0.1, 0.3],
                    cutoffs=[0.2]).nri_events  # fmt: skip
    assert (e.lower, e.upper) == tango_interval(6, 2, 40)
    assert e.p_value == mcnemar(6, 2)[1]


def test_a_move_of_two_categories_counts_once():
    found = added_value([1, 1, 0, 0], [0.05, 0.1, 0.5, 0.1], [0.5, 0.1, 0.05, 0.1],
                        cutoffs=[0.1, 0.3])  # fmt: skip
    assert (found.nri_events.value, found.nri_nonevents.value) == (0.5, 0.5)


def _risks(seed, n=200):
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < 0.4).astype(int)
    old = np.clip(rng.normal(0.35 + 0.1 * truth, 0.15), 0.01, 0.99)
    new = np.clip(old + rng.normal(0.08 * (2 * truth - 1), 0.1), 0.01, 0.99)
    return truth, old, new


def test_two_categories_are_the_change_of_sensitivity_and_specificity():
    truth, old, new = _risks(1)
    found = added_value(truth, old, new, cutoffs=[0.4])
    pair = compare_paired(truth, new >= 0.4, old >= 0.4)
    assert found.nri_events.value == pytest.approx(pair.sensitivity.value)
    assert found.nri_nonevents.value == pytest.approx(pair.specificity.value)
    assert found.nri_events.lower == pytest.approx(pair.sensitivity.lower)


def test_integrated_discrimination_improvement_is_a_difference_of_means():
    truth, old, new = _risks(2)
    found = added_value(truth, old, new, cutoffs=[0.4])
    change = new - old
    one, other = change[truth == 1], change[truth == 0]
    assert found.idi_events.value == pytest.approx(one.mean())
    assert found.idi_nonevents.value == pytest.approx(-other.mean())
    assert found.idi.value == pytest.approx(one.mean() - other.mean())
    half = 1.959964 * math.sqrt(one.var() / len(one) + other.var() / len(other))
    assert found.idi.upper - found.idi.value == pytest.approx(half, rel=1e-6)
    assert found.idi.p_value == pytest.approx(2 * stats.norm.sf(abs(found.idi.statistic)))


def test_any_change_counts_in_the_continuous_index():
    found = added_value([1, 1, 1, 0, 0], [0.1, 0.1, 0.1, 0.5, 0.5], [0.11, 0.12, 0.1, 0.4, 0.6],
                        cutoffs=[0.3])  # fmt: skip
    assert found.continuous_nri_events.value == pytest.approx(2 / 3)
    assert found.continuous_nri_nonevents.value == 0.0


def test_net_benefit_gain_is_the_difference_of_net_benefits():
    truth, old, new = _risks(3)
    found = added_value(truth, old, new, cutoffs=[0.4], thresholds=[0.2, 0.5])
    both = [net_benefit(truth, risk, thresholds=[0.2, 0.5]) for risk in (old, new)]
    for gain, one, two in zip(found.net_benefit, *both, strict=True):
        assert gain.threshold == one.threshold
        assert gain.difference.value == pytest.approx(two.model.value - one.model.value)


def test_the_bootstrap_agrees_with_the_closed_forms_and_repeats_itself():
    truth, old, new = _risks(4, 400)
    closed = added_value(truth, old, new, cutoffs=[0.4])
    drawn = added_value(truth, old, new, cutoffs=[0.4], seed=3, replicates=1000)
    for name in ("nri_events", "nri_nonevents", *GAINS):
        one, two = closed.estimates()[name], drawn.estimates()[name]
        assert one.value == two.value
        assert two.upper - two.lower == pytest.approx(one.upper - one.lower, rel=0.15)
        assert two.lower == pytest.approx(one.lower, abs=0.2 * (one.upper - one.lower))
        assert two.method.startswith("bca cluster bootstrap; test: ")
    one, two = closed.net_benefit[0].difference, drawn.net_benefit[0].difference
    assert two.method.startswith("bca cluster bootstrap")
    assert [two.lower, two.upper] == pytest.approx([one.lower, one.upper], abs=0.01)
    assert drawn == added_value(truth, old, new, cutoffs=[0.4], seed=3, replicates=1000)


def test_the_bootstrap_can_draw_within_sites():
    truth, old, new = _risks(4, 200)
    site = np.arange(200) % 2
    options = {"cutoffs": [0.4], "seed": 3, "replicates": 200}
    # Every site holds one class only, so no share of a class is ever drawn from fewer.
    within = added_value(truth, old, new, strata=truth, **options)
    freely = added_value(truth, old, new, **options)
    mixed = added_value(truth, old, new, strata=site, **options)
    assert len({within.idi.lower, freely.idi.lower, mixed.idi.lower}) == 3
    assert within.idi.lower == pytest.approx(freely.idi.lower, abs=0.02)


def test_nothing_moved_has_no_bootstrap_interval_of_width_zero():
    truth, old, _ = _risks(5, 60)
    found = added_value(truth, old, old, cutoffs=[0.4], seed=1, replicates=50)
    assert found.nri_events.upper > 0 > found.nri_events.lower
    assert (found.idi.lower, found.idi.reason) == (
        None, "no variation between the observations: no interval",
    )  # fmt: skip


@pytest.mark.parametrize("name", GAINS)
def test_duplicated_members_leave_clustered_gains_unchanged(name):
    truth, old, new = _risks(6, 120)
    group = np.arange(120) // 2
    once = added_value(truth, old, new, cutoffs=[0.4], cluster=group).estimates()[name]
    rows = [np.tile(v, 2) for v in (truth, old, new)]
    twice = added_value(*rows, cutoffs=[0.4], cluster=np.tile(group, 2)).estimates()[name]
    assert [once.lower, once.upper] == pytest.approx([twice.lower, twice.upper])
    assert once.clusters == twice.clusters


def test_one_class_leaves_only_its_own_components():
    found = added_value([1, 1, 1], [0.1, 0.2, 0.3], [0.2, 0.3, 0.2], cutoffs=[0.25], seed=1)
    assert found.nri_events.value is not None
    assert found.idi_events.value is not None
    for e in (found.nri_nonevents, found.continuous_nri_nonevents, found.idi_nonevents, found.idi):
        assert e.value is None
        assert "no negative case" in e.reason
    assert "no negative case" in found.net_benefit[0].difference.reason


def test_no_observation_has_no_gain():
    found = added_value([], [], [], cutoffs=[0.2], seed=1)
    assert all(e.value is None and e.reason for e in found.estimates().values())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cutoffs": []}, "at least one"),
        ({"cutoffs": [0.3, 0.2]}, "rising order"),
        ({"cutoffs": [0.2, 0.2]}, "rising order"),
        ({"cutoffs": [1.0]}, "strictly between 0 and 1"),
        ({"cutoffs": [0.2], "thresholds": [0.0]}, "strictly between 0 and 1"),
    ],
)
def test_bad_borders_are_refused_with_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        added_value([0, 1], [0.1, 0.2], [0.2, 0.3], **options)


# Net benefit


def test_net_benefit_weighs_false_positives_by_the_odds_of_the_threshold():
    truth, risk = [1, 1, 0, 0, 0], [0.6, 0.25, 0.3, 0.1, 0.05]
    found = net_benefit(truth, risk, thresholds=[0.25])[0]
    assert found.model.value == pytest.approx((2 - 1 / 3) / 5)
    assert found.treat_all.value == pytest.approx((2 - 3 / 3) / 5)
    assert found.over_all.value == pytest.approx(found.model.value - found.treat_all.value)


def test_net_benefit_has_the_interval_of_a_mean():
    truth, _, risk = _risks(7)
    e = net_benefit(truth, risk, thresholds=[0.3])[0].model
    called = risk >= 0.3
    each = np.where(truth == 1, 1.0, -0.3 / 0.7) * called
    half = 1.959964 * each.std() / math.sqrt(len(each))
    assert [e.lower, e.upper] == pytest.approx([e.value - half, e.value + half], rel=1e-6)


def test_treating_all_at_the_prevalence_gains_nothing():
    truth, _, risk = _risks(8)
    found = net_benefit(truth, risk, thresholds=[truth.mean()])[0]
    assert found.treat_all.value == pytest.approx(0.0, abs=1e-12)


def test_a_threshold_above_every_risk_treats_nobody_without_interval():
    e = net_benefit([1, 0], [0.1, 0.2], thresholds=[0.9])[0].model
    assert (e.value, e.lower) == (0.0, None)
    assert "no variation" in e.reason


def test_one_class_has_no_net_benefit():
    found = net_benefit([1, 1], [0.1, 0.2], thresholds=[0.15])[0]
    for e in (found.model, found.treat_all, found.over_all):
        assert e.value is None
        assert "no negative case" in e.reason


@settings(max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=2, max_size=30),
       st.floats(0.05, 0.95))  # fmt: skip
def test_net_benefit_never_exceeds_the_prevalence(rows, threshold):
    truth, risk = np.array(rows, dtype=float).T
    e = net_benefit(truth, risk / 20, thresholds=[threshold])[0].model
    assert e.value is None or e.value <= truth.mean() + 1e-12


# Non-inferiority


def _difference(value, lower, upper, reason=""):
    return Comparison(value, lower, upper, 0.95, 100, 100, 0, "Wald", reason=reason)


@pytest.mark.parametrize(
    ("lower", "upper", "held", "superior"),
    [
        (-0.04, 0.02, True, False),
        (-0.05, 0.02, False, False),
        (-0.06, 0.02, False, False),
        (0.01, 0.05, True, True),
        (0.0, 0.05, True, False),
    ],
)
def test_the_worse_bound_decides_on_the_margin(lower, upper, held, superior):
    verdict = non_inferiority(_difference(0.0, lower, upper), margin=0.05)
    assert (verdict.non_inferior, verdict.superior, verdict.bound) == (held, superior, lower)
    assert ("not within" in verdict.reason) == (not held)
    assert "0.975" in verdict.reason
    mirrored = non_inferiority(
        _difference(0.0, -upper, -lower), margin=0.05, higher_is_better=False
    )
    assert (mirrored.non_inferior, mirrored.superior) == (held, superior)


def test_without_an_interval_there_is_no_verdict():
    verdict = non_inferiority(_difference(None, None, None, "no negative case"), margin=0.1)
    assert (verdict.non_inferior, verdict.reason) == (None, "no negative case")
    assert "no interval" in non_inferiority(_difference(0.1, None, None), margin=0.1).reason


@pytest.mark.parametrize("margin", [0, -0.1, math.inf, math.nan])
def test_a_margin_that_is_none_is_refused(margin):
    with pytest.raises(ValueError, match="margin must be above 0"):
        non_inferiority(_difference(0.0, -0.1, 0.1), margin=margin)
