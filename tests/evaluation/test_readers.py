import numpy as np
import pandas as pd
import pytest

from evaluation.readers import fleiss_kappa, kappa, obuchowski_rockette, visual_turing
from tests.evaluation.reference_cases import reference_csv, reference_json


def _van_dyke():
    rows = pd.DataFrame(reference_csv("mrmc_vandyke.csv")).astype(int)
    return rows.rename(columns={"treatment": "test"})


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("covariance", "block"), [("delong", "DeLong"), ("jackknife", "jackknife")]
)
def test_reader_study_equals_mrmcaov_on_van_dyke(covariance, block):
    expected = reference_json("mrmc_vandyke_expected.json")[block]
    r = obuchowski_rockette(_van_dyke(), covariance=covariance)
    overall = expected["test_equality"]
    ours = [r.ms_test, r.ms_test_reader, r.errors.cov2, r.errors.cov3, r.f, r.df2, r.p_value]
    names = ("MS(T)", "MS(T:R)", "Cov2", "Cov3", "F", "df2", "p-value")
    assert ours == pytest.approx([overall[name] for name in names], rel=1e-7)
    d = r.differences["1", "2"]
    assert d.value == pytest.approx(expected["test_diffs"]["Estimate"])
    assert [d.lower, d.upper] == pytest.approx(expected["test_diffs"]["CI"][0], rel=1e-6)
    for mean, test in zip(r.means, expected["test_means"], strict=True):
        assert mean.value == pytest.approx(test["Estimate"])
        assert [mean.lower, mean.upper] == pytest.approx(test["CI"], rel=1e-7)


def _study(truth=(0, 0, 1, 1)):
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        [
            {"reader": r, "test": t, "case": c, "truth": y, "rating": float(rng.normal(y))}
            for r in "ab" for t in "xy" for c, y in enumerate(truth)
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda d: d.drop(columns="truth"), "'truth' is missing"),
        (lambda d: d.iloc[1:], "every reader must have read"),
        (lambda d: pd.concat([d, d.head(1)]), "twice"),
        (lambda d: d[d["reader"] == "a"], "two readers"),
        (lambda d: d.assign(truth=1), "positive and negative"),
        (lambda d: d.assign(truth=range(len(d))), "one truth"),
    ],
)
def test_an_incomplete_reader_study_is_refused(spoil, sentence):
    with pytest.raises(ValueError, match=sentence):
        obuchowski_rockette(spoil(_study()))


def test_an_unknown_covariance_is_refused():
    with pytest.raises(ValueError, match="jackknife"):
        obuchowski_rockette(_study(), covariance="guess")


@pytest.mark.real_data
def test_kappas_equal_irr():
    case = reference_json("kappa_fleiss_vision.json")
    for weights, name in (("none", "unweighted"), ("linear", "linear"), ("quadratic", "quadratic")):
        e = kappa(case["vision_table_rows_right_cols_left"], weights=weights)
        assert [e.value, e.statistic] == pytest.approx([case[name]["value"], case[name]["z"]])
        assert e.lower < e.value < e.upper
    f = fleiss_kappa(case["fleiss_counts"])
    assert [f.value, f.statistic] == pytest.approx([case["fleiss"]["value"], case["fleiss"]["z"]])


def test_one_category_has_no_kappa_and_says_why():
    assert kappa([[5, 0], [0, 0]]).reason == "both readers used one category only"
    assert kappa([[0, 0], [0, 0]]).reason == "no observation"
    assert fleiss_kappa([[3, 0], [3, 0]]).reason == "one category only"


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
    assert r.accuracy.value is None
    assert "two readers" in r.accuracy.reason
    assert r.readers[0].accuracy.n == 60


def test_readers_who_always_agree_widen_the_interval():
    truth, call, _, case = _judgements(0.6, readers=1, cases=100)
    alike = visual_turing(np.tile(truth, 5), np.tile(call, 5), np.repeat(np.arange(5), 100), np.tile(case, 5))  # fmt: skip
    alone = visual_turing(*_judgements(0.6, readers=5, cases=100))
    assert alike.accuracy.upper - alike.accuracy.lower > 1.5 * (
        alone.accuracy.upper - alone.accuracy.lower
    )
