import re
from dataclasses import replace

import pytest

from evaluation.report.checklists import Item, checklist_tables, load_checklists
from evaluation.report.checklists.annex import answer
from evaluation.report.document import Document, Figure, Section, Table

SIZES = {"checklist_stard": 34, "checklist_stard_ai": 18, "checklist_tripod_ai": 52,
         "checklist_claim": 44}  # fmt: skip


def _block(id_):
    return Table(id_, ("", "n"), (("a", "1"),), id=id_)


def _document(*blocks):
    return Document("Report", (("Registration", "NCT07243873"),), (Section("All", blocks),))


def _answers(tables, checklist):
    table = next(t for t in tables if t.id == checklist)
    return {row[0]: row[2] for row in table.rows}


def test_every_item_of_the_four_guidelines_stands_in_the_annex_once():
    tables = checklist_tables(_document())
    assert {t.id: len(t.rows) for t in tables} == SIZES
    for table in tables:
        ids = [row[0] for row in table.rows]
        assert len(set(ids)) == len(ids)


def test_the_numbers_of_the_items_are_those_of_the_guidelines():
    ids = {c.id: [i.id for i in c.item] for c in load_checklists()}
    letters = {10: "ab", 12: "ab", 13: "ab", 21: "ab"}
    stard = [f"{n}{x}" for n in range(1, 31) for x in letters.get(n, " ")]
    assert ids["checklist_stard"] == [x.strip() for x in stard]
    assert ids["checklist_claim"] == [str(n) for n in range(1, 45)]
    assert {int(re.match(r"\d+", i).group()) for i in ids["checklist_tripod_ai"]} == set(
        range(1, 28)
    )


def test_stard_ai_adds_fourteen_new_and_four_modified_items():
    changes = [i.change for c in load_checklists() if c.id == "checklist_stard_ai" for i in c.item]
    assert (changes.count("new"), changes.count("modified")) == (14, 4)


def test_an_item_names_the_table_only_where_it_exists():
    tables = checklist_tables(_document(_block("sites"), _block("cross_tabulation")))
    assert _answers(tables, "checklist_stard")["23"] == "Table 2"
    without = checklist_tables(_document(_block("sites")))
    assert _answers(without, "checklist_stard")["23"].startswith("Not reported: ")


def test_no_number_is_named_that_the_report_does_not_hold():
    figure = Figure("f", "f.svg", "flow", id="flow_figure")
    tables = checklist_tables(_document(_block("flow"), figure, _block("accuracy:nodal:station")))
    said = " ".join(row[2] for table in tables for row in table.rows)
    assert set(re.findall(r"(?:Table|Figure) \d+", said)) == {"Table 1", "Table 2", "Figure 1"}


def test_all_accuracy_tables_answer_the_item_on_estimates():
    blocks = [_block(f"accuracy:{name}:lesion") for name in ("malignancy", "nodal")]
    said = _answers(checklist_tables(_document(*blocks)), "checklist_stard")
    assert said["24"] == "Table 1, Table 2"


def test_the_registration_is_found_in_the_provenance():
    assert _answers(checklist_tables(_document()), "checklist_stard")["28"] == "Provenance"
    bare = replace(_document(), provenance=())
    assert "no registration" in _answers(checklist_tables(bare), "checklist_stard")["28"]


def test_a_fact_of_the_caller_is_printed_and_an_unknown_one_refused():
    tables = checklist_tables(_document(), facts={"funding": "Grant 123."})
    assert _answers(tables, "checklist_stard")["30"] == "Grant 123."
    assert _answers(tables, "checklist_claim")["44"] == "Grant 123."
    with pytest.raises(ValueError, match="no checklist item asks for the fact 'colour'"):
        checklist_tables(_document(), facts={"colour": "blue"})


def test_an_item_answered_in_part_says_which_part():
    item = Item("8", "Setting", places=("sites",), lacking="the sites", otherwise="no sites")
    assert answer(item, {"sites": "Table 9"}, (), {}) == "Table 9. In part: the sites."


def test_the_notes_name_version_paraphrase_and_what_is_not_reported():
    for table in checklist_tables(_document()):
        silent = sum(row[2].startswith("Not reported") for row in table.rows)
        assert "our own short paraphrase" in table.notes[0]
        assert f"{silent} of {len(table.rows)} items" in table.notes[1]
    unsure = {c.id for c in load_checklists() if c.unsure}
    assert unsure == {"checklist_stard_ai", "checklist_claim"}


def test_an_item_without_an_answer_for_the_empty_case_is_refused(tmp_path, monkeypatch):
    (tmp_path / "bad.toml").write_text(
        'id = "x"\ntitle = ""\nversion = ""\ncitation = ""\nsource = ""\n'
        '[[item]]\nid = "7"\ntext = "t"\n',
        encoding="utf-8",
    )
    monkeypatch.setattr("evaluation.report.checklists.items._FILES", ("bad",))
    monkeypatch.setattr(
        "evaluation.report.checklists.items.resources.files", lambda _name: tmp_path
    )
    with pytest.raises(ValueError, match="x, item 7: give exactly one"):
        load_checklists()
