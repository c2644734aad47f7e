import shutil
import subprocess

import pandas as pd
import pytest

from evaluation.report import pdf
from evaluation.report.document import Document, Section, Table
from evaluation.report.pdf_fonts import chinese_family, installed_families, without_chinese
from evaluation.report.site_tables import site_list
from evaluation.report.wording import say
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
