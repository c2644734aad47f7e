"""Reads the catalogues (PO files) that lie beside the code, without compiling anything."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

from evaluation.language.sentences import Sentences

_HERE = Path(__file__).parent
CATALOGUE = _HERE / "zh_Hans" / "sentences.po"
"""The sentences of this package in Chinese."""


def read_entries(paths: Iterable[Path]) -> dict[str, str]:
    """Return the translations of one or more catalogues by template; the first one to know it counts."""
    entries: dict[str, str] = {}
    for path in paths:
        with path.open("rb") as file:
            for message in read_po(file, abort_invalid=True):
                if message.id and message.string and not message.fuzzy:
                    entries.setdefault(str(message.id), str(message.string))
    return entries


@cache
def chinese() -> Sentences:
    """Return the sentences of this package in Chinese."""
    return Sentences(read_entries((CATALOGUE,)))
