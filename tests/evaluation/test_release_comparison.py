"""Releases on the same pairs: every number is the one that the statistics give when asked by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaluation.agreement import lin_ccc, weighted_ccc
from evaluation.analysis import default_plan
from evaluation.analysis.release_comparison import compare_releases, seed_of
from evaluation.statistics import bootstrap, clustered_mean, stratified_mean


@pytest.fixture(scope="module")
def plan():

    return replace(default_plan(), bootstrap_replicates=200)


def table(people: int = 24, seed: int = 4) -> pd.DataFrame:
    """Two releases on the same participants, one to three lesions each, drawn."""
    rng = np.random.default_rng(seed)
    rows = []

    def add(who, release, region, image, quantity, value, unit):
        rows.append((who, f"S{int(who[1:]) % 3}", release, region, image, quantity, value, unit))

    for number in range(people):
        who = f"P{number:02d}"
        lesions = rng.uniform(2, 12, size=1 + number % 3)
        for release, shift in (("one 1", 0.9), ("two 1", 1.1)):
            for quantity, low, unit in (
                ("mae", 0.2, "SUVbw"),
                ("psnr", 30, "dB"),
                ("ssim", 0.9, "1"),
            ):
                add(who, release, "body", "pair", quantity, low * shift + rng.normal(0, 0.02), unit)
            for k, acquired in enumerate(lesions, start=1):
                for quantity in ("suv_max", "suv_peak"):
                    made = acquired * shift * rng.uniform(0.8, 1.2)
                    add(who, release, f"lesion:{k}", "reference", quantity, acquired, "SUVbw")
                    add(who, release, f"lesion:{k}", "synthetic", quantity, made, "SUVbw")
    columns = ["participant", "site", "release", "region", "image", "quantity", "value", "unit"]
    return pd.DataFrame(rows, columns=columns)


NAMES = ("one 1", "two 1")


def one(rows, quantity, statistic, release, against=""):
    found = [
        row for row in rows
        if (row.quantity, row.statistic, row.release, row.against)
        == (quantity, statistic, release, against)
    ]  # fmt: skip
    assert len(found) == 1
    return found[0]


def values(frame, quantity, image, release, region):
    own = frame[(frame.quantity == quantity) & (frame.image == image) & (frame.release == release)]
    own = own[own.region.str.startswith(region)].sort_values(["participant", "site", "region"])
    return (
        own["value"].to_numpy(),
        own["participant"].to_numpy(dtype=object),
        own["site"].to_numpy(dtype=object),
    )


def numbers(e):
    return (e.value, e.lower, e.upper, e.n, e.clusters)


def by_hand(plan, x, site, who):
    if plan.methods.pooling == "crude":
        return clustered_mean(x, who, level=plan.level)
    return stratified_mean(x, site, cluster=who, level=plan.level)


@pytest.mark.parametrize("quantity", ["mae", "psnr", "ssim"])
def test_means_in_the_body_and_their_paired_differences_are_those_of_the_statistics(plan, quantity):
    frame = table()
    rows = compare_releases(plan, frame, releases=NAMES)
    (x, who, site), (y, _, _) = (values(frame, quantity, "pair", n, "body") for n in NAMES)

    assert numbers(one(rows, quantity, "mean", "one 1")) == numbers(by_hand(plan, x, site, who))
    difference = one(rows, quantity, "mean_difference", "two 1", "one 1")
    assert numbers(difference) == numbers(by_hand(plan, y - x, site, who))
    width = difference.upper - difference.lower
    apart = [one(rows, quantity, "mean", name) for name in NAMES]
    assert difference.n == 24
    assert all(width < 5 * (e.upper - e.lower) for e in apart)


def sides(frame, name, quantity="suv_max"):
    made, who, site = values(frame, quantity, "synthetic", name, "lesion:")
    acquired, _, _ = values(frame, quantity, "reference", name, "lesion:")
    return made, acquired, who, site


def test_bias_and_recovery_of_lesions_are_those_of_the_statistics(plan):
    frame = table()
    rows = compare_releases(plan, frame, releases=NAMES)
    (x, r, who, site), (y, s, _, _) = (sides(frame, name) for name in NAMES)

    bias = one(rows, "suv_max", "bias", "two 1")
    assert numbers(bias) == numbers(by_hand(plan, y - s, site, who))
    assert (bias.n, bias.clusters) == (48, 24)
    difference = one(rows, "suv_max", "bias_difference", "two 1", "one 1")
    assert numbers(difference) == numbers(by_hand(plan, (y - s) - (x - r), site, who))

    recovery = one(rows, "suv_max", "recovery_percent", "one 1")
    log = by_hand(plan, np.log(x / r), site, who)
    assert [recovery.value, recovery.lower, recovery.upper] == pytest.approx(
        [100 * np.exp(v) for v in (log.value, log.lower, log.upper)]
    )
    ratio = one(rows, "suv_max", "recovery_ratio_percent", "two 1", "one 1")
    log = by_hand(plan, np.log(y / s) - np.log(x / r), site, who)
    assert [ratio.value, ratio.lower, ratio.upper] == pytest.approx(
        [100 * np.expm1(v) for v in (log.value, log.lower, log.upper)]
    )
    assert ratio.lower > 0  # two shows more than one


def test_concordance_and_its_difference_are_those_of_the_statistics(plan):
    frame = table()
    rows = compare_releases(plan, frame, releases=NAMES)
    (x, r, who, _), (y, s, _, _) = (sides(frame, name) for name in NAMES)

    expected = lin_ccc(
        x, r, subject=who, level=plan.level, replicates=plan.bootstrap_replicates,
        seed=seed_of(plan, "lesion:", "suv_max", "one 1"),
    )  # fmt: skip
    assert numbers(one(rows, "suv_max", "ccc", "one 1")) == numbers(expected)
    expected = bootstrap(
        lambda w: weighted_ccc(y, s, w) - weighted_ccc(x, r, w), who, level=plan.level,
        replicates=plan.bootstrap_replicates,
        seed=seed_of(plan, "lesion:", "suv_max", "two 1", "one 1"),
    )  # fmt: skip
    assert numbers(one(rows, "suv_max", "ccc_difference", "two 1", "one 1")) == numbers(expected)


def test_what_one_release_lacks_is_left_out_for_both_and_counted(plan):
    frame = table()
    lacking = (frame.release == "two 1") & (frame.participant == "P02")
    rows = compare_releases(plan, frame[~lacking], releases=NAMES)

    for statistic, release, against in (
        ("mean", "one 1", ""),
        ("mean_difference", "two 1", "one 1"),
    ):
        row = one(rows, "mae", statistic, release, against)
        assert (row.n, row.missing) == (23, 1)
    row = one(rows, "suv_max", "bias", "one 1")
    assert (row.n, row.clusters, row.missing) == (45, 23, 3)
    assert rows != compare_releases(plan, frame, releases=NAMES)


def test_a_value_that_is_missing_counts_as_missing(plan):
    frame = table()
    at = frame.index[(frame.quantity == "suv_max") & (frame.image == "synthetic")][0]
    frame.loc[at, "value"] = np.nan
    row = one(compare_releases(plan, frame, releases=NAMES), "suv_max", "ccc", "one 1")
    assert (row.n, row.missing) == (47, 1)


def test_few_participants_have_estimates_and_no_interval(plan):
    rows = compare_releases(plan, table(people=2), releases=NAMES)
    row = one(rows, "mae", "mean_difference", "two 1", "one 1")
    assert row.value is not None
    assert row.lower is None
    assert "no interval" in row.reason


def test_nothing_in_common_is_said(plan):
    frame = table(people=4)
    both = (frame.release == "one 1") == (frame.participant < "P02")
    rows = compare_releases(plan, frame[both], releases=NAMES)
    assert {row.value for row in rows} == {None}
    assert all(row.reason for row in rows)
    assert one(rows, "mae", "mean", "one 1").missing == 4


def test_the_order_of_the_rows_changes_nothing(plan):
    frame = table()
    shuffled = frame.sample(frac=1, random_state=3)
    assert compare_releases(plan, frame, releases=NAMES) == compare_releases(
        plan, shuffled, releases=NAMES
    )


@pytest.mark.parametrize("names", [("one 1",), ("one 1", "one 1"), ()])
def test_fewer_than_two_releases_are_refused(plan, names):
    with pytest.raises(ValueError, match="two or more releases"):
        compare_releases(plan, table(people=3), releases=names)
