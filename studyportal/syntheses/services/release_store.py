"""The folder of releases: whatever comes in is staged, judged, and then moved to its place in one step."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from studyportal.core.errors import Reason, Refused
from synthesis.registry import ReleaseRefusedError, files_of, load_release

STORED = "stored"  # how a row names its place: `stored:DIGEST` or `packaged:NAME`


@contextmanager
def staged() -> Iterator[Path]:
    """A folder name beside the store, free to be made; nothing of it is left afterwards."""
    store = Path(settings.RELEASES_DIR)
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store, prefix=".incoming-") as scratch:
        yield Path(scratch) / "release"


def copy_release(source: Path, into: Path) -> None:
    """The three files of a release, or of a bundle, lie in another folder; no link is followed."""
    into.mkdir(parents=True)
    for name, path in files_of(source).items():
        if path.is_symlink() or not path.is_file():
            sentence = f"{source.name} is no release: {name} is missing or is no plain file."
            raise Refused(Reason("release_refused", sentence))
        shutil.copyfile(path, into / name)


def keep(folder: Path, digest: str) -> str:
    """The staged folder lies at its place in the store; returns how a row names that place."""
    place = Path(settings.RELEASES_DIR) / digest
    if place.exists() and not _whole(place, digest):
        shutil.rmtree(place)
    if not place.exists():
        folder.rename(place)  # the same file system: it is there whole or not at all
    return f"{STORED}:{digest}"


def _whole(place: Path, digest: str) -> bool:
    try:
        load_release(place, digest)
    except ReleaseRefusedError:
        return False
    return True
