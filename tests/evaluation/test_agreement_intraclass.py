import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.agreement import icc
from evaluation.agreement.intraclass_clustered import clustered_form

_FORMS = ("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k")
_TABLE = np.random.default_rng(3).normal(0, 1, (25, 3)) + 2 * np.random.default_rng(4).normal(
    0, 1, (25, 1)
)


@settings(max_examples=20)
@given(shift=st.floats(-50, 50), scale=st.floats(0.1, 10))
def test_no_form_changes_with_the_unit_of_measurement(shift, scale):
    one, other = icc(_TABLE), icc(scale * _TABLE + shift)
    for name in _FORMS:
        a, b = one[name].estimate, other[name].estimate
        assert [b.value, b.lower, b.upper] == pytest.approx([a.value, a.lower, a.upper], rel=1e-6)


def test_consistency_forgives_a_shifted_rater_and_agreement_does_not():
    shifted = icc(_TABLE + np.array([0, 0, 5]))
    assert shifted["ICC3"].estimate.value == pytest.approx(icc(_TABLE)["ICC3"].estimate.value)
    assert shifted["ICC2"].estimate.value < icc(_TABLE)["ICC2"].estimate.value - 0.2


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_each_interval_holds_its_estimate(seed):
    rng = np.random.default_rng(seed)
    table = rng.normal(0, 1, (6, 3)) + rng.exponential(1) * rng.normal(0, 1, (6, 1))
    for form in icc(table).values():
        e = form.estimate
        if e.lower is not None and e.value is not None:
            assert e.lower <= e.value <= e.upper
        else:
            assert e.reason


def test_averages_follow_from_single_ratings_by_spearman_and_brown():
    forms = icc(_TABLE)
    for name in ("ICC1", "ICC2", "ICC3"):
        r, e = forms[name].estimate, forms[f"{name}k"].estimate
        stepped = [3 * v / (1 + 2 * v) for v in (r.value, r.lower, r.upper)]
        assert [e.value, e.lower, e.upper] == pytest.approx(stepped, rel=1e-9)


def test_one_rater_plus_a_constant_is_perfectly_consistent_without_an_interval():
    x = np.random.default_rng(1).normal(5, 1, 12)
    forms = icc(np.column_stack([x, x + 0.3]))
    assert forms["ICC3"].estimate.value == pytest.approx(1.0)
    assert (forms["ICC3"].estimate.lower, forms["ICC3"].f) == (None, None)
    assert "no residual variation" in forms["ICC3"].estimate.reason
    assert 0.8 < forms["ICC1"].estimate.value < 1


def test_participants_with_equal_means_have_no_average_forms_and_say_why():
    forms = icc([[1.0, 3.0], [3.0, 1.0], [2.0, 2.0]])
    assert forms["ICC1"].estimate.value == pytest.approx(-1.0)
    assert forms["ICC1k"].estimate.value is None
    assert "vary too little" in forms["ICC1k"].estimate.reason


def test_an_agreement_interval_without_a_lower_end_says_so():
    e = icc([[1.0, 3.1], [3.0, 1.0], [2.0, 2.3], [2.5, 1.7]])["ICC2k"].estimate
    assert e.lower is None
    assert e.reason


def test_the_level_widens_every_interval():
    wide, narrow = icc(_TABLE, level=0.99), icc(_TABLE, level=0.8)
    for name in _FORMS:
        assert wide[name].estimate.lower < narrow[name].estimate.lower
        assert wide[name].estimate.upper > narrow[name].estimate.upper


def test_rows_with_a_gap_are_missing_and_an_infinite_rating_is_refused_by_place():
    table = _TABLE.copy()
    table[4, 1] = np.nan
    e = icc(table)["ICC2"].estimate
    assert (e.n, e.missing) == (24, 1)
    assert e.value == icc(np.delete(_TABLE, 4, axis=0))["ICC2"].estimate.value
    table[7, 2] = np.inf
    with pytest.raises(ValueError, match="participant 7 by rater 2 is infinite"):
        icc(table)


@pytest.mark.parametrize("table", [[[1.0, 2.0]], [[1.0], [2.0]]])
def test_too_few_participants_or_raters_say_so(table):
    form = icc(table)["ICC2"]
    assert (form.estimate.value, form.f) == (None, None)
    assert "fewer than two" in form.estimate.reason


def test_equal_ratings_say_so_and_a_flat_list_is_refused():
    assert icc(np.full((4, 3), 0.1))["ICC3"].estimate.reason == "all ratings are equal"
    with pytest.raises(ValueError, match="shape"):
        icc([1.0, 2.0])


def test_clustered_rows_keep_each_value_and_draw_whole_participants():
    who = np.arange(25) // 3
    plain, clustered = icc(_TABLE), icc(_TABLE, subject=who, seed=2, replicates=300)
    for name in _FORMS:
        e = clustered[name].estimate
        assert e.value == plain[name].estimate.value
        assert e.lower < e.value < e.upper
        assert (e.n, e.clusters, clustered[name].p_value) == (25, 9, None)
        assert e.method == f"{name}, bca cluster bootstrap"


@pytest.mark.parametrize("name", _FORMS)
def test_a_form_of_sums_is_the_form_of_the_table(name):
    drawn = clustered_form(name, _TABLE, np.arange(25) // 3, seed=2, replicates=10, level=0.9)
    assert drawn.value == pytest.approx(icc(_TABLE)[name].estimate.value, rel=1e-10)


def test_each_row_of_its_own_participant_equals_no_clustering():
    assert icc(_TABLE, subject=np.arange(25)) == icc(_TABLE)


def test_doubled_rows_of_participants_do_not_narrow_the_clustered_interval():
    who = np.arange(25)
    twice = icc(np.repeat(_TABLE, 2, axis=0), subject=np.repeat(who, 2), seed=2, replicates=400)[
        "ICC2"
    ].estimate
    naive = icc(np.repeat(_TABLE, 2, axis=0))["ICC2"].estimate
    assert twice.upper - twice.lower > 1.2 * (naive.upper - naive.lower)


def test_clustered_rows_need_a_seed_and_a_label_each():
    with pytest.raises(ValueError, match="seed"):
        icc(_TABLE, subject=np.arange(25) // 3)
    with pytest.raises(ValueError, match="one label for each row"):
        icc(_TABLE, subject=[1, 2], seed=1)


def test_a_clustered_form_without_a_value_keeps_its_reason():
    table = [[1.0, 3.0], [3.0, 1.0], [2.0, 2.0], [1.0, 3.0]]
    e = icc(table, subject=[1, 2, 3, 3], seed=1, replicates=20)["ICC1k"].estimate
    assert (e.value, e.lower, e.clusters) == (None, None, 3)
    assert "vary too little" in e.reason
