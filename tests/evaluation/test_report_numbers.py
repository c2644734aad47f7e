import json
from dataclasses import replace

import pytest

from evaluation.report.cells import cell, marks_note, methods_note, p_value
from evaluation.report.document import Document, Figure, Section, Table
from evaluation.report.formats import Printed, count_of, interval_of, value_of
from evaluation.report.lookup import EXPLORATORY, PROPOSAL, Lookup
from tests.evaluation.report_case import (
    blocks_of,
    page_of,
    simulated_result,
    tables_of,
    written_report,
)


def _row(**wanted):
    return next(
        r for r in simulated_result().rows
        if r.subgroup == "all" and all(getattr(r, name) == v for name, v in wanted.items())
    )  # fmt: skip


def test_every_printed_cell_equals_the_row_behind_it():
    rows = {r.order: r for r in simulated_result().rows}
    cells = [
        c for table in tables_of(written_report()[0]).values() for row in table["rows"]
        for c in row if "row" in c
    ]  # fmt: skip
    assert len(cells) > 500
    for printed in cells:
        row = rows[printed["row"]]
        assert [printed[n] for n in ("value", "lower", "upper", "n")] == [
            row.value, row.lower, row.upper, row.n
        ]  # fmt: skip
        # A cell prints the estimate, alone or with its interval, with denominators below it.
        forms = (cell(row), cell(row, split=False), value_of(row), "*")
        assert printed["text"].startswith(tuple(map(str, forms)))


def test_the_twin_of_the_tables_holds_what_the_page_prints():
    out, _ = written_report()
    page = page_of(out)
    for table in tables_of(out).values():
        assert f"Table {table['number']}." in page
        assert len(table["columns"]) == len(table["rows"][0])


def test_a_changed_row_changes_the_print_and_nothing_else():
    result = simulated_result()
    target = _row(quantity="psnr", statistic="mean", analysis="main")
    rows = tuple(
        replace(r, value=12.5, lower=12.25, upper=12.75) if r is target else r for r in result.rows
    )
    now, before = blocks_of(replace(result, rows=rows)), blocks_of(result)
    changed = {name for name in now if now[name] != before[name]}
    assert {"similarity", "similarity_by_site"} <= changed
    assert all("12.50" in str(now[name]) for name in changed)


def test_numbers_that_rest_on_a_proposal_of_the_plan_are_marked():
    look = Lookup(simulated_result())
    assert look.mark(_row(statistic="bias_percent", quantity="suv_peak")) == PROPOSAL
    assert look.mark(_row(statistic="screened")) == ""


def test_exploratory_numbers_are_marked_and_explained():
    result = simulated_result()
    row = replace(_row(statistic="screened"), prespecified=False)
    assert Lookup(result).mark(row) == EXPLORATORY
    table = Table("T", ("", "n"), ((f"Screened {EXPLORATORY}", "3"),))
    assert [note[0] for note in marks_note(table)] == [EXPLORATORY]


def test_a_proposal_among_the_subgroups_marks_their_rows_only():
    result = simulated_result()
    plan = replace(
        result.plan,
        subgroup=tuple(replace(s, proposal=s.id == "sex") for s in result.plan.subgroup),
        index_test=(), primary=(),
    )  # fmt: skip
    look = Lookup(replace(result, plan=plan))
    row = _row(statistic="screened")
    assert look.mark(replace(row, subgroup="sex:F")) == PROPOSAL
    assert look.mark(replace(row, subgroup="age:65+")) == ""


def test_methods_are_named_with_what_they_made_and_flags_apart():
    row = _row(statistic="mean", quantity="psnr", analysis="main")
    other = replace(row, statistic="median", method="order statistics")
    flagged = replace(row, method="stratified, t [merged_strata:A, merged_strata:B]")
    note, flags = methods_note([flagged, other])
    assert "Median: order statistics" in note
    assert "[" not in note
    assert "merged strata A, merged strata B" in flags
    assert methods_note([replace(row, value=None)]) == ()


@pytest.mark.parametrize(
    ("p", "printed"), [(None, "–"), (0.0009, "< 0.001"), (0.05, "0.050"), (1.0, "1.000")]
)
def test_p_values_are_printed_as_in_papers(p, printed):
    assert p_value(p) == printed


def test_cells_know_counts_p_values_and_estimates_apart():
    count = _row(statistic="screened")
    assert cell(count) == count_of(count)
    p = _row(statistic="auc_difference_p")
    assert cell(p) == p_value(p.value)
    mean = _row(statistic="mean", quantity="psnr", analysis="main")
    assert cell(mean, split=False) == interval_of(mean)
    assert isinstance(cell(mean), Printed)


def test_a_document_says_where_each_block_stands():
    table, figure = Table("T", ("a",), (("1",),), id="t"), Figure("F", "f.svg", "words", id="f")
    document = Document("D", (("a", "b"),), (Section("One", ("text", table, figure), "s_one"),))
    assert document.places() == {
        "provenance": "Provenance", "t": "Table 1", "f": "Figure 1", "s_one": "Section “One”",
    }  # fmt: skip


def test_no_number_is_printed_as_not_a_number():
    out, _ = written_report()
    text = (out / "tables.json").read_text(encoding="utf-8")
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in tables.json"))
    assert '"nan' not in text.lower()
