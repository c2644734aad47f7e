"""The spool: files that came over the network, on disk before their sender is told so, until intake reads them.

One folder per batch (one DICOM association or one web request) below the folder of its site::

    spool/<site>/<batch id>/<SHA-256 of the file>     what was received
    spool/<site>/<batch id>/journal                   one JSON line per event; the last one says how the batch ended
    spool/<site>/ledger/<shard>                       which instance was received with which bytes, by keyed hash

No name of a file or folder comes from a sender. Nothing here asks the database, so a receiver needs none.
"""

import fcntl
import hashlib
import hmac
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from studyportal.core.durable import sync

_JOURNAL = "journal"
_LEDGER = "ledger"
_FORGOTTEN = b"-"
_KEY_DIGITS = 32  # 128 bits of the keyed hash tell instances apart


class Outcome(StrEnum):
    """What became of one received file."""

    STORED = "stored"
    SAME = "same"  # the same bytes lie here already
    CONFLICT = "conflict"  # other bytes lie here under the same instance UID, and stay


class Ending(StrEnum):
    """How a batch ended."""

    RELEASED = "released"
    BROKEN_OFF = "broken_off"


class NoRoom(OSError):
    """Too little room is left on the disk to take more files."""


@dataclass(frozen=True)
class Identity:
    """Which instance a file is, as keyed hashes, and the digest of its dataset."""

    instance_key: str
    series_key: str
    digest: str


@dataclass(frozen=True)
class ReceivedBatch:
    """A batch that takes no more files; `ending` is empty where its receiver was killed."""

    folder: Path
    site_code: str
    events: tuple[Mapping[str, str], ...]
    ending: str

    @property
    def files(self) -> list[Path]:
        """The received files, in the order in which they came."""
        kept = [path for path in self.folder.glob("[0-9a-f]*") if len(path.name) == 64]
        return sorted(kept, key=lambda path: (path.stat().st_mtime_ns, path.name))


def keyed(site_code: str, text: str) -> str:
    """Keyed hash of a UID at a site; the UID cannot be had back from it."""
    message = f"spool\n{site_code}\n{text}".encode()
    key = settings.DEIDENTIFICATION_KEY.encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:_KEY_DIGITS]


class Batch:
    """Takes the files of one association or request. Not for use by two threads at once.

    Its folder appears with the first event, so an echo leaves nothing behind.
    """

    def __init__(self, *, site_code: str, way: str, sender: str) -> None:
        self._site = site_code
        self._facts = {"way": way, "sender": sender}
        self.folder = _site_folder(site_code) / uuid.uuid4().hex
        self._ended = self._failed = False

    def look_up(self, identity: Identity) -> Outcome | None:
        """Whether this instance came before; None when it did not. What is found is noted in the journal."""
        with _shard(self._site, identity.instance_key) as shard:
            known = _last(shard, identity.instance_key)
        return self._noted(identity, known) if known else None

    def incoming(self) -> Path:
        """A place for a file that is being received.

        Raises
        ------
        NoRoom
            When less than `SPOOL_MIN_FREE_BYTES` is free.
        """
        self._open()
        if shutil.disk_usage(self.folder).free < settings.SPOOL_MIN_FREE_BYTES:
            raise NoRoom("the disk of the spool is nearly full")
        return self.folder / f".incoming-{uuid.uuid4().hex}"

    def settle(self, temporary: Path, identity: Identity, *, sha256: str) -> Outcome:
        """The file lies on disk under its digest, durably, or its instance is known already and it is gone."""
        try:
            with _shard(self._site, identity.instance_key) as shard:
                known = _last(shard, identity.instance_key)
                if known:
                    return self._noted(identity, known)
                # Named first, so that one commit of the file system's journal makes bytes and name durable together.
                # A crash in between leaves a name with other bytes, which the reader tells by its digest.
                temporary.rename(self.folder / sha256)
                sync(self.folder / sha256)
                sync(self.folder)
                _append(shard, identity)
        finally:
            temporary.unlink(missing_ok=True)
        return Outcome.STORED

    def note(self, event: str, **facts: str) -> None:
        """One line of the journal, on disk."""
        self._open()
        self._write({"event": event, **facts})

    def fail(self, why: str) -> None:
        """Something of it could not be kept, so that it counts as broken off however it ends."""
        self._failed = True
        with suppress(OSError):  # the disk may be the reason
            self.note("failed", why=why)

    def end(self, how: Ending) -> None:
        """The batch takes no more files; ending it again, and one that never began, changes nothing."""
        if not self._ended and self.folder.exists():
            self._write({"event": "ended", "how": Ending.BROKEN_OFF if self._failed else how})
        self._ended = True

    def _noted(self, identity: Identity, known: str) -> Outcome:
        outcome = Outcome.SAME if known == identity.digest else Outcome.CONFLICT
        facts = {"series": identity.series_key, "instance": identity.instance_key}
        if outcome == Outcome.CONFLICT:
            facts |= {"kept": known, "refused": identity.digest}
        self.note(outcome, **facts)
        return outcome

    def _open(self) -> None:
        if not self.folder.exists():
            self.folder.mkdir(parents=True)
            self._write({"event": "began", **self._facts})
            sync(self.folder.parent)

    def _write(self, line: Mapping[str, str]) -> None:
        at = {"at": f"{time.time():.3f}"}
        with (self.folder / _JOURNAL).open("a", encoding="utf-8") as journal:
            journal.write(json.dumps({**line, **at}) + "\n")
            journal.flush()
            if line["event"] != Outcome.SAME:  # losing one of these in a crash changes nothing
                os.fsync(journal.fileno())


@contextmanager
def sole_reader() -> Iterator[bool]:
    """Whether this process alone reads the spool now; False when another one does."""
    root = Path(settings.SPOOL_DIR)
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".reader").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def ended_batches() -> Iterator[ReceivedBatch]:
    """Batches that take no more files, oldest first.

    One without an ending counts as broken off once nothing was written to it for `SPOOL_ABANDONED_SECONDS`: its
    receiver was killed.
    """
    root = Path(settings.SPOOL_DIR)
    folders = [p for p in root.glob("*/*") if p.is_dir() and p.name != _LEDGER]
    for folder in sorted(folders, key=lambda path: path.stat().st_mtime_ns):
        batch = _read(folder)
        if batch.ending or _silent(folder):
            yield batch


def remove(batch: ReceivedBatch) -> None:
    """Nothing of the batch is left in the spool; what it received must have been moved before."""
    shutil.rmtree(batch.folder)


def forget(site_code: str, instance_keys: Iterable[str]) -> None:
    """Instances that were deleted can be sent anew, also with other bytes; nothing of them is left."""
    doomed = frozenset(instance_keys)
    for shard in sorted({key[:3] for key in doomed}):
        _overwrite(_site_folder(site_code) / _LEDGER / shard, lambda line: line[0] in doomed)


def forget_series(site_code: str, series_keys: Iterable[str]) -> None:
    """Nothing in the ledger tells any more that images of these series were received."""
    doomed = frozenset(series_keys) - {""}
    shards = sorted((_site_folder(site_code) / _LEDGER).glob("*")) if doomed else []
    for shard in shards:
        _overwrite(shard, lambda line: line[2:3] and line[2] in doomed)


def _overwrite(shard: Path, doomed: Callable[[list[str]], object]) -> None:
    """Lines that are doomed become dashes of the same length, so that readers never see half a file."""
    if not shard.is_file():
        return
    with shard.open("r+b") as content:
        fcntl.flock(content, fcntl.LOCK_EX)
        place = 0
        for line in content.read().splitlines(keepends=True):
            words = line.decode("ascii", "replace").split()
            if words and doomed(words):
                content.seek(place)
                content.write(_FORGOTTEN * len(line.rstrip(b"\n")))
            place += len(line)
        content.flush()
        os.fsync(content.fileno())


def known_digest(site_code: str, instance_key: str) -> str:
    """The digest under which an instance is known at the site; empty when it is not."""
    with _shard(site_code, instance_key) as shard:
        return _last(shard, instance_key)


def remember(site_code: str, identity: Identity) -> None:
    """The instance is known with its digest, unless it is known already."""
    with _shard(site_code, identity.instance_key) as shard:
        if not _last(shard, identity.instance_key):
            _append(shard, identity)


def _read(folder: Path) -> ReceivedBatch:
    events, ending = [], ""
    journal = folder / _JOURNAL
    lines = journal.read_text("utf-8").splitlines() if journal.is_file() else []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:  # the receiver was killed while it wrote this line
            continue
        events.append(event)
        ending = event["how"] if event["event"] == "ended" else ending
    return ReceivedBatch(folder, folder.parent.name, tuple(events), ending)


def _silent(folder: Path) -> bool:
    try:
        newest = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except FileNotFoundError:
        return False  # a file was there and is not: its receiver has just given it its name
    return time.time() - newest > settings.SPOOL_ABANDONED_SECONDS


def _site_folder(site_code: str) -> Path:
    if not site_code.isalnum() or not site_code.isascii():
        raise ValueError("the code of a site is letters and digits")
    return Path(settings.SPOOL_DIR) / site_code


@contextmanager
def _shard(site_code: str, instance_key: str) -> Iterator[BinaryIO]:
    """The part of the ledger for this instance, locked against other threads and processes."""
    folder = _site_folder(site_code) / _LEDGER
    folder.mkdir(parents=True, exist_ok=True)
    # 4096 shards a site: with a million instances each holds 250 lines, so looking one up stays quick.
    with (folder / instance_key[:3]).open("a+b") as shard:
        fcntl.flock(shard, fcntl.LOCK_EX)
        yield shard


def _last(shard: BinaryIO, instance_key: str) -> str:
    """The digest that the ledger holds for the instance; empty when none."""
    shard.seek(0)
    content = shard.read()
    at = content.rfind(instance_key.encode() + b" ")
    if at < 0:
        return ""
    return content[at:].split(b"\n", 1)[0].split(b" ")[1].decode()


def _append(shard: BinaryIO, identity: Identity) -> None:
    line = f"{identity.instance_key} {identity.digest} {identity.series_key}"
    # A line cut by a crash must not swallow the next one, so each begins on a line of its own.
    shard.write(f"\n{line}\n".encode())
    shard.flush()
