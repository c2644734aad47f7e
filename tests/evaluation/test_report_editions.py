import re

from evaluation.report.checklists import checklist_tables
from evaluation.report.document import Document
from evaluation.report.wording import say
from tests.evaluation.report_case import (
    page_of,
    simulated_result,
    suppressed_report,
    tables_of,
    texts_of,
    written_report,
)


def test_the_suppressed_edition_says_what_it_is():
    page = page_of(suppressed_report()[0])
    assert say("marks.small_cells", below=5) in page
    assert say("absent.false_negatives_suppressed") in page
    assert say("absent.bland_altman_suppressed") in page
    assert say("absent.roc_suppressed") in page
    assert say("marks.small_cells", below=5) not in page_of(written_report()[0])


def test_no_file_of_the_suppressed_edition_names_a_participant():
    people = {str(p) for p in simulated_result().series["scores"]["participant"]}
    whole = page_of(written_report()[0])
    assert any(code in whole for code in people)
    for path in suppressed_report()[1]:
        if path.suffix in {".html", ".csv", ".json", ".svg", ".R"}:
            text = path.read_text(encoding="utf-8")
            assert not any(code in text for code in people), path.name


def test_small_counts_are_printed_as_a_star_that_a_note_explains():
    tables = tables_of(suppressed_report()[0])
    table = tables["cross_tabulation_by_site"]
    cells = [text for row in texts_of(table) for text in row[1:5]]
    assert "*" in cells
    assert say("marks.withheld") in table["notes"]
    assert not [c for c in cells if c.isdigit() and 0 < int(c) < 5]


def test_a_suppressed_estimate_is_a_star_and_not_called_not_estimable():
    table = tables_of(suppressed_report()[0])["accuracy_by_site"]
    assert any("*" in row for row in texts_of(table))


def test_every_block_that_the_checklists_name_stands_in_the_report():
    out, _ = written_report()
    page = page_of(out)
    named = set()
    for name, table in tables_of(out).items():
        if name.startswith("checklist_"):
            for row in texts_of(table):
                named |= set(re.findall(r"(?:Table|Figure) \d+", row[2]))
    assert len(named) > 10
    assert all(f">{place}." in page for place in named)


def test_no_number_of_a_table_moves_behind_the_checklists():
    tables = list(tables_of(written_report()[0]).values())
    first = next(i for i, t in enumerate(tables) if t["id"].startswith("checklist_"))
    assert all(t["id"].startswith("checklist_") for t in tables[first:])


def test_a_fact_of_the_caller_answers_its_item():
    plain = Document("D", ())
    said = str(checklist_tables(plain, facts={"funding": "Funded by nobody."}))
    assert "Funded by nobody." in said
