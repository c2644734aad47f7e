from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaluation.diagnostic import auc
from evaluation.readers import obuchowski_rockette
from tests.evaluation.reference_cases import reference_csv, reference_json

BLOCKS = [("delong", "DeLong"), ("jackknife", "jackknife"), ("unbiased", "unbiased")]


def _van_dyke():
    rows = pd.DataFrame(reference_csv("mrmc_vandyke.csv")).astype(int)
    return rows.rename(columns={"treatment": "test"})


def _expected(block):
    return reference_json("mrmc_vandyke_expected.json")[block]


@pytest.mark.real_data
@pytest.mark.parametrize(("covariance", "block"), BLOCKS)
def test_the_overall_test_equals_mrmcaov_on_van_dyke(covariance, block):
    overall = _expected(block)["test_equality"]
    r = obuchowski_rockette(_van_dyke(), covariance=covariance)
    ours = [r.ms_test, r.ms_test_reader, r.errors.cov2, r.errors.cov3, r.denominator, r.f, r.df1,
            r.df2, r.p_value]  # fmt: skip
    assert ours == pytest.approx(list(overall.values()), rel=1e-12)


@pytest.mark.real_data
@pytest.mark.parametrize(("covariance", "block"), BLOCKS)
def test_the_difference_equals_mrmcaov_on_van_dyke(covariance, block):
    expected = _expected(block)["test_diffs"]
    r = obuchowski_rockette(_van_dyke(), covariance=covariance)
    d = r.differences["1", "2"]
    ours = [d.value, d.value / d.statistic, r.df2, d.lower, d.upper, d.statistic, d.p_value]
    names = ("Estimate", "StdErr", "df")
    theirs = [*(expected[name] for name in names), *expected["CI"][0], expected["t"]]
    assert ours == pytest.approx([*theirs, expected["p-value"]], rel=1e-10)


@pytest.mark.real_data
@pytest.mark.parametrize(("covariance", "block"), BLOCKS)
def test_means_and_components_equal_mrmcaov_on_van_dyke(covariance, block):
    r = obuchowski_rockette(_van_dyke(), covariance=covariance)
    for mean, detail, test in zip(r.means, r.mean_details, _expected(block)["test_means"],
                                  strict=True):  # fmt: skip
        ours = [mean.value, detail.ms_reader, detail.cov2, detail.se, detail.df, mean.lower,
                mean.upper]  # fmt: skip
        theirs = [test[name] for name in ("Estimate", "MS(R)", "Cov2", "StdErr", "df")]
        assert ours == pytest.approx([*theirs, *test["CI"]], rel=1e-12)
    parts = [r.reader_component, r.test_reader_component, r.errors.variance, r.errors.cov1,
             r.errors.cov2, r.errors.cov3]  # fmt: skip
    expected = _expected(block)["variance_components"]
    assert parts == pytest.approx(list(expected.values()), abs=5e-11)


@pytest.mark.real_data
def test_fixed_readers_equal_mrmcaov_on_van_dyke():
    expected = _expected("fixed_readers_DeLong")
    overall, diff = expected["test_equality"], expected["test_diffs"]
    r = obuchowski_rockette(_van_dyke(), readers="fixed")
    ours = [r.ms_test, r.errors.cov1, r.errors.cov2, r.errors.cov3, r.denominator, r.df1 * r.f,
            r.df1, r.p_value]  # fmt: skip
    assert ours == pytest.approx(list(overall.values()), rel=1e-12)
    d = r.differences["1", "2"]
    theirs = [diff["Estimate"], diff["StdErr"], *diff["CI"][0], diff["z"], diff["p-value"]]
    assert [d.value, d.value / d.statistic, d.lower, d.upper, d.statistic, d.p_value] == (
        pytest.approx(theirs, rel=1e-10)
    )
    assert np.isinf(r.df2)


@pytest.mark.real_data
def test_the_areas_of_van_dyke_are_those_printed():
    areas = obuchowski_rockette(_van_dyke()).areas
    printed = [[0.9196457, 0.8587762, 0.9038647, 0.9731079, 0.8297907],
               [0.9478261, 0.9053140, 0.9217391, 0.9993559, 0.9299517]]  # fmt: skip
    assert np.allclose(areas, printed, atol=5e-8)


def test_fixed_cases_are_a_two_way_analysis_of_variance_of_the_areas():
    r = obuchowski_rockette(_study(), cases="fixed")
    t = stats.ttest_rel(*r.areas)
    d = r.differences["x", "y"]
    assert [d.statistic, d.p_value, r.f] == pytest.approx([t.statistic, t.pvalue, t.statistic**2])
    assert r.df2 == len(r.readers) - 1
    one = stats.ttest_1samp(r.areas[0], 0)
    assert r.means[0].lower == pytest.approx(one.confidence_interval().low)


def test_two_tests_of_several_keep_their_difference_and_share_the_error():
    three = obuchowski_rockette(_study(tests="xyz"))
    assert three.df1 == 2
    assert set(three.differences) == {("x", "y"), ("x", "z"), ("y", "z")}
    widths = {round(d.upper - d.lower, 12) for d in three.differences.values()}
    assert len(widths) == 1
    two = obuchowski_rockette(_study(tests="xyz").query("test != 'z'"))
    assert two.differences["x", "y"].value == pytest.approx(three.differences["x", "y"].value)
    means = three.areas.mean(axis=1)
    assert three.ms_test == pytest.approx(len(three.readers) * means.var(ddof=1))


def _study(truth=(0, 1) * 12, *, readers="abc", tests="xy", seed=2):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        [
            {"reader": r, "test": t, "case": c, "truth": y, "rating": float(rng.normal(y))}
            for r in readers for t in tests for c, y in enumerate(truth)
        ]
    )  # fmt: skip


def _crosswise(cases=60):
    """Each reader rates with one test what the other rates with the other: Cov3 exceeds Cov2."""
    rng = np.random.default_rng(5)
    truth = np.arange(cases) % 2
    u, v = rng.normal(truth), rng.normal(truth)
    parts = {("a", "x"): u, ("a", "y"): v, ("b", "x"): v + 0.01, ("b", "y"): u + rng.normal(0, 0.3, cases)}  # fmt: skip
    return pd.concat(
        pd.DataFrame({"reader": r, "test": t, "case": np.arange(cases), "truth": truth, "rating": x})
        for (r, t), x in parts.items()
    )  # fmt: skip


def test_a_cov2_below_cov3_counts_as_no_difference_between_them():
    r = obuchowski_rockette(_crosswise())
    assert r.errors.cov2 < r.errors.cov3
    assert r.denominator == r.ms_test_reader
    assert r.f == pytest.approx(r.ms_test / r.ms_test_reader)
    assert r.df2 == pytest.approx(1.0)
    assert r.test_reader_component < r.ms_test_reader - r.errors.variance + r.errors.cov1
    fixed = obuchowski_rockette(_crosswise(), readers="fixed")
    assert fixed.denominator == pytest.approx(fixed.errors.variance - fixed.errors.cov1)


def test_readers_who_never_err_leave_no_interval_and_say_why():
    perfect = _study().assign(rating=lambda d: d["truth"])
    r = obuchowski_rockette(perfect)
    assert (r.f, r.p_value) == (None, None)
    assert r.reason == "readers and cases show no variance: no interval"
    assert r.means[0].value == 1.0
    assert r.means[0].lower is None
    assert r.differences["x", "y"].p_value is None


def test_an_interval_stays_within_the_areas_that_exist():
    easy = _study(seed=3).assign(rating=lambda d: d["rating"] + 3 * d["truth"])
    m = obuchowski_rockette(easy).means[0]
    assert m.upper == 1.0
    assert m.flags == ("cut_off_at_0_or_1",)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda d: d.drop(columns="truth"), "'truth' is missing"),
        (lambda d: d.iloc[1:], "1 of 144 readings are missing, for example of case 0 by reader a"),
        (lambda d: d.assign(rating=d["rating"].where(d.index != 3)), "every reader must have read"),
        (lambda d: pd.concat([d, d.head(1)]), "twice"),
        (lambda d: d[d["reader"] == "a"], "two readers"),
        (lambda d: d[d["test"] == "x"], "two tests"),
        (lambda d: d.assign(truth=1), "positive and negative"),
        (lambda d: d.assign(truth=(d["case"] == 1).astype(int)), "not 1 and 23"),
        (lambda d: d.assign(truth=range(len(d))), "one truth"),
        (lambda d: d.assign(truth=d["truth"].where(d.index != 0)), "one truth"),
        (lambda d: d.assign(rating="high"), "a rating is not a number"),
        (lambda d: d.assign(reader=d["reader"].where(d.index != 0)), "lacks its reader"),
    ],
)
def test_an_incomplete_reader_study_is_refused(spoil, sentence):
    with pytest.raises(ValueError, match=sentence):
        obuchowski_rockette(spoil(_study()))


def test_an_unknown_covariance_and_a_study_with_nothing_random_are_refused():
    with pytest.raises(ValueError, match="jackknife"):
        obuchowski_rockette(_study(), covariance="guess")
    with pytest.raises(ValueError, match="one must be random"):
        obuchowski_rockette(_study(), readers="fixed", cases="fixed")


def _same(one, other):
    for a, b in zip(one.means, other.means, strict=True):
        assert [a.value, a.lower, a.upper] == pytest.approx([b.value, b.lower, b.upper])
    assert [one.f, one.df2, one.p_value] == pytest.approx([other.f, other.df2, other.p_value])


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), covariance=st.sampled_from(["delong", "jackknife", "unbiased"]))
def test_neither_the_order_of_rows_nor_a_monotone_scale_changes_a_study(seed, covariance):
    rows = _study(seed=seed)
    plain = obuchowski_rockette(rows, covariance=covariance)
    shuffled = rows.sample(frac=1, random_state=seed).assign(rating=lambda d: np.exp(d["rating"]))
    _same(plain, obuchowski_rockette(shuffled, covariance=covariance))
    turned = rows.assign(truth=1 - rows["truth"], rating=-rows["rating"])
    _same(plain, obuchowski_rockette(turned, covariance=covariance))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_areas_are_those_of_single_curves_and_swapping_tests_turns_the_difference(seed):
    rows = _study(seed=seed)
    r = obuchowski_rockette(rows)
    own = rows[(rows["reader"] == "b") & (rows["test"] == "y")]
    assert r.areas[1, 1] == pytest.approx(auc(own["truth"], own["rating"]).value)
    names = {"x": "y", "y": "x"}
    turned = obuchowski_rockette(rows.assign(test=rows["test"].map(names)))
    one, other = r.differences["x", "y"], turned.differences["x", "y"]
    assert [one.value, one.lower, one.p_value] == pytest.approx(
        [-other.value, -other.upper, other.p_value]
    )


def test_the_covariances_agree_in_large_studies():
    rows = _study(truth=(0, 1) * 100)
    found = [obuchowski_rockette(rows, covariance=c).errors for c, _ in BLOCKS]
    for e in found[1:]:
        assert e.variance == pytest.approx(found[0].variance, rel=0.03)


def test_a_result_cannot_be_changed():
    r = obuchowski_rockette(_study())
    with pytest.raises(AttributeError):
        r.f = 1.0
    assert replace(r, f=1.0).f == 1.0
