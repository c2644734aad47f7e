import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.readers import fleiss_kappa, kappa
from tests.evaluation.reference_cases import reference_json

tables = st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=3, max_size=3)


@pytest.mark.real_data
def test_kappas_equal_irr():
    case = reference_json("kappa_fleiss_vision.json")
    for weights, name in (("none", "unweighted"), ("linear", "linear"), ("quadratic", "quadratic")):
        e = kappa(case["vision_table_rows_right_cols_left"], weights=weights)
        assert [e.value, e.statistic] == pytest.approx(
            [case[name]["value"], case[name]["z"]], rel=1e-12
        )
        assert e.lower < e.value < e.upper
    f = fleiss_kappa(case["fleiss_counts"])
    assert [f.value, f.statistic] == pytest.approx(
        [case["fleiss"]["value"], case["fleiss"]["z"]], rel=1e-12
    )


@pytest.mark.real_data
def test_the_interval_of_fleiss_kappa_agrees_with_the_jackknife_over_cases():
    counts = np.array(reference_json("kappa_fleiss_vision.json")["fleiss_counts"])
    n, e = len(counts), fleiss_kappa(counts)
    left_out = [fleiss_kappa(np.delete(counts, i, axis=0)).value for i in range(n)]
    se = np.sqrt((n - 1) ** 2 / n * np.var(left_out, ddof=1))
    assert (e.upper - e.lower) / (2 * 2.0452296) == pytest.approx(se, rel=0.05)
    assert (e.upper - e.lower) / (2 * 2.0452296) > e.value / e.statistic


def test_one_category_has_no_kappa_and_says_why():
    assert kappa([[5, 0], [0, 0]]).reason == "both readers used one category only"
    assert kappa([[0, 0], [0, 0]]).reason == "no observation"
    assert fleiss_kappa([[3, 0], [3, 0]]).reason == "one category only"


def test_a_reader_who_always_says_the_same_gives_kappa_zero_without_a_test():
    e = kappa([[5, 0], [5, 0]])
    assert (e.value, e.lower, e.p_value) == (0.0, None, None)
    assert e.reason == "no variance: no interval"


def test_perfect_agreement_has_no_interval_of_width_zero():
    e = kappa([[7, 0], [0, 9]])
    assert (e.value, e.lower, e.upper) == (1.0, None, None)
    assert e.p_value < 0.001


def test_an_interval_beyond_one_is_cut_off_and_flagged():
    e = kappa([[9, 1], [0, 5]])
    assert e.upper == 1.0
    assert e.flags == ("cut_off",)


@pytest.mark.parametrize("bad", [[[1, 2]], [[1, 2], [3, -1]], [[1, 2.5], [3, 1]],
                                 [[1, float("nan")], [3, 1]], [1, 2]])  # fmt: skip
def test_a_table_that_is_no_table_of_counts_is_refused(bad):
    with pytest.raises(ValueError, match=r"table|counts"):
        kappa(bad)


def test_cases_with_different_numbers_of_readers_are_refused():
    with pytest.raises(ValueError, match="same number of readers"):
        fleiss_kappa([[2, 1], [1, 1]])
    with pytest.raises(ValueError, match="at least two"):
        fleiss_kappa([[1, 0], [0, 1]])
    with pytest.raises(ValueError, match="unknown weights"):
        kappa([[1, 2], [3, 4]], weights="cubic")


@settings(max_examples=25, deadline=None)
@given(table=tables, weights=st.sampled_from(["none", "linear", "quadratic"]))
def test_kappa_does_not_depend_on_which_reader_is_first(table, weights):
    one, other = kappa(table, weights=weights), kappa(np.transpose(table), weights=weights)
    assert one.value == pytest.approx(other.value)
    assert one.value is None or -1 <= one.value <= 1 + 1e-12


@settings(max_examples=25, deadline=None)
@given(table=tables, order=st.permutations([0, 1, 2]))
def test_plain_kappa_does_not_depend_on_the_order_of_categories(table, order):
    turned = np.array(table)[np.ix_(order, order)]
    assert kappa(table).value == pytest.approx(kappa(turned).value)


@settings(max_examples=25, deadline=None)
@given(table=tables)
def test_four_times_the_cases_keep_kappa_and_double_its_statistic(table):
    one, four = kappa(table), kappa(4 * np.array(table))
    assert one.value == pytest.approx(four.value)
    if one.statistic is not None:
        assert four.statistic == pytest.approx(2 * one.statistic)


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(st.integers(0, 4), min_size=2, max_size=20))
def test_a_category_that_nobody_used_changes_no_fleiss_kappa(rows):
    counts = np.array([[x, 4 - x] for x in rows])
    wider = np.column_stack([counts, np.zeros(len(counts), dtype=int)])
    assert fleiss_kappa(counts).value == pytest.approx(fleiss_kappa(wider).value)
