import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.readers import d_prime, visual_turing


def _judgements(share_correct, *, readers=10, cases=60, seed=1):
    rng = np.random.default_rng(seed)
    reader, case = (a.ravel() for a in np.meshgrid(np.arange(readers), np.arange(cases)))
    truth = case % 2 == 0
    call = np.where(rng.random(len(case)) < share_correct, truth, ~truth)
    return truth, call, reader, case


def test_guessing_is_equivalent_to_half_and_seeing_is_not():
    guess, see = visual_turing(*_judgements(0.5)), visual_turing(*_judgements(0.75))
    assert guess.equivalence.p_value < 0.05
    assert see.equivalence.p_value > 0.9
    assert see.accuracy.lower > 0.6
    assert len(guess.readers) == 10


def test_few_judgements_are_no_evidence_of_equivalence():
    r = visual_turing(*_judgements(0.5, readers=3, cases=8))
    assert r.equivalence.p_value > 0.05


def test_one_reader_has_own_figures_but_no_pooled_ones():
    r = visual_turing(*_judgements(0.6, readers=1))
    for e in (r.accuracy, r.sensitivity, r.specificity, r.d_prime, r.criterion, r.equivalence):
        assert e.value is None
        assert "two readers" in e.reason
    assert r.readers[0].accuracy.n == 60
    assert r.readers[0].d_prime.value is not None


def test_readers_who_always_agree_widen_the_interval():
    truth, call, _, case = _judgements(0.6, readers=1, cases=100)
    alike = visual_turing(np.tile(truth, 5), np.tile(call, 5), np.repeat(np.arange(5), 100), np.tile(case, 5))  # fmt: skip
    alone = visual_turing(*_judgements(0.6, readers=5, cases=100))
    for name in ("accuracy", "d_prime"):
        one, other = getattr(alike, name), getattr(alone, name)
        assert one.upper - one.lower > 1.5 * (other.upper - other.lower)


def test_the_pooled_shares_are_those_of_all_judgements():
    truth, call, reader, case = _judgements(0.6)
    r = visual_turing(truth, call, reader, case)
    assert r.sensitivity.value == pytest.approx(call[truth].mean())
    assert r.specificity.value == pytest.approx((~call[~truth]).mean())
    assert r.accuracy.value == pytest.approx((r.sensitivity.value + r.specificity.value) / 2)
    assert r.equivalence.value == pytest.approx(r.accuracy.value - 0.5)


def test_images_not_judged_are_left_out_and_counted():
    truth, call, reader, case = _judgements(0.6)
    gaps = call.astype(float)
    gaps[:4] = np.nan
    r = visual_turing(truth, gaps, reader, case)
    assert (r.accuracy.n, r.accuracy.missing) == (596, 4)


def test_calling_everything_synthetic_among_many_synthetic_images_is_no_skill():
    truth, _, reader, case = _judgements(0.5, cases=80)
    truth = case % 4 != 0
    rng = np.random.default_rng(3)
    call = rng.random(len(case)) < 0.95
    r = visual_turing(truth, call, reader, case)
    assert r.accuracy.value > 0.65
    assert r.equivalence.flags == ("unbalanced",)
    assert abs(r.equivalence.value) < 0.05
    assert r.equivalence.p_value < 0.05


def test_readers_who_are_always_right_leave_no_interval_and_no_test():
    truth, _, reader, case = _judgements(0.5)
    r = visual_turing(truth, truth, reader, case)
    assert (r.accuracy.value, r.accuracy.lower, r.equivalence.p_value) == (1.0, None, None)
    assert r.d_prime.value is None
    assert "correction='loglinear'" in r.d_prime.reason


def test_one_kind_of_image_gives_no_test():
    truth, call, reader, case = _judgements(0.5)
    r = visual_turing(np.ones_like(truth), call, reader, case)
    assert r.equivalence.reason == "only one kind of image was judged"
    assert r.d_prime.reason == "no real image was judged"


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda t, c, r, k: (t[1:], c, r, k), "same length"),
        (lambda t, c, r, k: (t, c * 2, r, k), "judged_synthetic must be 0 or 1"),
        (lambda t, c, r, k: (np.where(k == 0, np.nan, t), c, r, k), "must be known"),
        (lambda t, c, r, k: (r % 2, c, r, k), "case 0 is both synthetic and real"),
    ],
)
def test_judgements_that_contradict_themselves_are_refused(spoil, sentence):
    with pytest.raises(ValueError, match=sentence):
        visual_turing(*spoil(*_judgements(0.5)))


def test_a_margin_that_holds_everything_and_an_unknown_correction_are_refused():
    with pytest.raises(ValueError, match="margin"):
        visual_turing(*_judgements(0.5), margin=0.5)
    with pytest.raises(ValueError, match="unknown correction"):
        visual_turing(*_judgements(0.5), correction="half")


def test_d_prime_of_rates_on_known_points_of_the_normal_curve():
    # H = 0.84134 and F = 0.15866 stand one standard deviation to either side.
    e = d_prime(84134, 100_000, 15866, 100_000)
    assert e.d_prime.value == pytest.approx(2.0, abs=1e-4)
    assert e.criterion.value == pytest.approx(0.0, abs=1e-12)
    se = np.sqrt(2 * 0.84134 * 0.15866 / (100_000 * 0.2419707**2))
    assert e.d_prime.upper - e.d_prime.lower == pytest.approx(2 * 1.959964 * se, rel=1e-4)
    assert e.criterion.upper - e.criterion.lower == pytest.approx(1.959964 * se, rel=1e-4)


def test_a_rate_of_one_is_corrected_only_when_asked_for_and_the_method_says_so():
    plain = d_prime(20, 20, 5, 20)
    assert plain.d_prime.value is None
    assert "d' is infinite" in plain.d_prime.reason
    asked = d_prime(20, 20, 5, 20, correction="loglinear")
    assert asked.d_prime.value == pytest.approx(2.6182, abs=1e-4)
    assert "log-linear correction (+0.5, +1)" in asked.d_prime.method
    assert "correction" not in plain.d_prime.method


def test_impossible_counts_are_refused_and_no_image_gives_no_number():
    with pytest.raises(ValueError, match="between 0"):
        d_prime(5, 4, 0, 3)
    assert d_prime(0, 0, 1, 3).d_prime.reason == "no synthetic image was judged"


@settings(max_examples=25, deadline=None)
@given(hits=st.integers(1, 29), alarms=st.integers(1, 29))
def test_calling_the_other_kind_keeps_d_prime_and_turns_the_criterion(hits, alarms):
    one, other = d_prime(hits, 30, alarms, 30), d_prime(30 - alarms, 30, 30 - hits, 30)
    assert one.d_prime.value == pytest.approx(other.d_prime.value)
    assert one.criterion.value == pytest.approx(-other.criterion.value)
    assert one.d_prime.upper == pytest.approx(other.d_prime.upper)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_order_of_judgements_and_the_names_of_readers_do_not_matter(seed):
    truth, call, reader, case = _judgements(0.6, readers=4, cases=20, seed=seed)
    order = np.random.default_rng(seed).permutation(len(case))
    one = visual_turing(truth, call, reader, case)
    names = np.array(["d", "a", "c", "b"])[reader]
    other = visual_turing(truth[order], call[order], names[order], case[order])
    for name in ("accuracy", "sensitivity", "d_prime"):
        a, b = getattr(one, name), getattr(other, name)
        assert [a.value, a.lower, a.upper] == pytest.approx([b.value, b.lower, b.upper])
