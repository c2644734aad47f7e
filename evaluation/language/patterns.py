"""Sentence templates such as ``Site {code} is not recruiting.``, found again in a finished sentence."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

_FIELD = re.compile(r"\{([a-z_][a-z0-9_]*)(?::([^{}]*))?\}")
_NUMBER = r"(?:[-+−]?[0-9][0-9,]*(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?|nan|inf)%?"
_ANYTHING = r".*?"
_FEWEST_LETTERS = 12
"""A template with fewer letters of its own says too little to be trusted alone."""


def placeholders(template: str) -> dict[str, str]:
    """Return the placeholders of a template with their formats.

    Examples
    --------
    >>> placeholders("{slices} slices of {thickness:.1f} mm")
    {'slices': '', 'thickness': '.1f'}
    """
    return {match[1]: match[2] or "" for match in _FIELD.finditer(template)}


@dataclass(frozen=True)
class Pattern:
    """One template and how it is recognised."""

    template: str

    @cached_property
    def literals(self) -> tuple[str, ...]:
        """The fixed pieces between the placeholders."""
        return tuple(_FIELD.split(self.template)[::3])

    @cached_property
    def longest(self) -> str:
        """The longest fixed piece; a text without it is not of this template."""
        return max(self.literals, key=len)

    @cached_property
    def letters(self) -> int:
        """How many letters the template has of its own."""
        return sum(character.isalpha() for literal in self.literals for character in literal)

    @property
    def is_weak(self) -> bool:
        """Whether the template says so little that its values must be known, too."""
        return self.letters < _FEWEST_LETTERS

    @cached_property
    def _fields(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        return tuple(
            (match[1], re.compile(_NUMBER if _is_number(match[2] or "") else _ANYTHING, re.DOTALL))
            for match in _FIELD.finditer(self.template)
        )

    def readings(self, text: str) -> Iterator[Mapping[str, str]]:
        """Every way to read the text as this template, values by placeholder; the shortest first values first."""
        if self.longest not in text or not text.startswith(self.literals[0]):
            return
        yield from self._read(text, len(self.literals[0]), 0, {})

    def _read(
        self, text: str, start: int, number: int, values: dict[str, str]
    ) -> Iterator[Mapping[str, str]]:
        if number == len(self._fields):
            if start == len(text):
                yield dict(values)
            return
        name, shape = self._fields[number]
        literal = self.literals[number + 1]
        for end in _ends(text, start, literal, last=number + 1 == len(self._fields)):
            value = text[start:end]
            if values.get(name, value) == value and shape.fullmatch(value):
                known = {**values, name: value}
                yield from self._read(text, end + len(literal), number + 1, known)


def filled(words: str, values: Mapping[str, str]) -> str:
    """Return a template with its placeholders filled in.

    Examples
    --------
    >>> filled("Site {code:>5} is closed.", {"code": "SPH"})
    'Site SPH is closed.'
    """
    return _FIELD.sub(lambda match: values[match[1]], words)


def _ends(text: str, start: int, literal: str, *, last: bool) -> Iterator[int]:
    """Where the value that begins at `start` may end: before each occurrence of what follows it."""
    if last:
        end = len(text) - len(literal)
        if end >= start and text.endswith(literal):
            yield end
        return
    end = text.find(literal, start)
    while end != -1:
        yield end
        end = text.find(literal, end + 1) if end < len(text) else -1


def _is_number(shape: str) -> bool:
    return bool(shape) and shape[-1] in "dfgen%"
