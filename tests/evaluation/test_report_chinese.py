import re
import shutil
import subprocess
import tomllib
import warnings
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from evaluation.report import pdf, write_translation
from evaluation.report.document import Document, Section, Table
from evaluation.report.listing import false_negatives
from evaluation.report.lookup import Lookup
from evaluation.report.pdf_fonts import chinese_family, installed_families, without_chinese
from evaluation.report.sections import Drawn, sections
from evaluation.report.site_tables import site_list
from evaluation.report.wording import say, sentence, speaking
from tests.evaluation.report_case import PROVENANCE, simulated_result
from tests.evaluation.simulated_study import SITES

_NAMES = pd.DataFrame(SITES, columns=["code", "name", "name_zh"])


def _document(*blocks):
    return Document("报告 Report", (("Site", "上海 SPH"),), (Section("Sites", blocks, "s_sites"),))


def _printed(tmp_path, document):
    (tmp_path / "figures").mkdir(exist_ok=True)
    pdf.render_pdf(document, tmp_path, tmp_path / "r.pdf")
    done = subprocess.run(
        ["pdftotext", str(tmp_path / "r.pdf"), "-"], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_list_of_sites_names_them_in_chinese_beside_english():
    table = site_list(_NAMES)
    assert table.columns == ("Code", "Site", "Chinese name")
    assert ("SPH", "Shanghai Pulmonary Hospital", "上海市肺科医院") in table.rows


def test_sites_without_a_chinese_name_have_no_empty_column():
    table = site_list(_NAMES.assign(name_zh=""))
    assert table.columns == ("Code", "Site")
    assert table.text_columns == len(table.widths) == 2


def test_the_first_known_family_is_chosen():
    assert chinese_family(["SimSun", "Noto Serif CJK SC", "Arial"]) == "Noto Serif CJK SC"
    assert chinese_family(["DejaVu Sans"]) == ""


def test_without_a_font_the_chinese_column_is_dropped_and_a_sentence_says_why():
    plain = without_chinese(_document(site_list(_NAMES)))
    table = plain.sections[0].blocks[0]
    assert table.columns == ("Code", "Site")
    assert plain.preface[-1] == say("fonts.no_chinese")
    assert plain.title == f"{say('fonts.left_out')} Report"


def test_a_column_that_mixes_languages_keeps_its_other_words():
    table = Table("T", ("a", "b"), (("1", "EXC-01 其他"), ("2", "EXC-02")))
    kept = without_chinese(_document(table)).sections[0].blocks[0]
    assert kept.rows == (("1", f"EXC-01 {say('fonts.left_out')}"), ("2", "EXC-02"))


def test_a_document_without_chinese_gets_no_sentence_about_fonts():
    document = Document("Report", (), (Section("S", ("words",)),))
    assert without_chinese(document) is document


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_the_pdf_holds_chinese_where_a_font_is_there(tmp_path):
    if not chinese_family(installed_families()):
        pytest.skip("this machine has no font with Chinese characters")
    assert "上海市肺科医院" in _printed(tmp_path, _document(site_list(_NAMES)))


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_the_pdf_falls_back_to_english_where_no_font_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "installed_families", lambda: ("DejaVu Sans",))
    text = _printed(tmp_path, _document(site_list(_NAMES)))
    assert "Shanghai Pulmonary Hospital" in text
    assert "No font with Chinese characters" in text.replace("\n", " ")
    assert not any("\u4e00" <= letter <= "\u9fff" for letter in text)


def test_every_word_of_the_report_has_a_chinese_one():
    english, chinese = (
        _keys(f"evaluation/report/templates/{name}.toml") for name in ("english", "chinese")
    )
    assert english.keys() == chinese.keys()
    for key, words in english.items():
        assert _slots(chinese[key]) <= _slots(words), key


def test_the_chinese_report_prints_the_same_numbers_in_chinese_words():
    look = Lookup(simulated_result())
    english = _tables(look)
    with speaking("zh-Hans"):
        chinese = _tables(look)
    assert english.keys() == chinese.keys()
    for name, table in english.items():
        own = chinese[name]
        numbers = [[_numbers(cell) for cell in row[table.text_columns :]] for row in table.rows]
        assert numbers == [
            [_numbers(cell) for cell in row[own.text_columns :]] for row in own.rows
        ], name
        assert any("\u4e00" <= letter <= "\u9fff" for letter in own.title), name


def test_no_table_of_the_chinese_report_holds_an_english_sentence():
    with speaking("zh-Hans"):
        tables = _tables(Lookup(simulated_result()))
    sentences = [
        text
        for table in tables.values()
        if table.id != "sites"  # lists both names of each site
        for text in (
            table.title,
            *table.columns,
            *table.notes,
            *(c for row in table.rows for c in row),
        )
        if re.search(r"\b[a-z]{2,} [a-z]{2,} [a-z]{2,}\b", text) and not text.startswith("EXC-0")
    ]
    assert sentences == []


def test_a_language_that_the_report_is_not_written_in_is_refused():
    with pytest.raises(ValueError, match="en, zh-Hans"), speaking("fr"):
        pass


def test_names_of_the_study_are_said_as_the_study_calls_them():
    names = {"Image artefacts": "图像伪影"}
    with speaking("zh-Hans", names=names):
        assert sentence("EXC-02 Image artefacts") == "EXC-02 图像伪影"


def test_the_translation_is_a_page_and_a_pdf_with_figures_beside_them(tmp_path):
    result = simulated_result()
    few = replace(result, rows=tuple(r for r in result.rows if r.endpoint in _FEW))
    with warnings.catch_warnings(action="error"):  # a font without Chinese would be one
        paths = write_translation(
            few, provenance=PROVENANCE, out=tmp_path, title="结局报告", language="zh-Hans"
        )
    assert {path.name for path in paths} >= {"report.html", "report.pdf", "flow.svg"}
    page = (tmp_path / "report.html").read_text("utf-8")
    assert '<html lang="zh-Hans">' in page
    assert "受试者流程" in page
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


_FEW = {"participant_flow", "analysis_set", "baseline"}


def _tables(look):
    series = simulated_result().series
    drawn = Drawn({}, false_negatives(look, series["scores"]), series["sites"])
    blocks = [block for section in sections(look, drawn) for block in section.blocks]
    return {block.id: block for block in blocks if isinstance(block, Table)}


def _keys(path):
    table = tomllib.loads((Path(__file__).resolve().parents[2] / path).read_text("utf-8"))
    return dict(_flat(table, ""))


def _flat(table, prefix):
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", " ".join(value) if isinstance(value, list) else value


def _slots(words):
    return set(re.findall(r"\{(\w+)\}", words))


def _numbers(cell):
    return re.findall(r"[−-]?\d[\d,.]*", cell)
