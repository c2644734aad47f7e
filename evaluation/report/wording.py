"""Every sentence and heading of the report, read from one file per language.

Builders of tables and figures ask for words by key; a translation is another file with the same
keys.
"""

import tomllib
from functools import cache
from importlib import resources
from typing import Any


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
    return str(_found(key).get(name, name.replace("_", " ")))


def names(group: str) -> dict[str, str]:
    """Return the printed names of a group: quantities, tests, statistics, methods."""
    return {str(name): str(words) for name, words in _found(f"names.{group}").items()}


def _found(key: str) -> Any:
    found: Any = _words()
    for part in key.split("."):
        found = found[part]
    return found


@cache
def _words() -> dict[str, Any]:
    source = resources.files("evaluation.report") / "templates" / "english.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))
