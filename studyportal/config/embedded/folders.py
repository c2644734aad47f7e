"""Folders of the embedded servers: whose they are, and whether a socket fits into them."""

import fcntl
import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The kernel allows 107 characters; PostgreSQL also writes a lock file beside its socket.
SOCKET_PATH_LIMIT = 100
# What stands unquoted in an address and on a command line.
ADDRESS_SAFE = re.compile(r"[A-Za-z0-9_./~+-]+")


class EmbeddedServiceError(RuntimeError):
    """An embedded server cannot be used; the sentence says what to do."""


@contextmanager
def sole_runner(var: Path) -> Iterator[None]:
    """Hold `var` for one running portal; a second one is refused with a sentence."""
    path = own_folder(var.resolve() / "run") / "portal.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            file.seek(0)
            raise EmbeddedServiceError(
                f"The portal already runs from {var} (process {file.read().strip() or 'unknown'}). "
                "Stop that one first, or set STUDYPORTAL_VAR to another folder."
            ) from busy
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def own_folder(folder: Path) -> Path:
    """Make the folder, or say whose it is."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        readable = os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    except OSError as refused:
        raise EmbeddedServiceError(
            f"{folder} cannot be made: {refused.strerror}. Set STUDYPORTAL_VAR to a folder you own."
        ) from refused
    if not readable:
        raise EmbeddedServiceError(
            f"{folder} belongs to another user. Run as that user, or set STUDYPORTAL_VAR to a folder you own."
        )
    return folder


def socket_folder(var: Path) -> Path:
    """Return where the Redis socket of `var` lives: below it, unless that path is too long or holds a space."""
    folder = var.resolve() / "run"
    if not can_hold_socket(folder):
        folder = private_temporary_folder() / digest(folder)
    return own_folder(folder)


def can_hold_socket(folder: Path) -> bool:
    longest = folder / ".s.PGSQL.5432.lock"
    return (
        len(os.fsencode(longest)) <= SOCKET_PATH_LIMIT
        and ADDRESS_SAFE.fullmatch(str(longest)) is not None
    )


def private_temporary_folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"studyportal-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise EmbeddedServiceError(
            f"{folder} belongs to another user. Remove it, or set TMPDIR to a folder you own."
        )
    return folder


def digest(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:10]


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
