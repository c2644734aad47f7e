"""Files are on the disk before anybody is told so; many are flushed side by side."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Each flush waits for the disk; the file system joins those that wait together into one.
_SIDE_BY_SIDE = 8


def sync_files(paths: Iterable[Path]) -> None:
    """Every one of these files (or folders) is on the disk.

    Raises
    ------
    OSError
        When one of them cannot be flushed; then none may be called kept.
    """
    many = list(paths)
    if len(many) < 2:
        for path in many:
            sync(path)
        return
    with ThreadPoolExecutor(min(_SIDE_BY_SIDE, len(many))) as threads:
        list(threads.map(sync, many))


def sync(path: Path) -> None:
    """The file (or folder) is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
