"""Finds the template and the values of an English sentence again and says it in another language.

Rules and analyses write English and know no language. Who shows a sentence to a person, be it fresh or
kept in a table for years, asks here for the same sentence in the reader's language.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice

from evaluation.language.patterns import Pattern, filled

_BOUNDARY = re.compile(r"(?<=[.?!…:;])\s+")
_PROSE = re.compile(r"[A-Za-z]{2,} +[a-z]{2,}|^[a-z]{3,}$")
_NEXT_ITEM = "; "
_CLAUSE_ENDS = {":": "：", ";": "；"}
_LONGEST_RUN = 6
_LONGEST_OF_PIECES = 400
_MOST_READINGS = 60
_DEEPEST = 4


class Sentences:
    """A catalogue of templates with their translations.

    Templates that are one fixed text are looked up; the others are tried from the one with the most
    letters of its own to the one with the fewest. A value that is itself a known sentence is
    translated, too. A template that says little of its own counts only where its values are known.
    """

    def __init__(self, entries: Mapping[str, str]) -> None:
        patterns = [Pattern(template) for template, words in entries.items() if words]
        self._words = dict(entries)
        self._fixed = {p.template: entries[p.template] for p in patterns if len(p.literals) == 1}
        self._open = sorted((p for p in patterns if len(p.literals) > 1), key=lambda p: -p.letters)
        self.translate = lru_cache(maxsize=8192)(self._translate)
        self._whole = lru_cache(maxsize=32768)(self._find_whole)

    def pieces_saying(self, words: str, *, most: int = 20) -> list[str]:
        """Return the longest fixed pieces of the templates whose translation holds the words."""
        pieces = {
            max(Pattern(template).literals, key=len).strip()
            for template, said in self._words.items()
            if words and words in said
        }
        return sorted((piece for piece in pieces if " " in piece), key=len, reverse=True)[:most]

    def _translate(self, text: str) -> str:
        """Return the text in the other language; what is not known stays as it is."""
        whole = self._whole(text, 0)
        return whole if whole is not None else self._run_by_run(text)

    def _find_whole(self, text: str, depth: int) -> str | None:
        """Return the translation of a text that is one template as a whole."""
        fixed = self._fixed_words(text)
        if fixed is None and depth < _DEEPEST:
            fixed = self._by_template(text, depth)
        stripped = text.strip()
        if fixed is None and stripped and stripped != text:
            inner = self._whole(stripped, depth)
            fixed = None if inner is None else text.replace(stripped, inner)
        return fixed

    def _fixed_words(self, text: str) -> str | None:
        """Look a fixed text up, also where it begins or ends as a sentence of its own."""
        if text in self._fixed:
            return self._fixed[text]
        body = text.removesuffix(".")
        for piece in (body, body[:1].lower() + body[1:]):
            if body != text and piece in self._fixed:
                return f"{self._fixed[piece]}。"
        return None

    def _by_template(self, text: str, depth: int) -> str | None:
        otherwise: tuple[Pattern, Mapping[str, str]] | None = None
        for pattern in self._open:
            if pattern.longest not in text or not _may_apply(pattern, text, depth):
                continue
            readings = list(islice(pattern.readings(text), _MOST_READINGS))
            best = max(readings, key=lambda values: self._merit(values, depth + 1), default=None)
            if best is not None and self._fits(pattern, best, depth + 1):
                return self._filled(pattern, best, depth + 1)
            if readings and otherwise is None and not (pattern.is_weak or _spans(readings[0])):
                otherwise = pattern, readings[0]
        return None if otherwise is None else self._filled(*otherwise, depth + 1)

    def _merit(self, values: Mapping[str, str], depth: int) -> tuple[int, int]:
        """Of several readings the better one knows more of its values, and can say more of them."""
        known = sum(self._known(value, depth) for value in values.values())
        said = sum(self._whole(value, depth) is not None for value in values.values())
        return known, said

    def _fits(self, pattern: Pattern, values: Mapping[str, str], depth: int) -> bool:
        """Whether every value is known, and where the template has no words of its own, some value is said."""
        if any(value.count("“") != value.count("”") for value in values.values()):
            return False  # it begins or ends inside of what somebody quoted
        known, said = self._merit(values, depth)
        return known == len(values) and (pattern.letters > 1 or said > 0)

    def _known(self, value: str, depth: int) -> bool:
        """Whether a value is no English, or English that can be said in the other language, item by item in a list."""
        if not _PROSE.search(value) or self._whole(value, depth) is not None:
            return True
        first, *more = value.split(_NEXT_ITEM)
        return bool(more) and all(self._known(item, depth) for item in (first, *more))

    def _filled(self, pattern: Pattern, values: Mapping[str, str], depth: int) -> str:
        said = {name: self._value(value, depth) for name, value in values.items()}
        return filled(self._words[pattern.template], said)

    def _value(self, value: str, depth: int) -> str:
        whole = self._whole(value, depth)
        if whole is not None:
            return whole
        return self._run_by_run(value) if _BOUNDARY.search(value) else value

    def _run(self, text: str) -> str | None:
        """Return the translation of some sentences of a text, or of a clause before a colon or semicolon."""
        whole = self._whole(text, 0)
        if whole is None and text[-1:] in _CLAUSE_ENDS:
            clause = self._whole(text[:-1], 0)
            return None if clause is None else clause + _CLAUSE_ENDS[text[-1]]
        return whole

    def _run_by_run(self, text: str) -> str:
        """Translate sentence after sentence, the longest known run of them first."""
        pieces = _BOUNDARY.split(text)
        if len(pieces) == 1:
            return text
        said: list[str] = []
        while pieces:
            runs = range(min(_LONGEST_RUN, len(pieces)), 0, -1)
            found = ((n, self._run(" ".join(pieces[:n]))) for n in runs)
            length, words = next(((n, w) for n, w in found if w is not None), (1, pieces[0]))
            said.append(words)
            pieces = pieces[length:]
        return _joined(said)


def _may_apply(pattern: Pattern, text: str, depth: int) -> bool:
    """Templates of little else than punctuation are tried on short texts, and not inside each other."""
    if pattern.is_weak and len(text) > _LONGEST_OF_PIECES:
        return False
    return pattern.letters > 1 or depth == 0


def _spans(values: Mapping[str, str]) -> bool:
    """Whether a value reaches over the end of a sentence, which a template rarely means."""
    return any(_BOUNDARY.search(value) for value in values.values())


def _joined(said: list[str]) -> str:
    """Join sentences; a full-width full stop takes no space behind it."""
    text = ""
    for sentence in said:
        gap = "" if not text or text[-1] in "。？！；：" else " "
        text += gap + sentence
    return text
