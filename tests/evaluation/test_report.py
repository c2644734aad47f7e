import csv
import hashlib
import json
import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from evaluation.analysis import run
from evaluation.report.document import Document, Section
from evaluation.report.formats import interval_of, number
from evaluation.report.html import render_html
from evaluation.report.pdf import render_pdf
from evaluation.report.twins import neutral, write_csv, write_rows_csv
from tests.evaluation.report_case import PLAN, blocks_of, simulated_result, write, written_report
from tests.evaluation.simulated_study import simulated_tables


@pytest.fixture(scope="module")
def result():
    return simulated_result()


@pytest.fixture(scope="module")
def report():
    return written_report()


def _digests(paths, root):
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def test_every_returned_file_exists_and_nothing_else_is_left_behind(report):
    out, paths = report
    assert {p for p in out.rglob("*") if p.is_file()} == set(paths)
    names = {p.name for p in paths}
    assert names >= {"report.html", "report.pdf", "results.csv", "results.json",
                     "tables.json", "verify.R", "flow.svg",
                     "bland_altman.svg", "forest.svg", "roc.svg"}  # fmt: skip


def test_the_same_result_gives_the_same_bytes(report, result, tmp_path):
    out, paths = report
    assert _digests(write(result, tmp_path), tmp_path) == _digests(paths, out)


def test_csv_and_json_hold_the_same_numbers_as_the_rows(report, result):
    out, _ = report
    content = json.loads((out / "results.json").read_text(encoding="utf-8"))
    with (out / "results.csv").open(encoding="utf-8", newline="") as file:
        from_csv = list(csv.DictReader(file))
    assert len(content["rows"]) == len(from_csv) == len(result.rows)
    for row, one, other in zip(result.rows, content["rows"], from_csv, strict=True):
        for name in ("value", "lower", "upper"):
            wanted = getattr(row, name)
            assert one[name] == wanted
            assert (float(other[name]) if other[name] else None) == wanted
    assert content["plan_digest"] == PLAN.digest


def test_the_page_prints_flow_numbers_and_intervals_of_the_rows(report, result):
    page = (report[0] / "report.html").read_text(encoding="utf-8")
    ssim = next(r for r in result.rows if r.quantity == "ssim" and r.statistic == "mean")
    assert interval_of(ssim) in page
    for step in ("screened", "analysed"):
        row = next(r for r in result.rows if r.statistic == step and r.subgroup == "all")
        assert f"{row.value:.0f}" in page
    assert "non-small cell lung cancer (INC-01)" in page
    assert "Research use only" in page


def test_the_page_needs_nothing_from_outside_and_escapes_what_it_is_given(report):
    page = (report[0] / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://|<script|@import", page)
    assert "Libraries: &lt;script&gt;" in page
    for source in re.findall(r'<img src="([^"]+)" alt="([^"]+)"', page):
        assert (report[0] / source[0]).is_file()
        assert len(source[1]) > 20


def test_provenance_stands_before_the_first_table(report):
    page = (report[0] / "report.html").read_text(encoding="utf-8")
    assert page.index("ab" * 32) < page.index("<table")
    assert PLAN.digest in page


def test_figures_are_vector_files_without_a_date(report):
    for path in (report[0] / "figures").glob("*.svg"):
        text = path.read_text(encoding="utf-8")
        assert text.rstrip().endswith("</svg>")
        assert "<dc:date>" not in text
        assert "<image" not in text


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_the_pdf_says_what_the_page_says(report, result):
    done = subprocess.run(
        ["pdftotext", "-layout", str(report[0] / "report.pdf"), "-"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    ssim = next(r for r in result.rows if r.quantity == "ssim" and r.statistic == "mean")
    assert interval_of(ssim) in done.stdout
    assert "Research use only" in done.stdout
    assert "Participant flow" in done.stdout


@pytest.mark.parametrize("participants", [0, 3])
def test_small_studies_are_reported_without_invented_figures(tmp_path, participants):
    result = run(PLAN, simulated_tables(participants=participants, seed=1))
    paths = write(result, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "nan" not in re.sub(r"<[^>]+>", " ", page).lower().split()
    assert (participants > 0) == any(p.name == "bland_altman.svg" for p in paths)
    if participants == 0:
        assert "there is no Bland–Altman plot" in page
        assert "not estimable" in page


def test_text_that_looks_like_a_formula_is_neutralised(tmp_path):
    write_csv(tmp_path / "t.csv", ["a", "b"], [["=HYPERLINK()", -1.5], ["@x", None], ["+1", 0.1]])
    lines = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()
    assert lines == ["a,b", "'=HYPERLINK(),-1.5", "'@x,", "'+1,0.1"]
    assert neutral("plain") == "plain"


def test_an_exclusion_reason_cannot_smuggle_a_formula_or_markup(result, tmp_path):
    rows = tuple(
        replace(r, quantity='=1+1 <b>#"x"\\') if r.statistic == "excluded" else r
        for r in result.rows
    )
    changed = replace(result, rows=rows)
    blocks = tuple(blocks_of(changed).values())
    write_rows_csv(changed, tmp_path / "results.csv")
    assert ",'=1+1 <b>" in (tmp_path / "results.csv").read_text(encoding="utf-8").replace('"', "")
    document = Document("Report", (), (Section("All", blocks),))
    assert "<b>#" not in render_html(document)
    (tmp_path / "figures").mkdir()
    render_pdf(document, tmp_path, tmp_path / "r.pdf")


def test_numbers_are_printed_with_a_true_minus_and_never_as_minus_zero():
    assert number(-1.234, 2) == "−1.23"
    assert number(-0.001, 2) == "0.00"
    assert number(None, 2) == "–"
