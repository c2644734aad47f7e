"""Says stored and fresh English sentences in the reader's language.

Rooms write English and keep it, so that the trail reads the same for ever. What shows a sentence to a
person asks `said` for it; a sentence that no catalogue knows stays English.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.utils import translation
from django.utils.functional import lazy
from django.utils.module_loading import import_string

from evaluation.language import CATALOGUE, Sentences, read_entries

_CATALOGUES: Mapping[str, tuple[Path, ...]] = {
    "zh-hans": (
        settings.BASE_DIR / "studyportal/locale/zh_Hans/LC_MESSAGES/sentences.po",
        CATALOGUE,
    ),
}
_names_of_study: list[str] = []


def learn_names(selector: str) -> None:
    """What a room's selector of this dotted name gives in both languages, `said` says from now on.

    By name, because a room announces it before its models are there.
    """
    if selector not in _names_of_study:
        _names_of_study.append(selector)


def reads_chinese() -> bool:
    """Whether the reader of this request reads Chinese."""
    return (translation.get_language() or "") in _CATALOGUES


def said(text: object) -> str:
    """Return an English sentence or name in the reader's language."""
    english = str(text)
    language = translation.get_language() or ""
    if not english or language not in _CATALOGUES:
        return english
    names: dict[str, str] = {}
    for selector in _names_of_study:
        names |= import_string(selector)()
    return _sentences(language, tuple(sorted(names.items()))).translate(english)


def english_of(words: str) -> list[str]:
    """Return what kept English sentences hold that read so in the reader's language; nothing for a reader of English."""
    language = translation.get_language() or ""
    if language not in _CATALOGUES:
        return []
    return Sentences(_entries(language)).pieces_saying(words.strip())


said_lazy = lazy(said, str)
"""As `said`, for texts that are put together before a reader is known."""


@lru_cache(maxsize=8)
def _entries(language: str) -> Mapping[str, str]:
    return read_entries(_CATALOGUES[language])


@lru_cache(maxsize=8)
def _sentences(language: str, names: tuple[tuple[str, str], ...]) -> Sentences:
    return Sentences({**_entries(language), **dict(names)})
