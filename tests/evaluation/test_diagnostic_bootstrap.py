import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evaluation.diagnostic import accuracy_table, auc, cluster_bootstrap, compare_auc
from evaluation.diagnostic.cases import complete_cases
from evaluation.diagnostic.resampling import _mean_of_sums, _weighted_area
from evaluation.statistics import SumStatistic, bootstrap, bootstrap_each
from tests.evaluation.roc_cases import clustered


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 4), st.integers(0, 3)), min_size=3, max_size=25
    )
)
def test_a_weighted_area_is_that_of_repeated_observations(rows):
    truth, score, weight = np.array(rows).T
    drawn = np.repeat(np.arange(len(truth)), weight)
    assume(0 < truth[drawn].sum() < len(drawn))
    assume(0 < truth.sum() < len(truth))
    cases = complete_cases(truth, [score])
    area = _weighted_area(cases, cases.values[0])(weight[None, :].astype(float))[0]
    assert area == pytest.approx(auc(truth[drawn], score[drawn]).value)


def test_estimates_are_those_of_the_closed_forms():
    truth, one, two, group = clustered(1)
    table = accuracy_table(truth, one > 0.5, cluster=group)
    options = {"cluster": group, "seed": 1, "replicates": 50}
    for measure in ("sensitivity", "specificity"):
        e = cluster_bootstrap(measure, truth, one > 0.5, **options)
        direct = table.estimates()[measure]
        assert e.value == pytest.approx(direct.value)
        assert e.n == direct.n
    assert cluster_bootstrap("auc", truth, one, **options).value == pytest.approx(
        auc(truth, one).value
    )
    e = cluster_bootstrap("auc", truth, one, two, **options)
    assert e.value == pytest.approx(compare_auc(truth, one, two).value)
    assert (e.n, e.clusters) == (150, 50)


def test_intervals_are_near_the_closed_forms():
    truth, one, two, group = clustered(2, 150)
    options = {"cluster": group, "seed": 4, "replicates": 1000}
    pairs = [
        (cluster_bootstrap("auc", truth, one, two, **options),
         compare_auc(truth, one, two, cluster=group)),
        (cluster_bootstrap("sensitivity", truth, one > 0.5, **options),
         accuracy_table(truth, one > 0.5, cluster=group).sensitivity),
    ]  # fmt: skip
    for drawn, closed in pairs:
        assert drawn.upper - drawn.lower == pytest.approx(closed.upper - closed.lower, rel=0.12)
        assert drawn.lower == pytest.approx(closed.lower, abs=0.015)


@pytest.mark.parametrize("measure", ["sensitivity", "specificity", "auc"])
@pytest.mark.parametrize("stratified", [False, True])
def test_the_same_seed_gives_the_same_bytes_for_any_number_of_workers(measure, stratified):
    truth, one, two, group = clustered(3, 40)
    rows = (one, two) if measure == "auc" else (one > 0.5, two > 0.5)
    options = {"cluster": group, "seed": 9, "replicates": 250}
    if stratified:
        options["strata"] = group % 3
    found = {cluster_bootstrap(measure, truth, *rows, workers=w, **options) for w in (1, 2, 3)}
    assert len(found) == 1


def test_strata_keep_their_number_of_participants():
    # Site a has only positives, site b only negatives: drawn within sites, no replicate lacks one.
    truth, score = np.repeat([1, 0], 6), np.arange(12.0)[::-1]
    site = np.repeat(["a", "b"], 6)
    score[3] = -1.0
    options = {"seed": 2, "replicates": 200, "method": "percentile"}
    assert cluster_bootstrap("auc", truth, score, strata=site, **options).flags == ()
    alone = cluster_bootstrap("auc", truth[4:8], score[4:8], **options)
    assert "undefined_replicates" in alone.flags


def test_gaps_are_left_out_and_counted():
    e = cluster_bootstrap("sensitivity", [1, 1, np.nan, 0, 1], [1, 0, 1, 0, np.nan], seed=1)
    assert (e.n, e.missing, e.value) == (2, 2, 0.5)


@pytest.mark.parametrize(
    ("measure", "truth", "word"),
    [
        ("auc", [1, 1], "no negative case"),
        ("specificity", [1, 1], "no negative case"),
        ("sensitivity", [0, 0], "no observation has"),
        ("sensitivity", [], "no observation with both"),
    ],
)
def test_what_one_class_cannot_give_says_why(measure, truth, word):
    e = cluster_bootstrap(measure, truth, [1, 0][: len(truth)], seed=1)
    assert e.value is None
    assert word in e.reason


def test_one_class_still_gives_the_measure_of_that_class():
    assert cluster_bootstrap("sensitivity", [1, 1], [1, 0], seed=1).value == 0.5
    assert cluster_bootstrap("specificity", [0, 0], [1, 0], seed=1).value == 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("npv", [1, 0], [1, 0]), "sensitivity, specificity, auc"),
        (("sensitivity", [1, 0], [0.3, 1]), "a call must be 0 or 1"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(arguments, message):
    with pytest.raises(ValueError, match=message):
        cluster_bootstrap(*arguments, seed=1)


def test_one_set_of_draws_gives_what_each_bootstrap_gives():
    rng = np.random.default_rng(1)
    x, group = rng.normal(size=90), np.arange(90) // 3
    terms = np.stack([np.ones(90), x], axis=1)
    mean = SumStatistic(terms, lambda s: s[:, 1] / s[:, 0])
    total = SumStatistic(terms, lambda s: s[:, 1])

    def largest(weights):
        return np.where(weights > 0, x, -np.inf).max(axis=1)

    options = {"seed": 5, "replicates": 300, "strata": group % 2}
    together = bootstrap_each([mean, total, largest], group, **options)
    assert together == tuple(bootstrap(s, group, **options) for s in (mean, total, largest))


def test_a_single_positive_case_has_a_sensitivity_without_interval():
    e = cluster_bootstrap("sensitivity", [1], [1], seed=1)
    assert (e.value, e.lower) == (1.0, None)
    assert e.reason


def test_a_replicate_with_one_case_has_a_value():
    # Two positives: a replicate that draws one of them once still has a sensitivity of 0 or 1.
    e = cluster_bootstrap("sensitivity", [1, 1, 0, 0], [1, 0, 0, 0], seed=1, method="percentile")
    assert (e.lower, e.upper) == (0.0, 1.0)
    sums = np.array([[1.0, 1.0], [0.0, 0.0]])
    assert _mean_of_sums(sums).tolist()[0] == 1.0
    assert np.isnan(_mean_of_sums(sums)[1])
