"""Nothing that people read lacks a Chinese text, and every sentence is found again by its template."""

import ast
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from evaluation.language import Sentences, placeholders, read_entries
from evaluation.language.patterns import filled
from studyportal.cli.wording import BOOKS, faults_of
from studyportal.cli.wording.sentences import sentences_in
from studyportal.cli.wording.texts import variants_of

_FILE_NAME = re.compile(r"\b\w+\.(?:csv|json|html|pdf)\b")
ROOT = Path(__file__).resolve().parents[2]
SENTENCES = [book.file for book in BOOKS if not book.compiled]
# What is called the same in both languages: names of products, formats, commands, keys.
SAME_IN_BOTH = {
    "StudyPortal", "NCT07243873", "CT", "PET", "FDG", "SUV", "MIP", "PDF", "JSON", "SHA", "Shift", "Esc", "Ctrl", "Enter",
    "PERCIST", "SPH", "EXC", "Page", "kg", "mm", "ml", "min", "MBq", "mmol", "kB", "MB", "XLSX", "CSV",
}  # fmt: skip


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: str(book.path))
def test_every_text_has_a_chinese_one(book):
    assert [str(fault) for fault in faults_of(book)] == []


@pytest.fixture(scope="module")
def entries():
    return read_entries(SENTENCES)


def test_every_template_is_found_again_with_its_values(entries):
    sentences = Sentences(entries)
    lost = []
    for template, words in entries.items():
        fields = placeholders(template)
        own = re.sub(r"\{[^{}]*\}", "", template)
        if not fields or sum(map(str.isalpha, own)) < 2:
            continue  # pieces without words of their own are proved below
        values = {
            name: "12" if shape and shape[-1] in "dfge%" else f"Q{n}7"
            for n, (name, shape) in enumerate(fields.items())
        }
        said = sentences.translate(filled(template, values))
        if said != filled(words, values):
            lost.append((template, said))
    assert lost == []


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("Site SPH is not recruiting.", "研究中心 SPH 未在招募。"),
        ("SPH-00012 was screened: screen failed.", "SPH-00012 已筛选：筛选失败。"),
        # pieces inside pieces
        ("File 3 of 12 is too large for one slice. Send the series without it.",
         "文件 3/12 作为单层过大。请去除后上传该序列。"),
        # several sentences, one after the other
        ("The series is empty. The series holds values that are not numbers.",
         "该序列为空。该序列含有非数字的值。"),
        # a reason with the place it speaks of
        ("consent_date: The consent date lies in the future.", "consent_date：知情同意日期在将来。"),
        ("The evaluation of “Final cut” gave 9529 results.", "“Final cut”的评价得出 9529 条结果。"),
    ],
)  # fmt: skip
def test_a_sentence_is_said_in_chinese(entries, english, chinese):
    assert Sentences(entries).translate(english) == chinese


@pytest.mark.parametrize(
    "words",
    [
        "Dr Li saw a hot node near the hilum.",
        "病灶位于右肺上叶。",
        "ring: 3 of them, mostly small",
        "",
    ],
)
def test_what_a_person_wrote_stays_as_it_is(entries, words):
    assert Sentences(entries).translate(words) == words


def test_a_choice_inside_a_sentence_is_one_template_each():
    node = ast.parse("f\"{code}: {n} file{'s' if n > 1 else ''} {way:.1f}\"", mode="eval").body
    assert variants_of(node) == ["{code}: {n} files {way:.1f}", "{code}: {n} file {way:.1f}"]


def test_every_text_of_a_page_is_marked_for_translation():
    bare = {
        f"{path.relative_to(ROOT)}: {text}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        if path.parent.name
        != "elements"  # tags that are put together; their texts come from other templates
        for text in _bare_texts(path.read_text("utf-8"))
    }
    assert sorted(bare) == []


def test_every_text_of_the_pages_code_is_marked_for_translation(entries):
    found = {
        f"{path.relative_to(ROOT)}: {text}"
        for path in sorted((ROOT / "studyportal/web").rglob("*.py"))
        for text, _line in sentences_in(path)
        if re.search(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}", text) and text not in entries
    }
    assert sorted(found) == []


def test_no_script_writes_words_of_its_own():
    prose = re.compile(r"""(["`])([A-Z][a-z]+ [a-z]+[^"`]*)\1""")
    found = [
        f"{path.name}: {match[2]}"
        for path in sorted((ROOT / "studyportal/web/frontend/src").rglob("*.js"))
        for match in prose.finditer(re.sub(r"//.*|/\*.*?\*/", "", path.read_text("utf-8")))
    ]
    assert found == []


def _bare_texts(template: str) -> list[str]:
    """Words between the tags and in attributes that are read aloud, which no tag marks for translation."""
    template = re.sub(
        r"{% *blocktranslate.*?endblocktranslate *%}|{% *block main_class *%}.*?{% *endblock *%}|"
        r"{% *comment.*?endcomment *%}|{#.*?#}",
        "",
        template,
        flags=re.DOTALL,
    )
    reader = _TextReader()
    reader.feed(re.sub(r"{%.*?%}|{{.*?}}", " ", template, flags=re.DOTALL))
    words = [
        word
        for text in reader.texts
        for word in re.findall(r"[A-Za-z]{2,}\d*", _FILE_NAME.sub("", text))
    ]
    return [word for word in words if word not in SAME_IN_BOTH]


class _TextReader(HTMLParser):
    """Gathers what people read; an element that names its language says so itself."""

    def __init__(self):
        super().__init__()
        self.texts = []
        self._silent = []

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        if tag in ("style", "script", "code", "kbd", "samp") or ("lang" in known and tag != "html"):
            self._silent.append(tag)
        if not self._silent:
            self.texts += [
                known.get(n) or "" for n in ("title", "aria-label", "placeholder", "alt")
            ]

    def handle_endtag(self, tag):
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()

    def handle_data(self, data):
        if not self._silent:
            self.texts.append(data)
