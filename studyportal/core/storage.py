"""Write-once files addressed by their SHA-256 and verified whenever they are read."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

from studyportal.core.durable import sync_files
from studyportal.core.errors import Reason, Refused

_CHUNK = 1 << 20
INCOMING = ".incoming"  # what is being written; a process that was killed leaves its file here


@dataclass(frozen=True)
class StoredFile:
    """What is known of a file once it lies in the archive."""

    sha256: str
    size: int


class DamagedFile(Refused):
    """A file is missing or its bytes are not the ones that were stored."""


def path_of(sha256: str) -> Path:
    """Where the file with this digest lies."""
    if len(sha256) != 64 or not all(character in "0123456789abcdef" for character in sha256):
        raise ValueError("a digest is 64 hexadecimal digits")
    return Path(settings.ARCHIVE_DIR) / sha256[:2] / sha256[2:4] / sha256


def store_bytes(content: bytes) -> StoredFile:
    """The content lies in the archive, on disk, under its digest; storing it again changes nothing."""
    sha256 = hashlib.sha256(content).hexdigest()
    target = path_of(sha256)
    if not target.exists():
        handle, temporary = tempfile.mkstemp(dir=_incoming())
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            _give_names({Path(temporary): target})
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    return StoredFile(sha256=sha256, size=len(content))


def _incoming() -> Path:
    folder = Path(settings.ARCHIVE_DIR) / INCOMING
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _give_names(written: Mapping[Path, Path]) -> None:
    """Each file lies under its target and is found there after a power failure, too.

    Files are flushed side by side, which takes a quarter of the time of one after the other; none has its name before
    all are on disk. A name is an entry of its folder, and a new folder one of the folder above it.
    """
    if not written:
        return
    sync_files(written)
    for temporary, target in written.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.chmod(0o440)
        temporary.rename(target)  # same file system, so the rename is atomic
    folders = {target.parent for target in written.values()}
    above = {folder.parent for folder in folders}
    sync_files(folders | above | {Path(settings.ARCHIVE_DIR)})


def clear_incoming(*, before: datetime) -> int:
    """Half-written files that were begun before this moment are gone; return how many there were."""
    cleared = 0
    for path in (Path(settings.ARCHIVE_DIR) / INCOMING).glob("*"):
        with suppress(FileNotFoundError):  # its writer has just finished with it
            if path.stat().st_mtime < before.timestamp():
                path.unlink()
                cleared += 1
    return cleared


def store_file(source: Path) -> StoredFile:
    """The file's content lies in the archive; the source stays where it is."""
    return store_bytes(source.read_bytes())


def store_files(sources: Sequence[Path]) -> list[StoredFile]:
    """The content of each file lies in the archive, on disk; the sources stay where they are.

    One content is in memory at a time.
    """
    written: dict[Path, Path] = {}
    stored = []
    try:
        for source in sources:
            content = source.read_bytes()
            stored.append(StoredFile(hashlib.sha256(content).hexdigest(), len(content)))
            target = path_of(stored[-1].sha256)
            if not target.exists():
                handle, temporary = tempfile.mkstemp(dir=_incoming())
                written[Path(temporary)] = target
                with os.fdopen(handle, "wb") as stream:
                    stream.write(content)
        _give_names(written)
    except BaseException:
        for temporary_ in written:
            temporary_.unlink(missing_ok=True)
        raise
    return stored


def adopt_files(
    sources: Sequence[Path], *, note: Callable[[Sequence[str]], None]
) -> list[StoredFile]:
    """Each file has gone into the archive, on disk, under its digest; none is left where it was.

    `note` is told all digests before any file has its name in the archive. Files are read once, for their digest,
    and move by name where archive and sources lie on one file system.
    """
    stored = [StoredFile(digest_of(source), source.stat().st_size) for source in sources]
    note([one.sha256 for one in stored])
    here = _incoming().stat().st_dev
    if any(source.stat().st_dev != here for source in sources):
        store_files(sources)
    else:
        places = [(path_of(one.sha256), s) for s, one in zip(sources, stored, strict=True)]
        new = {target: source for target, source in places if not target.exists()}
        _give_names({source: target for target, source in new.items()})
    for source in sources:
        source.unlink(missing_ok=True)  # what was there already, or was copied
    return stored


@contextmanager
def partial_file(key: str) -> Iterator[Path]:
    """A path beside the archive for a file that is too large for memory; what is not kept is removed."""
    path = _partial(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def drop_partial(key: str) -> None:
    """What a worker that was killed had written under this key is gone."""
    _partial(key).unlink(missing_ok=True)


def keep_file(path: Path) -> StoredFile:
    """The partial file lies in the archive under its digest, on disk, without having been held in memory."""
    stored = StoredFile(sha256=digest_of(path), size=path.stat().st_size)
    target = path_of(stored.sha256)
    if not target.exists():
        _give_names({path: target})
    return stored


def discard(sha256: str) -> None:
    """The file is gone from the archive; only for what can be made again or must not be kept."""
    path_of(sha256).unlink(missing_ok=True)


def remove_folder(name: str) -> None:
    """The folder of this name below quarantine or work (`quarantine/…`, `work/…`) is gone with all it holds."""
    kind, _, own = name.partition("/")
    if kind not in ("quarantine", "work") or not own or "/" in own or own.startswith("."):
        raise ValueError("a folder of the portal is named quarantine/… or work/…")
    root = settings.QUARANTINE_DIR if kind == "quarantine" else settings.WORK_DIR
    shutil.rmtree(Path(root) / own, ignore_errors=True)


def _partial(key: str) -> Path:
    return Path(settings.ARCHIVE_DIR) / f".partial-{key}"


def read_bytes(sha256: str) -> bytes:
    """Return the content, verified.

    Raises
    ------
    DamagedFile
        When the file is missing or its content has another digest.
    """
    path = path_of(sha256)
    if not path.is_file():
        raise _missing(sha256)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _damaged(sha256)
    return content


def _missing(sha256: str) -> DamagedFile:
    sentence = f"The stored file {sha256[:12]}… is missing from the archive."
    return DamagedFile(Reason("file_missing", sentence))


def _damaged(sha256: str) -> DamagedFile:
    sentence = f"The stored file {sha256[:12]}… is damaged: its digest changed."
    return DamagedFile(Reason("file_damaged", sentence))


def verified_path(sha256: str) -> Path:
    """Where the file with this digest lies, its content verified now.

    Raises
    ------
    DamagedFile
        When the file is missing or its content has another digest.
    """
    path = path_of(sha256)
    if not path.is_file():
        raise _missing(sha256)
    if digest_of(path) != sha256:
        raise _damaged(sha256)
    return path


def digest_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()
