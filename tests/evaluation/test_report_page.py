import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from evaluation.report.agreement_figure import bland_altman_figure
from evaluation.report.lookup import Lookup
from tests.evaluation.report_case import page_of, simulated_result, written_report


class _Outline(HTMLParser):
    """Collects what matters to people who do not see the page."""

    def __init__(self) -> None:
        super().__init__()
        self.lang, self.headings, self.images, self.scopes = "", [], [], []
        self.tags, self.targets, self.ids = set(), [], set()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.add(tag)
        self.ids |= {given["id"]} if "id" in given else set()
        if tag == "html":
            self.lang = given.get("lang", "")
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "img":
            self.images.append(given.get("alt", ""))
        if tag == "th":
            self.scopes.append(given.get("scope", ""))
        if tag == "a":
            self.targets.append(given["href"])


@pytest.fixture(scope="module")
def outline():
    parser = _Outline()
    parser.feed(page_of(written_report()[0]))
    return parser


def test_the_page_names_its_language_and_has_headings_in_order(outline):
    assert outline.lang == "en"
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    assert set(outline.headings) == {1, 2}


def test_every_head_of_a_table_has_a_scope_and_every_figure_words(outline):
    assert set(outline.scopes) == {"col", "row", "colgroup"}
    assert outline.images
    assert all(len(alt) > 20 for alt in outline.images)


def test_the_page_has_no_script_form_or_frame_and_its_links_lead_into_itself(outline):
    assert outline.tags.isdisjoint({"script", "form", "iframe", "object", "embed", "link"})
    assert outline.targets
    assert all(target.startswith("#") and target[1:] in outline.ids for target in outline.targets)


def test_chinese_names_are_marked_as_chinese():
    page = page_of(written_report()[0])
    assert '<td class="text" lang="zh-Hans">上海市肺科医院</td>' in page


def test_a_plot_of_many_lesions_is_small_and_the_same_each_time(tmp_path):
    result = simulated_result()
    rng = np.random.default_rng(5)
    many = pd.DataFrame(
        {
            "quantity": "suv_peak", "group": "lesion", "mean": rng.lognormal(1.2, 0.5, 22_000),
            "difference_percent": rng.normal(-5, 12, 22_000),
        }
    )  # fmt: skip
    files = []
    for name in ("one", "two"):
        (tmp_path / name / "figures").mkdir(parents=True)
        figure = bland_altman_figure(Lookup(result), many, tmp_path / name)
        files.append((tmp_path / name / figure.path).read_bytes())
    assert files[0] == files[1]
    assert len(files[0]) < 600_000
    assert "hexagons" in figure.title
