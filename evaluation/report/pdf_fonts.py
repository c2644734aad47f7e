"""Chinese in the PDF: with a font of this machine, or left out with a sentence that says so."""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import typst

from evaluation.report.document import Block, Document, Figure, Section, Table
from evaluation.report.wording import say

_FAMILIES = (
    "Noto Sans S Chinese", "Noto Serif CJK SC", "Noto Serif SC", "Source Han Serif SC", "Songti SC", "SimSun",
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei",
    "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "AR PL UMing CN", "Droid Sans Fallback",
)  # fmt: skip
"""Families with simplified Chinese: the one that the product brings, then those that suit a serif text."""

FONTS = Path(__file__).parent / "fonts"
"""Where `make assets` puts the font that the product brings."""

CHINESE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]+")


@cache
def installed_families() -> tuple[str, ...]:
    """Return the font families that typst finds on this machine."""
    return tuple(typst.Fonts(font_paths=[str(FONTS)]).families())


def chinese_family(installed: Iterable[str]) -> str:
    """Return the first known family with Chinese characters, or nothing.

    Examples
    --------
    >>> chinese_family(["DejaVu Sans", "Noto Sans CJK SC"])
    'Noto Sans CJK SC'
    """
    known = set(installed)
    return next((family for family in _FAMILIES if family in known), "")


def without_chinese(document: Document) -> Document:
    """Return the document without Chinese characters; a column that held nothing else is dropped.

    A sentence in the preface says so, if there was anything to leave out.
    """
    sections = tuple(
        Section(_plain(s.title), tuple(_block(b) for b in s.blocks), s.id)
        for s in document.sections
    )
    provenance = tuple((_plain(name), _plain(value)) for name, value in document.provenance)
    plain = Document(
        _plain(document.title), provenance, sections, tuple(map(_plain, document.preface))
    )
    if plain == document:
        return document
    return replace(plain, preface=(*plain.preface, say("fonts.no_chinese")))


def _plain(text: str) -> str:
    return CHINESE.sub(say("fonts.left_out"), text)


def _block(block: Block) -> Block:
    if isinstance(block, str):
        return _plain(block)
    if isinstance(block, Figure):
        return replace(block, title=_plain(block.title), alt=_plain(block.alt))
    return _table(block)


def _table(table: Table) -> Table:
    kept = [
        i for i in range(len(table.columns))
        if not any(CHINESE.search(row[i]) for row in table.rows)
        or any(CHINESE.sub("", row[i]).strip() for row in table.rows)
    ]  # fmt: skip
    return replace(
        table,
        title=_plain(table.title),
        columns=tuple(_plain(table.columns[i]) for i in kept),
        rows=tuple(tuple(_plain(row[i]) for i in kept) for row in table.rows),
        notes=tuple(map(_plain, table.notes)),
        text_columns=sum(i < table.text_columns for i in kept),
        widths=tuple(table.widths[i] for i in kept) if table.widths else (),
        groups=tuple((at, _plain(name)) for at, name in table.groups),
    )
