"""Finds the template and the values of an English sentence again and says it in another language.

Rules and analyses write English and know no language. Who shows a sentence to a person, be it fresh or
kept in a table for years, asks here for the same sentence in the reader's language.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice

from evaluation.language.patterns import Pattern

_BOUNDARY = re.compile(r"(?<=[.?!…:;])\s+")
_PROSE = re.compile(r"[A-Za-z]{2,} +[a-z]{2,}|^[a-z]{3,}$")
_LONGEST_RUN = 6
_MOST_READINGS = 200
_DEEPEST = 4


class Sentences:
    """A catalogue of templates with their translations.

    Templates that are one fixed text are looked up; the others are tried from the one with the most
    letters of its own to the one with the fewest. A value that is itself a known sentence is
    translated, too.
    """

    def __init__(self, entries: Mapping[str, str]) -> None:
        patterns = [Pattern(template) for template, words in entries.items() if words]
        self._words = dict(entries)
        self._fixed = {
            p.template: entries[p.template] for p in patterns if len(p.literals) == 1
        }
        self._open = sorted(
            (p for p in patterns if len(p.literals) > 1), key=lambda p: -p.letters
        )
        self.translate = lru_cache(maxsize=8192)(self._translate)

    def _translate(self, text: str) -> str:
        """Return the text in the other language; what is not known stays as it is."""
        whole = self._whole(text)
        return whole if whole is not None else self._run_by_run(text)

    def _whole(self, text: str, depth: int = 0) -> str | None:
        """Return the translation of a text that is one template as a whole."""
        stripped = text.strip()
        if stripped != text:
            inner = self._whole(stripped, depth) if stripped else None
            return None if inner is None else text.replace(stripped, inner)
        if text in self._fixed:
            return self._fixed[text]
        return next(self._by_template(text, depth), None) if depth < _DEEPEST else None

    def _by_template(self, text: str, depth: int) -> Iterator[str]:
        for pattern in self._open:
            if pattern.longest not in text:
                continue
            first = None
            for values in islice(pattern.readings(text), _MOST_READINGS):
                first = first or values
                if all(self._known(value, depth + 1) for value in values.values()):
                    yield self._filled(pattern, values, depth + 1)
                    break
            else:
                if first is not None and not pattern.is_weak:
                    yield self._filled(pattern, first, depth + 1)

    def _known(self, value: str, depth: int) -> bool:
        """Whether a value is no English, or English that can be said in the other language."""
        return not _PROSE.search(value) or self._whole(value, depth) is not None

    def _filled(self, pattern: Pattern, values: Mapping[str, str], depth: int) -> str:
        words = self._words[pattern.template]
        said = {
            name: self._whole(value, depth) or (self._run_by_run(value) if "." in value else value)
            for name, value in values.items()
        }
        return re.sub(r"\{([a-z_][a-z0-9_]*)[^{}]*\}", lambda match: said[match[1]], words)

    def _run_by_run(self, text: str) -> str:
        """Translate sentence after sentence, the longest known run of them first."""
        pieces = _BOUNDARY.split(text)
        if len(pieces) == 1:
            return text
        said: list[str] = []
        while pieces:
            for length in range(min(_LONGEST_RUN, len(pieces)), 0, -1):
                run = " ".join(pieces[:length])
                whole = self._whole(run)
                if whole is not None:
                    said.append(whole)
                    break
            else:
                length = 1
                said.append(pieces[0])
            pieces = pieces[length:]
        return _joined(said)


def _joined(said: list[str]) -> str:
    """Join sentences; none of the full-width full stops takes a space behind it."""
    text = ""
    for sentence in said:
        gap = "" if not text or text[-1] in "。？！；：" else " "
        text += gap + sentence
    return text
