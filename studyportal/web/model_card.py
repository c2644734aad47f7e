"""A model card is a little Markdown: headings, lists, tables, bold, emphasis. Everything else is shown as it stands."""

import re
from itertools import groupby

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

_BOLD = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)
_EMPHASIS = re.compile(r"(?<![\w*])\*(\S[^*]*)\*(?![\w*])")
_CODE = re.compile(r"`(.+?)`")
_RULE = re.compile(r"^\|[-:| ]+\|$")


def render_card(text: str) -> SafeString:
    """Return the card as HTML. The text is escaped first, so nothing of it can become markup of its own."""
    blocks: list[str] = []
    for kind, lines in groupby(_joined(escape(text).splitlines()), key=_kind):
        blocks += _block(kind, list(lines))
    return mark_safe("\n".join(blocks))  # noqa: S308 escaped in the line above


def _joined(lines: list[str]) -> list[str]:
    """Lines indented below a list item belong to it."""
    joined: list[str] = []
    for line in lines:
        if line.startswith("  ") and joined and joined[-1].startswith("- "):
            joined[-1] += f" {line.strip()}"
        else:
            joined.append(line.rstrip())
    return joined


def _kind(line: str) -> str:
    if not line:
        return "blank"
    for mark, kind in (("#", "heading"), ("- ", "list"), ("|", "table")):
        if line.startswith(mark):
            return kind
    return "paragraph"


def _block(kind: str, lines: list[str]) -> list[str]:
    if kind == "heading":
        return [f"<h3>{_inline(line.lstrip('#').strip())}</h3>" for line in lines]
    if kind == "list":
        return [f"<ul>{''.join(f'<li>{_inline(line[2:])}</li>' for line in lines)}</ul>"]
    if kind == "table":
        rows = [line.strip("|").split("|") for line in lines if not _RULE.match(line)]
        return [_table(rows)]
    return [f"<p>{_inline(' '.join(lines))}</p>"] if kind == "paragraph" else []


def _table(rows: list[list[str]]) -> str:
    head = "".join(f'<th scope="col">{_inline(cell.strip())}</th>' for cell in rows[0])
    body = "".join(
        f"<tr>{''.join(f'<td>{_inline(cell.strip())}</td>' for cell in row)}</tr>"
        for row in rows[1:]
    )
    return (
        '<div class="table-frame" tabindex="0" role="region" '  # wider than a phone: moved by keys too
        f'aria-label="{rows[0][0].strip()}"><table class="table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _inline(text: str) -> str:
    strong = _BOLD.sub(r"<strong>\1</strong>", text)
    return _CODE.sub(r"<code>\1</code>", _EMPHASIS.sub(r"<em>\1</em>", strong))
