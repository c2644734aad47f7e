"""A release is a folder: release.toml, model.safetensors, MODEL_CARD.md.

release.toml names the SHA-256 of the other two, so its own SHA-256 is the digest of the whole.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from synthesis.config import (
    FAMILY_CONFIGS,
    FAMILY_SCHEMA,
    ConfigRefusedError,
    FamilyConfig,
    SuvCodec,
    family_config,
)
from synthesis.registry.lineage import Learned, Lineage, read_lineage

DESCRIPTION = "release.toml"
WEIGHTS = "model.safetensors"
CARD = "MODEL_CARD.md"
WORD = re.compile(r"[\w.+-]+")
LONGEST = {"name": 80, "version": 40}  # they stand in tables and addresses
PACKAGED = Path(__file__).parent.parent / "releases"


class ReleaseRefusedError(Exception):
    """The folder is not a release that may be used; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Release:
    """A checked model release.

    Attributes
    ----------
    digest
        SHA-256 of release.toml, which holds the digests of the other files.
    weights_sha256
        SHA-256 of the weights.
    config
        Settings of the family: networks, grid, CT windows, SUV codec, samplers.
    metrics
        Held-out results as trained: plain numbers by name.
    lineage
        The release that this one was made from; None for one trained from nothing.
    learned
        Whom this release and its ancestors were fitted and tuned on, as salted hashes; empty where
        the release was written before this was kept.
    """

    folder: Path
    name: str
    version: str
    family: str
    created: str
    config: FamilyConfig
    weights_sha256: str
    digest: str
    card: str
    metrics: dict[str, Any]
    training: dict[str, Any]
    lineage: Lineage | None = None
    learned: tuple[Learned, ...] = ()
    intended_use: str = ""
    authors: str = ""
    weights_name: str = WEIGHTS  # within the folder; a bundle keeps them elsewhere

    @property
    def weights(self) -> Path:
        """Path of the weights file."""
        return self.folder / self.weights_name

    @property
    def codec(self) -> SuvCodec:
        """How SUV is encoded in this release."""
        return self.config.domain.codec

    @property
    def title(self) -> str:
        """Name and version, for people."""
        return f"{self.name} {self.version}"


def load_release(
    folder: Path, expected_digest: str | None = None, *, names: Mapping[str, str] | None = None
) -> Release:
    """Return the release in a folder after checking every digest.

    Parameters
    ----------
    names
        Where the files lie within the folder when not under their own names, as in a bundle.

    Raises
    ------
    ReleaseRefusedError
        When a file is missing or changed, the description is malformed, or the digest is not the
        expected one.
    """
    names = names or {}
    description = _read(folder, names.get(DESCRIPTION, DESCRIPTION))
    digest = hashlib.sha256(description).hexdigest()
    if expected_digest is not None and digest != expected_digest:
        raise ReleaseRefusedError(
            f"The release in {folder.name} has digest {digest[:12]}…, not {expected_digest[:12]}…."
        )
    try:
        table = tomllib.loads(description.decode("utf-8"))
        release = _release(folder, table, digest, names)
    except _MALFORMED as error:
        raise ReleaseRefusedError(
            f"{DESCRIPTION} of {folder.name} is malformed: {error}."
        ) from error
    return release


_MALFORMED = (
    UnicodeDecodeError, tomllib.TOMLDecodeError, ConfigRefusedError, KeyError, TypeError,
    AttributeError, RecursionError,
)  # fmt: skip


def read_description(folder: Path, digest: str) -> dict[str, Any]:
    """Return the table of a release's description, its digest checked; the weights are not read.

    Raises
    ------
    ReleaseRefusedError
        When the file is missing or is not the one that was released.
    """
    description = _read(folder, DESCRIPTION)
    if hashlib.sha256(description).hexdigest() != digest:
        raise ReleaseRefusedError(
            f"{DESCRIPTION} of {folder.name} was changed: its SHA-256 differs."
        )
    return tomllib.loads(description.decode("utf-8"))


def _release(folder: Path, table: dict[str, Any], digest: str, names: Mapping[str, str]) -> Release:
    _require_known(folder, table)
    _require_kinds(table)
    config = family_config({**table["config"], "schema": FAMILY_SCHEMA, "family": table["family"]})
    lineage, learned = read_lineage(table)
    for name in (WEIGHTS, CARD):
        found = _digest(folder, names.get(name, name))
        if found != table["files"][name]:
            raise ReleaseRefusedError(f"{name} of {folder.name} was changed: its SHA-256 differs.")
    return Release(
        folder=folder,
        name=table["name"],
        version=table["version"],
        family=table["family"],
        created=table["created"],
        config=config,
        weights_sha256=table["files"][WEIGHTS],
        digest=digest,
        card=_read(folder, names.get(CARD, CARD)).decode("utf-8"),
        metrics=table["metrics"],
        training=table["training"],
        lineage=lineage,
        learned=learned,
        intended_use=str(table.get("intended_use", "")),
        authors=str(table.get("authors", "not stated")),
        weights_name=names.get(WEIGHTS, WEIGHTS),
    )


def _require_known(folder: Path, table: dict[str, Any]) -> None:
    if table["schema"] != FAMILY_SCHEMA:
        raise ReleaseRefusedError(
            f"{folder.name} is a release of schema {table['schema']!r:.20}. "
            f"This version reads schema {FAMILY_SCHEMA}."
        )
    if table["family"] not in FAMILY_CONFIGS:
        raise ReleaseRefusedError(
            f"{folder.name} is a {table['family']!r:.40} release; this version cannot run it."
        )


def _require_kinds(table: dict[str, Any]) -> None:
    """Refuse words that are no words and tables that are none: they come from anywhere."""
    for name, most in LONGEST.items():
        word = table[name]
        if not isinstance(word, str) or not WORD.fullmatch(word) or len(word) > most:
            raise TypeError(f"{name} is no word of at most {most} letters, digits, “.”, “-”, “+”")
    if not isinstance(table["created"], str):
        raise TypeError("created is no text")
    for name in ("metrics", "training", "files"):
        if not isinstance(table[name], dict):
            raise TypeError(f"{name} is no table")


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    if not path.is_file():
        raise ReleaseRefusedError(f"{folder.name} is no release: {name} is missing.")
    return path.read_bytes()


def _digest(folder: Path, name: str) -> str:
    path = folder / name
    if not path.is_file():
        raise ReleaseRefusedError(f"{folder.name} is no release: {name} is missing.")
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_description(folder: Path, table: dict[str, Any]) -> None:
    """Write release.toml for the weights and the card that lie in the folder already."""
    files = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (WEIGHTS, CARD)
    }
    text = tomli_w.dumps({"schema": FAMILY_SCHEMA, **table, "files": files})
    (folder / DESCRIPTION).write_text(text, encoding="utf-8")


def packaged_releases() -> tuple[Release, ...]:
    """Return the releases shipped with the package, by name; each is checked."""
    if not PACKAGED.is_dir():
        return ()
    folders = sorted(f for f in PACKAGED.iterdir() if (f / DESCRIPTION).is_file())
    return tuple(load_release(folder) for folder in folders)
