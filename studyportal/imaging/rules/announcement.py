"""What a sender says it will send: one name, size and SHA-256 per file. Names are for people, never for paths."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_LONGEST_NAME = 1000
_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class AnnouncedFile:
    """One file as its sender knows it; `size` in bytes."""

    name: str
    size: int
    sha256: str


def read_announcement(rows: object) -> tuple[tuple[AnnouncedFile, ...], tuple[str, ...]]:
    """Return the files of a list of {name, size, sha256}, and a sentence for each row that is none."""
    if not isinstance(rows, list):
        return (), ("The list of files is missing.",)
    files, faults = [], []
    for number, row in enumerate(rows, start=1):
        file = _read(row)
        if file is None:
            faults.append(f"Entry {number} of the list names no file, size and SHA-256.")
        else:
            files.append(file)
    return tuple(files), tuple(faults[:10])


def too_large(files: Iterable[AnnouncedFile], *, limit: int) -> tuple[AnnouncedFile, ...]:
    """Return the files of more than `limit` bytes."""
    return tuple(file for file in files if file.size > limit)


def sizes_by_digest(files: Sequence[AnnouncedFile]) -> dict[str, int]:
    """Return the size of each content; a file that is there twice is one content."""
    return {file.sha256: file.size for file in files}


def _read(row: object) -> AnnouncedFile | None:
    if not isinstance(row, dict):
        return None
    name, size, sha256 = row.get("name"), row.get("size"), row.get("sha256")
    if not (isinstance(name, str) and type(size) is int and isinstance(sha256, str)):
        return None
    digest_is_one = len(sha256) == 64 and _DIGITS.issuperset(sha256)
    if not name or size < 0 or not digest_is_one:
        return None
    return AnnouncedFile(_printable(name[:_LONGEST_NAME]), size, sha256)


def _printable(name: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in name)
