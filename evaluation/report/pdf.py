"""The report as PDF, set by typst with the same tables and vector figures as the HTML."""

import datetime as dt
from itertools import pairwise
from pathlib import Path

import typst

from evaluation.report.document import Document, Figure, Table
from evaluation.report.pdf_fonts import (
    CHINESE,
    FONTS,
    chinese_family,
    installed_families,
    without_chinese,
)
from evaluation.report.wording import say, spoken

_PREAMBLE = """\
#set page(paper: "a4", margin: (x: 1.8cm, top: 2cm, bottom: 2cm), numbering: "1 / 1", footer-descent: 40%)
#set text(font: (@FONTS@), size: 10pt, fill: rgb("#1d2733"), lang: "@LANGUAGE@")
#set par(justify: false, leading: 0.62em)
#show heading.where(level: 1): it => block(above: 1.8em, below: 0.9em, width: 100%, stroke: (top: 1pt + rgb("#1d2733")), inset: (top: 6pt), sticky: true)[#text(size: 13pt, weight: "semibold", it.body)]
#let numbers = text.with(size: 7.6pt, number-width: "tabular")
#let note = text.with(size: 7.2pt, fill: rgb("#5c6873"))
#let captioned(kind, title) = block(below: 0.5em, sticky: true)[#text(size: 9pt, weight: "bold", fill: rgb("#0b5c8c"), kind) #text(size: 9pt, weight: "semibold", title)]
#set table(inset: (x: 4pt, y: 3.2pt), stroke: none)
#set table.cell(breakable: false)
"""
_SHORT = 14
"""Tables of up to this many rows stay on one page; longer ones break, with their head repeated."""

_PAGE = 98
"""Letters of a table that fit side by side on a page, with the room between columns."""


def render_pdf(document: Document, folder: Path, out: Path) -> None:
    """Write the PDF; figures are read from ``folder``.

    The date inside is fixed, so that the same document gives the same bytes.
    """
    source = folder / ".report.typ"
    source.write_text(typst_source(document, chinese_family(installed_families())), "utf-8")
    try:
        typst.compile(
            str(source), output=str(out), root=str(folder), format="pdf",
            timestamp=dt.datetime(2000, 1, 1, tzinfo=dt.UTC), font_paths=[str(FONTS)],
        )  # fmt: skip
    finally:
        source.unlink()


def typst_source(document: Document, chinese: str) -> str:
    """Return the typst text of the document; without a family for Chinese, in English only."""
    if not chinese:
        document = without_chinese(document)
    fonts = ", ".join(_quoted(name) for name in ("Libertinus Serif", chinese) if name)
    numbers = document.numbers()
    parts = [
        f"#set document(title: {_quoted(document.title)}, date: none)",
        _PREAMBLE.replace("@FONTS@", f"{fonts},").replace("@LANGUAGE@", spoken()[:2]),
        f'#text(size: 18pt, weight: "semibold", {_quoted(document.title)})\n',
        f'#text(style: "italic", fill: rgb("#5c6873"), {_quoted(say("research"))})\n',
        _provenance(document),
        *(_small(text) for text in document.preface),
        _contents(),
    ]
    for section in document.sections:
        parts.append(f"#heading(level: 1, {_quoted(section.title)})\n")
        for block in section.blocks:
            if isinstance(block, str):
                parts.append(f"#par({_quoted(block)})\n")
            elif isinstance(block, Figure):
                parts.append(_figure(block, numbers[block]))
            else:
                parts.append(_table(block, numbers[block]))
    return "\n".join(parts)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _small(text: str) -> str:
    return f"#block(above: 0.9em, text(size: 8.4pt, {_quoted(text)}))\n"


def _contents() -> str:
    title = _quoted(say("contents"))
    return f"#block(above: 1.2em)[#set text(size: 9pt)\n#outline(title: {title})]\n"


def _provenance(document: Document) -> str:
    cells = "".join(
        f'text(fill: rgb("#5c6873"), {_quoted(name)}), {_quoted(_breakable(value))},\n'
        for name, value in document.provenance
    )
    return (
        '#block(fill: rgb("#f4f6f8"), stroke: (left: 2pt + rgb("#0b5c8c")), inset: 8pt, '
        "width: 100%)[#set text(size: 8pt)\n#grid(columns: (auto, 1fr), column-gutter: 1.4em, "
        f"row-gutter: 0.45em,\n{cells})]\n"
    )


def _breakable(value: str) -> str:
    # A digest is one word of 64 letters: a zero-width space lets it break at the margin.
    return (
        "\u200b".join(value[i : i + 32] for i in range(0, len(value), 32))
        if " " not in value
        else value
    )


def _figure(figure: Figure, number: int) -> str:
    name = f"{say('figure')} {number}."
    return (
        # Afloat: the text after a tall figure fills the page before it.
        "#place(auto, float: true, clearance: 1.6em, block(breakable: false, width: 100%)[#set align(left)\n"
        f"#align(center, image({_quoted(figure.path)}, width: {figure.width_percent}%, "
        f"alt: {_quoted(figure.alt)}))\n"
        f"#captioned({_quoted(name)}, {_quoted(figure.title)})])\n"
    )


def _letters(text: str) -> int:
    """Return how many letters wide a text is; a Chinese character is as wide as two."""
    return len(text) + sum(len(found) for found in CHINESE.findall(text))


def _shares(table: Table) -> tuple[int, ...]:
    """Return column widths in proportion to the longest line a column must hold."""
    shares = []
    for i, column in enumerate(table.columns):
        # A short head of two words, such as "True +", is not worth a second line.
        parts = [column] if len(column) < 12 else column.split()
        words = [_letters(part) for part in parts]
        lines = [_letters(line) for row in table.rows for line in row[i].split("\n")]
        shares.append(max(4, *words, *lines) + 2)
    if sum(shares) <= _PAGE:
        return tuple(shares)
    longest = 3 * sum(shares) // (2 * len(shares)) if len(shares) > 2 else max(shares)
    return tuple(min(share, longest) for share in shares)


def _table(table: Table, number: int) -> str:
    alignment = ", ".join(
        "left" if i < table.text_columns else "right" for i in range(len(table.columns))
    )
    shares = table.widths or _shares(table)
    widths = ", ".join(f"{share}fr" for share in shares)
    named = [0, *(_letters(name) for _, name in table.groups)]
    # A few narrow columns spread over the page would part each number from its name.
    wide = 100 if table.widths else min(100, max(45, 100 * max(sum(shares), *named) // _PAGE))
    head = ", ".join(f"strong({_quoted(column)})" for column in table.columns)
    notes = "".join(f"#block(above: 0.45em, below: 0em, note({_quoted(n)}))\n" for n in table.notes)
    name = f"{say('table')} {number}."
    lines = len(table.rows) + len(table.groups)
    return (
        f"#block(above: 1.3em, below: 1.4em, breakable: {str(lines > _SHORT).lower()})[\n"
        f"#captioned({_quoted(name)}, {_quoted(table.title)})\n"
        f"#block(width: {wide}%, numbers[#table(columns: ({widths},), align: ({alignment},),\n"
        "stroke: (x, y) => (top: if y == 0 { 0.9pt } else if y == 1 { 0.5pt } else "
        '{ 0.3pt + rgb("#c9d0d7") }),\n'
        f"table.header({head}),\n{_body(table)}\n  table.hline(stroke: 0.9pt),)])\n{notes}]\n"
    )


def _body(table: Table) -> str:
    """Return the rows, each group under its heading."""
    starts = [at for at, _ in table.groups]
    ends = dict(pairwise([*starts, len(table.rows)]))
    lines = [] if starts and starts[0] == 0 else [_rows(table, 0, starts[0] if starts else None)]
    for at, name in table.groups:
        # A header of the second level stays with the rows below it and is repeated over pages.
        lines.append(
            f"  table.header(level: 2, table.cell(colspan: {len(table.columns)}, align: left, "
            f'fill: rgb("#f4f6f8"), text(weight: "semibold", {_quoted(name)}))),'
        )
        lines.append(_rows(table, at, ends[at]))
    return "\n".join(line for line in lines if line)


def _rows(table: Table, start: int, end: int | None) -> str:
    return "\n".join("  " + ", ".join(map(_quoted, row)) + "," for row in table.rows[start:end])
