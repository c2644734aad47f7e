"""What of a participant still lies on the disk: the proof beside the certificate of a withdrawal."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

_PREAMBLE, _MAGIC = 128, b"DICM"
_HEADER = 1 << 16  # who a de-identified image belongs to stands long before its pixels


@dataclass(frozen=True)
class Remains:
    """How many files were looked at, and which of them name the participant."""

    looked_at: int
    images: tuple[Path, ...]
    archives: tuple[Path, ...]

    @property
    def nothing(self) -> bool:
        """Whether no image and no archive of images names the participant."""
        return not self.images and not self.archives


def remains_of(code: str) -> Remains:
    """Every image, and every archive of images, on the portal's disk that names this participant.

    Tables and reports of data cuts that were frozen before a withdrawal name the code too and stay by design.
    """
    looked, images, archives = 0, [], []
    for path in _files():
        looked += 1
        with path.open("rb") as stream:
            head = stream.read(_HEADER)
        if head[_PREAMBLE : _PREAMBLE + 4] == _MAGIC and code.encode("ascii") in head:
            images.append(path)
        elif head.startswith(b"PK") and _holds(path, code):
            archives.append(path)
    return Remains(looked, tuple(images), tuple(archives))


def _files() -> Iterator[Path]:
    for folder in (
        settings.ARCHIVE_DIR,
        settings.QUARANTINE_DIR,
        settings.SPOOL_DIR,
        settings.WORK_DIR,
    ):
        yield from (path for path in Path(folder).rglob("*") if path.is_file())


def _holds(path: Path, code: str) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith(f"{code}/") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False
