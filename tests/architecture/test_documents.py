"""What docs/generated says is what the code says."""

import pytest

from studyportal.protocol.rules import parse
from studyportal.protocol.selectors import packaged_text
from tests.architecture.rendering import REPOSITORY, generate

COMMITTED = REPOSITORY / "docs" / "generated"


@pytest.mark.parametrize("name", generate.pages())
def test_the_committed_page_is_the_rendered_one(name):
    text = (COMMITTED / name).read_text("utf-8")
    assert text == generate.pages()[name], "Run: python docs/generate.py"


def test_no_committed_page_is_left_over():
    assert {path.name for path in COMMITTED.iterdir()} == set(generate.pages())


@pytest.mark.parametrize("criterion", parse(packaged_text()).criteria, ids=lambda c: c.code)
def test_every_criterion_is_documented_in_both_languages(criterion):
    lines = (COMMITTED / "protocol.md").read_text("utf-8").splitlines()
    line = next(line for line in lines if line.startswith(f"| {criterion.code} |"))
    assert criterion.text in line
    assert criterion.text_zh in line


def test_checking_names_the_page_that_is_out_of_date(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(generate, "GENERATED", tmp_path)
    assert generate.main(["--check"]) == 1
    assert "roles.md is out of date" in capsys.readouterr().out
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    (tmp_path / "roles.md").write_text("Another table.", "utf-8")
    assert generate.main(["--check"]) == 1


def test_decision_records_have_their_three_parts():
    records = sorted((REPOSITORY / "docs" / "decisions").glob("[0-9]*.md"))
    assert records
    for record in records:
        text = record.read_text("utf-8")
        for part in ("## Context", "## Decision", "## Consequences"):
            assert part in text, f"{record.name}: {part}"
