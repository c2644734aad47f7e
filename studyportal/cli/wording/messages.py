"""Texts that pages and entrances mark for translation themselves: gettext calls and template tags."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation.template import templatize

from studyportal.cli.wording.sentences import GETTEXT

_PLURAL = frozenset({"ngettext", "ngettext_lazy"})
# What `templatize` makes of the tags: calls in the manner of Python, between letters that mean nothing.
_CALL = re.compile(
    r"\b(?P<call>gettext|ngettext|pgettext|_)\((?P<first>u?(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"))"
    r"(?:\s*,\s*(?P<second>u?(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")))?"
)


@dataclass(frozen=True)
class Marked:
    """A text that is marked for translation, with its plural and its context where it has them."""

    text: str
    plural: str = ""
    context: str = ""


def marked_in_python(path: Path) -> Iterator[tuple[Marked, int]]:
    """Every text that a Python file marks for translation, with its line."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            texts = [
                argument.value
                for argument in node.args
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            ]
            if name in GETTEXT and texts:
                yield _marked(name, texts), node.lineno


def marked_in_template(path: Path) -> Iterator[tuple[Marked, int]]:
    """Every text that a template marks for translation, with its line."""
    calls = templatize(path.read_text("utf-8"), origin=str(path))
    for match in _CALL.finditer(calls):
        texts = [ast.literal_eval(match[group]) for group in ("first", "second") if match[group]]
        yield _marked(match["call"], texts), calls.count("\n", 0, match.start()) + 1


def _marked(call: str, texts: list[str]) -> Marked:
    if call in _PLURAL and len(texts) > 1:
        return Marked(texts[0], plural=texts[1])
    if call == "pgettext" and len(texts) > 1:
        return Marked(texts[1], context=texts[0])
    return Marked(texts[0])
