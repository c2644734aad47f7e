from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from evaluation.analysis import AnalysisResult
from evaluation.analysis.results import Place
from evaluation.report.suppression import released, suppressed
from evaluation.statistics import proportion_interval

ATOMS = ("tp", "fp", "fn", "tn")
MEASURES = {
    "sensitivity": ("tp", "fn"), "specificity": ("tn", "fp"), "ppv": ("tp", "fp"),
    "npv": ("tn", "fn"), "accuracy": ("tp", "tn", "fp", "fn"),
}  # fmt: skip
HITS = {"sensitivity": ("tp",), "specificity": ("tn",), "ppv": ("tp",), "npv": ("tn",),
        "accuracy": ("tp", "tn")}  # fmt: skip
PLACE = Place(
    "malignancy", "secondary", "image_paired", 0.95, test="spet", target_condition="malignancy",
    unit="lesion",
)  # fmt: skip
FLOW = Place("participant_flow", "flow", "all", 0.95, unit="participant")


def _gone(rows):
    return {(r.subgroup, r.statistic) for r in rows if r.reason.startswith("suppressed: ")}


def _by_site(counts, statistic="enrolled"):
    rows = [FLOW.plain(statistic, float(sum(counts)), n=1000)]
    return rows + [
        FLOW.at(f"site:S{i}").plain(statistic, float(c), n=10 + c) for i, c in enumerate(counts)
    ]


def _cross_table(counts, subgroup):
    here = PLACE.at(subgroup)
    rows = [here.plain(atom, float(counts[atom]), n=sum(counts.values())) for atom in ATOMS]
    for name, among in MEASURES.items():
        n = sum(counts[atom] for atom in among)
        if n:
            share = proportion_interval(sum(counts[atom] for atom in HITS[name]), n)
            rows.append(here.row(name, share))
    return rows


def _cross_tables(sites):
    whole = {atom: sum(site[atom] for site in sites) for atom in ATOMS}
    rows = _cross_table(whole, "all")
    for i, site in enumerate(sites):
        rows += _cross_table(site, f"site:S{i}")
    return tuple(rows)


def test_a_small_site_takes_the_next_small_one_with_it():
    rows = suppressed(_by_site([3, 40, 9, 60]))
    assert _gone(rows) == {("site:S0", "enrolled"), ("site:S2", "enrolled")}


def test_both_kinds_of_hidden_count_have_the_same_reason():
    rows = suppressed(_by_site([3, 40, 9, 60]))
    reasons = {r.reason for r in rows if r.value is None}
    assert reasons == {"suppressed: fewer than 5, or would reveal such a number"}


def test_two_hidden_sites_whose_sum_is_small_take_a_third():
    rows = suppressed(_by_site([1, 2, 40, 60]))
    assert len(_gone(rows)) == 3


def test_a_total_that_is_small_itself_is_hidden():
    rows = suppressed(_by_site([3, 0, 0]))
    assert _gone(rows) == {("all", "enrolled"), ("site:S0", "enrolled")}


def test_nobody_is_no_small_cell_and_the_threshold_is_the_smallest_shown_count():
    assert not _gone(suppressed(_by_site([5, 0, 40])))
    assert not _gone(suppressed(_by_site([3, 0, 40]), below=3))
    with pytest.raises(ValueError, match="at least 2"):
        suppressed(_by_site([3, 40]), below=1)


def test_proportions_go_with_the_small_count_behind_them():
    rows = suppressed(_cross_table({"tp": 30, "fp": 10, "fn": 2, "tn": 50}, "all"))
    hidden = {statistic for _, statistic in _gone(rows)}
    assert hidden == {*ATOMS, *MEASURES}
    sensitivity = next(r for r in rows if r.statistic == "sensitivity")
    assert (sensitivity.lower, sensitivity.upper, sensitivity.n) == (None, None, 32)


def test_a_small_denominator_hides_itself():
    few = FLOW.at("site:S0").row("mean", proportion_interval(2, 4))
    row = suppressed([few])[0]
    assert (row.value, row.n, row.clusters, row.missing) == (None, 0, 0, 0)
    assert "the number of observations is withheld too" in row.reason


def test_a_difference_goes_with_either_side():
    rows = list(_cross_table({"tp": 30, "fp": 10, "fn": 2, "tn": 50}, "all"))
    at = replace(PLACE, test="spet - pet")
    rows.append(at.plain("sensitivity_difference", 0.01, n=32, method="Tango"))
    rows.append(at.plain("sensitivity_difference_p", 0.5, n=32, method="McNemar exact"))
    assert all(r.value is None for r in suppressed(rows)[-2:])


def test_a_pooled_value_without_a_suppressed_site_goes_with_the_site():
    place = Place("ssim", "primary", "image_paired", 0.95, quantity="ssim", unit="participant")
    rows = [
        place.at("site:S0").row("mean", replace(proportion_interval(1, 3), method="t")),
        place.plain("leave_out:S0", 0.9, n=90, method="t"),
        place.plain("leave_out:S1", 0.9, n=50, method="t"),
    ]
    assert [r.value for r in suppressed(rows)] == [None, None, 0.9]


def test_the_youngest_and_the_oldest_never_leave():
    age = Place("baseline", "baseline", "enrolled", 0.95, quantity="age_years", unit="participant")
    rows = [
        age.plain("min", 41.0, n=300, method="order statistic"),
        age.plain("median", 63.0, n=300, method="order statistics"),
    ]
    assert [r.value for r in suppressed(rows)] == [None, 63.0]


def test_a_number_printed_twice_is_hidden_twice():
    rows = _cross_table({"tp": 30, "fp": 10, "fn": 2, "tn": 50}, "all")
    sensitivity = next(r for r in rows if r.statistic == "sensitivity")
    copy = replace(sensitivity, endpoint="multiplicity", statistic="estimate", test="H3")
    assert suppressed([*rows, copy])[-1].value is None


def test_missing_results_stay_visible():
    row = PLACE.plain("missing_index", 2.0, n=90)
    assert suppressed([row]) == (row,)


cross_tables = st.lists(
    st.fixed_dictionaries({atom: st.integers(0, 25) for atom in ATOMS}), min_size=2, max_size=4
)


def _said(row):
    """The sums of counts that a released row gives away."""
    among = MEASURES.get(row.statistic, ATOMS)
    if row.n:
        yield among, row.n
    if row.value is not None:
        share = row.statistic in MEASURES
        hits = HITS[row.statistic] if share else (row.statistic,)
        yield hits, round(row.value * row.n) if share else row.value


def _known(rows, sites):
    """What the released rows say, as equations on the counts of the sites."""
    lines, sides = [], []
    for r in rows:
        chosen = range(sites) if r.subgroup == "all" else [int(r.subgroup.removeprefix("site:S"))]
        for atoms, count in _said(r):
            line = np.zeros((sites, len(ATOMS)))
            for i in chosen:
                line[i, [ATOMS.index(atom) for atom in atoms]] = 1
            lines.append(line.ravel())
            sides.append(count)
    return np.array(lines), np.array(sides)


@settings(max_examples=25, deadline=None)
@given(sites=cross_tables)
def test_no_small_count_of_a_cross_table_can_be_worked_out(sites):
    rows = suppressed(_cross_tables(sites))
    lines, sides = _known(rows, len(sites))
    for i, site in enumerate(sites):
        for k, atom in enumerate(ATOMS):
            if 0 < site[atom] < 5:
                bounds = [_bound(lines, sides, len(ATOMS) * i + k, sign) for sign in (1, -1)]
                assert bounds[0] < bounds[1], (site, atom)


def _bound(lines, sides, i, sign):
    cost = np.zeros(lines.shape[1] if len(lines) else 1)
    if not len(lines):
        return -sign * np.inf
    cost[i] = sign
    found = optimize.milp(
        cost, integrality=np.ones_like(cost), bounds=optimize.Bounds(0, 1000),
        constraints=optimize.LinearConstraint(lines, sides, sides),
    )  # fmt: skip
    return sign * found.fun


@settings(max_examples=25, deadline=None)
@given(sites=cross_tables)
def test_no_small_count_is_printed_and_suppressing_twice_changes_nothing(sites):
    rows = suppressed(_cross_tables(sites))
    assert not any(r.statistic in ATOMS and r.value and 0 < r.value < 5 for r in rows)
    assert not any(0 < r.n < 5 for r in rows)
    assert suppressed(rows) == rows


@settings(max_examples=25, deadline=None)
@given(counts=st.lists(st.integers(0, 30), min_size=2, max_size=7))
def test_a_total_gives_no_small_group_of_sites_away(counts):
    rows = suppressed(_by_site(counts))
    if rows[0].value is None:
        return
    hidden = [c for c, r in zip(counts, rows[1:], strict=True) if r.value is None]
    assert len([c for c in hidden if c]) != 1
    assert sum(hidden) == 0 or sum(hidden) >= 5


@settings(max_examples=15, deadline=None)
@given(counts=st.lists(st.integers(5, 400), min_size=2, max_size=6))
def test_a_table_without_small_counts_is_released_as_it_is(counts):
    rows = tuple(_by_site(counts))
    assert suppressed(rows) == rows


def test_a_released_result_holds_no_point_of_a_participant():
    points = pd.DataFrame({"participant": ["S0-1", "S1-1"], "value": [0.8, 0.9]})
    sites = pd.DataFrame({"code": ["S0", "S1"], "name": ["First", "Second"]})
    result = AnalysisResult(
        tuple(_by_site([3, 40, 60])), {"similarity": points, "sites": sites}, "digest"
    )
    out = released(result)
    assert out.rows == suppressed(result.rows)
    assert out.plan_digest == "digest"
    assert list(out.series["similarity"].columns) == ["participant", "value"]
    assert [len(out.series[name]) for name in ("similarity", "sites")] == [0, 2]


def test_counts_of_the_process_stay_and_a_shared_count_is_hidden_everywhere():
    flow = replace(PLACE, endpoint="stard_flow", family="flow")
    rows = [
        *_cross_table({"tp": 30, "fp": 10, "fn": 2, "tn": 50}, "all"),
        *(flow.plain(name, count, n=99) for name, count in (
            ("positive:positive", 30.0), ("positive:negative", 10.0), ("negative:positive", 2.0),
            ("negative:negative", 50.0), ("failed:positive", 3.0), ("missing:negative", 4.0),
        )),
    ]  # fmt: skip
    shown = {r.statistic for r in suppressed(rows)[-6:] if r.value is not None}
    assert shown == {"failed:positive", "missing:negative"}


def test_a_sensitivity_analysis_goes_with_the_main_one():
    counts = {"tp": 30, "fp": 10, "fn": 2, "tn": 50}
    rows = list(_cross_table(counts, "all"))
    worst = [replace(r, analysis="worst_case") for r in _cross_table({**counts, "fn": 9}, "all")
             if r.statistic in MEASURES]  # fmt: skip
    assert all(r.value is None for r in suppressed([*rows, *worst]))


def test_few_readers_and_few_sites_are_no_small_cells():
    readers = Place("mrmc", "readers", "image_paired", 0.95, test="spet", unit="lesion")
    area = replace(proportion_interval(40, 50), clusters=3, method="Obuchowski-Rockette, Hillis")
    pooled = replace(area, clusters=4, method="random effects, reml, Knapp-Hartung")
    rows = (
        readers.row("auc", area), readers.plain("readers", 3.0, n=50),
        PLACE.row("sites_pooled", pooled),
    )  # fmt: skip
    assert suppressed(rows) == rows
