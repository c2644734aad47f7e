"""Write-once files addressed by their SHA-256 and verified whenever they are read."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from studyportal.core.errors import Reason, Refused

_CHUNK = 1 << 20


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
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".incoming-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).chmod(0o440)
            Path(temporary).rename(target)  # same folder, so the rename is atomic
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    return StoredFile(sha256=sha256, size=len(content))


def store_file(source: Path) -> StoredFile:
    """The file's content lies in the archive; the source stays where it is."""
    return store_bytes(source.read_bytes())


def read_bytes(sha256: str) -> bytes:
    """Return the content, verified.

    Raises
    ------
    DamagedFile
        When the file is missing or its content has another digest.
    """
    path = path_of(sha256)
    if not path.is_file():
        raise DamagedFile(
            Reason("file_missing", f"The stored file {sha256[:12]}… is missing from the archive.")
        )
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DamagedFile(
            Reason(
                "file_damaged", f"The stored file {sha256[:12]}… is damaged: its digest changed."
            )
        )
    return content


def verified_path(sha256: str) -> Path:
    """Where the file with this digest lies, its content verified now.

    Raises
    ------
    DamagedFile
        When the file is missing or its content has another digest.
    """
    path = path_of(sha256)
    if not path.is_file() or digest_of(path) != sha256:
        read_bytes(sha256)  # says what is wrong with it
    return path


def digest_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()
