"""Every sentence and heading of the report, read from one file per language.

Builders of tables and figures ask for words by key; a translation is another file with the same
keys. What analyses wrote themselves (reasons, methods) is said by the catalogue of sentences.
"""

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from evaluation.language import chinese

LANGUAGES: Mapping[str, str] = {"en": "english", "zh-Hans": "chinese"}
"""Languages of the report by their tag, and the file of each."""

_spoken: ContextVar[str] = ContextVar("language of the report", default="en")
_NO_NAMES: Mapping[str, str] = MappingProxyType({})
_names: ContextVar[Mapping[str, str]] = ContextVar("names of the study", default=_NO_NAMES)


@contextmanager
def speaking(language: str, *, names: Mapping[str, str] = _NO_NAMES) -> Iterator[None]:
    """Whatever asks for words inside gets them in this language; ``names`` are those of the study, by their English.

    Raises
    ------
    ValueError
        If the report is not written in this language.
    """
    if language not in LANGUAGES:
        raise ValueError(f"the report is written in {', '.join(LANGUAGES)}, not in {language}")
    tokens = _spoken.set(language), _names.set(names)
    try:
        yield
    finally:
        _spoken.reset(tokens[0])
        _names.reset(tokens[1])


def spoken() -> str:
    """Return the tag of the language in which words are given now."""
    return _spoken.get()


def say(key: str, **values: object) -> str:
    """Return the words under a dotted key with ``{names}`` filled in.

    Examples
    --------
    >>> say("marks.exploratory")[:1]
    '†'
    """
    return str(_found(key)).format(**values)


def says(key: str) -> tuple[str, ...]:
    """Return a list of words under a dotted key, such as the heads of a table."""
    return tuple(str(words) for words in _found(key))


def named(key: str, name: str) -> str:
    """Return the words for a name in a group of names, or the name itself as words."""
    return str(_found(key).get(name, sentence(name.replace("_", " "))))


def sentence(text: str) -> str:
    """Return what an analysis wrote, in the language of the report; a list is said part by part."""
    if spoken() == "en":
        return text
    code, _, name = text.partition(" ")
    known = _names.get()
    if text in known or name in known:
        return known[text] if text in known else f"{code} {known[name]}"
    whole = chinese().translate(text)
    for between, comma in (("; ", "；"), (", ", "，")):
        if whole == text and between in text:
            return comma.join(sentence(part) for part in text.split(between))
    return whole


class Names(Mapping[str, str]):
    """Printed names of a group in the language that is spoken when they are asked for."""

    def __init__(self, group: str) -> None:
        self._key = f"names.{group}"

    def __getitem__(self, name: str) -> str:
        return str(_found(self._key)[name])

    def __iter__(self) -> Iterator[str]:
        return iter(_found(self._key))

    def __len__(self) -> int:
        return len(_found(self._key))


def names(group: str) -> Names:
    """Return the printed names of a group: quantities, tests, statistics, methods."""
    return Names(group)


def _found(key: str) -> Any:
    found: Any = _words(spoken())
    for part in key.split("."):
        found = found[part]
    return found


@cache
def _words(language: str) -> dict[str, Any]:
    source = resources.files("evaluation.report") / "templates" / f"{LANGUAGES[language]}.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))
