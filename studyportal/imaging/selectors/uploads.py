"""What was announced of an upload and what of it arrived. Both lie in quarantine and go with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from studyportal.imaging.rules import AnnouncedFile, read_announcement, sizes_by_digest
from studyportal.imaging.selectors.images import quarantine_of, waiting_files

_MANIFEST = ".announced.json"


@dataclass(frozen=True)
class UploadState:
    """Counts of different contents and their bytes; `missing` are digests, in the order announced."""

    announced: int
    announced_bytes: int
    arrived: int
    arrived_bytes: int
    copies: int
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether everything that was announced is here."""
        return self.announced > 0 and not self.missing


def manifest_path(series_id: UUID) -> Path:
    """Where the list of announced files lies."""
    return quarantine_of(series_id) / _MANIFEST


def announced_files(series_id: UUID) -> tuple[AnnouncedFile, ...]:
    """The files that were announced; none when nobody announced any."""
    try:
        rows = json.loads(manifest_path(series_id).read_bytes())
    except FileNotFoundError:
        return ()
    return read_announcement(rows)[0]


def announced_names(series_id: UUID) -> dict[str, str]:
    """The sender's name of each content, for a sentence to a person; never for a path or a log."""
    return {file.sha256: file.name for file in announced_files(series_id)}


def upload_state(series_id: UUID) -> UploadState:
    """What was announced and what arrived, as it is on disk now."""
    return state_of(announced_files(series_id), frozenset(waiting_files(series_id)))


def state_of(files: tuple[AnnouncedFile, ...], here: frozenset[str]) -> UploadState:
    """Compare an announcement with the digests that are here."""
    sizes = sizes_by_digest(files)
    arrived = [digest for digest in sizes if digest in here]
    return UploadState(
        announced=len(sizes),
        announced_bytes=sum(sizes.values()),
        arrived=len(arrived),
        arrived_bytes=sum(sizes[digest] for digest in arrived),
        copies=len(files) - len(sizes),
        missing=tuple(digest for digest in sizes if digest not in here),
    )
