"""Where a release comes from: its parent, and whom it and its ancestors learned from.

Participants stand here as salted hashes of their pseudonyms, so that a release answers "was this
one learned from?" without listing them. A pseudonym that can be guessed can be looked up: the
hash keeps the list from being read, not from being asked.
"""

from __future__ import annotations

import hashlib
import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from synthesis.config import ConfigRefusedError, build, to_table

Relation = Literal["fine_tuned", "distilled"]
SHA256_LENGTH = 64
HASH_LENGTH = 32  # 128 bits


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a release was made from.

    Attributes
    ----------
    parent
        Digest of the parent release.
    relation
        `fine_tuned`: the parent's weights were trained further. `distilled`: a network learned to
        do in fewer evaluations what the parent does.
    """

    parent: str
    relation: Relation

    def __post_init__(self) -> None:
        """Refuse a parent that is no digest."""
        if len(self.parent) != SHA256_LENGTH or not set(self.parent) <= set(string.hexdigits):
            raise ValueError("The parent is named by the SHA-256 of its release.toml.")


@dataclass(frozen=True, slots=True)
class Learned:
    """Who was fitted on and who was tuned on in one training, as salted hashes.

    Attributes
    ----------
    salt
        SHA-256 of the training's split.
    """

    salt: str
    train: tuple[str, ...]
    validation: tuple[str, ...]

    @classmethod
    def of(cls, salt: str, *, train: Iterable[str], validation: Iterable[str]) -> Learned:
        """Return the record of these pseudonyms."""
        return cls(
            salt,
            tuple(sorted(_hashed(salt, name) for name in train)),
            tuple(sorted(_hashed(salt, name) for name in validation)),
        )

    def fitted(self, names: Iterable[str]) -> frozenset[str]:
        """Return those of the pseudonyms whose images were fitted on."""
        return self._among(names, self.train)

    def tuned(self, names: Iterable[str]) -> frozenset[str]:
        """Return those of the pseudonyms whose images chose among weights."""
        return self._among(names, self.validation)

    def _among(self, names: Iterable[str], hashes: tuple[str, ...]) -> frozenset[str]:
        known = frozenset(hashes)
        return frozenset(name for name in names if _hashed(self.salt, name) in known)


def _hashed(salt: str, name: str) -> str:
    return hashlib.sha256(f"{salt}/{name}".encode()).hexdigest()[:HASH_LENGTH]


def read_lineage(table: dict[str, Any]) -> tuple[Lineage | None, tuple[Learned, ...]]:
    """Return the lineage that a description states, and whom the release and its ancestors saw.

    Raises
    ------
    ConfigRefusedError
        When a key is unknown, missing or of the wrong kind.
    """
    stated = table.get("lineage")
    lineage = None if stated is None else build(Lineage, _table(stated, "lineage"), "lineage.")
    entries = table.get("learned", [])
    if not isinstance(entries, list):
        raise ConfigRefusedError("learned must be a list of tables.")
    return lineage, tuple(build(Learned, _table(e, "learned"), "learned.") for e in entries)


def lineage_tables(lineage: Lineage | None, learned: Iterable[Learned]) -> dict[str, Any]:
    """Return what `read_lineage` reads back."""
    own = {} if lineage is None else {"lineage": to_table(lineage)}
    return {**own, "learned": [to_table(entry) for entry in learned]}


def _table(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigRefusedError(f"{where} must be a table.")
    return value
