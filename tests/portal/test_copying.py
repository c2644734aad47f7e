"""Copies that are made side by side are those that one process makes, and a part that dies loses nothing."""

import hashlib
import os
from io import BytesIO
from pathlib import Path

import pydicom
import pytest

from studyportal.core.durable import sync_files
from studyportal.core.storage import (
    INCOMING,
    DamagedFile,
    adopt_files,
    path_of,
    read_bytes,
    store_bytes,
    store_files,
)
from studyportal.imaging.rules import DeidentificationKey, PseudonymContext, copying

CONTEXT = PseudonymContext.of_participant(
    participant_code="SPH-00007", site_code="SPH", key=DeidentificationKey(b"k" * 40)
)


class Watched:
    """Notes at which files the child was, and does not limit the process of the tests."""

    def __init__(self) -> None:
        self.at: list[int] = []

    def file(self, number: int, *, size: int) -> None:
        self.at.append(number)

    def whole(self) -> None: ...

    def unheard(self) -> "Watched":
        return self


@pytest.fixture
def two_processors(monkeypatch):
    monkeypatch.setattr(copying.os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(copying, "_FEWEST_FOR_A_PART", 3)


@pytest.fixture
def files(phantom) -> list[Path]:
    return sorted((phantom() / "CT").iterdir())[:7]


def made(files, folder: Path) -> tuple[list, list[bytes], list[int]]:
    folder.mkdir()
    watch = Watched()
    copies = copying.copies_of(files, folder=folder, context=CONTEXT, watch=watch)
    return copies, [path.read_bytes() for path in sorted(folder.iterdir())], watch.at


def test_parts_make_the_same_files_and_reports_as_one_process(
    files, tmp_path, two_processors, monkeypatch
):
    many, written, at = made(files, tmp_path / "parts")
    monkeypatch.setattr(copying, "_FEWEST_FOR_A_PART", 1000)
    one, alone, at_alone = made(files, tmp_path / "one")
    assert written == alone
    assert many == one
    assert (at, at_alone) == ([], [*range(7)])


def test_what_a_part_did_not_make_is_made_by_the_child_under_its_own_watch(
    files, tmp_path, two_processors, monkeypatch
):
    child, real = os.getpid(), copying.SeriesCleaner.clean

    def dying(cleaner, content):
        number = pydicom.dcmread(BytesIO(content)).InstanceNumber
        if os.getpid() != child and number in (4, 5):
            os._exit(9)
        return real(cleaner, content)

    monkeypatch.setattr(copying.SeriesCleaner, "clean", dying)
    copies, written, at = made(files, tmp_path / "parts")
    assert len(copies) == len(written) == 7
    assert 0 < len(at) < 7


def test_many_files_are_stored_each_under_its_digest_and_twins_once(tmp_path):
    for name, content in (("a", b"one"), ("b", b"two"), ("c", b"one")):
        (tmp_path / name).write_bytes(content)
    stored = store_files([tmp_path / name for name in "abc"])
    assert [read_bytes(one.sha256) for one in stored] == [b"one", b"two", b"one"]


def test_adopted_files_have_moved_after_their_digests_were_noted(tmp_path):
    for name, content in (("a", b"first"), ("b", b"second"), ("c", b"first")):
        (tmp_path / name).write_bytes(content)
    noted: list[str] = []

    def note(digests):
        noted.extend(digests)
        assert not any(path_of(digest).exists() for digest in digests)

    stored = adopt_files([tmp_path / name for name in "abc"], note=note)
    assert [one.sha256 for one in stored] == noted
    assert [read_bytes(one.sha256) for one in stored] == [b"first", b"second", b"first"]
    assert not list(tmp_path.glob("?"))


def test_a_file_has_its_name_on_disk_too(monkeypatch):
    flushed, real = [], os.fsync

    def noting(handle):
        flushed.append(Path(f"/proc/self/fd/{handle}").readlink())
        real(handle)

    monkeypatch.setattr(os, "fsync", noting)
    folder = path_of(store_bytes(b"kept with its name").sha256).parent.resolve()
    assert flushed[0].parent.name == INCOMING
    assert set(flushed[1:]) == {folder, folder.parent, folder.parent.parent}


def test_nothing_is_stored_when_one_file_cannot_reach_the_disk(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"never on the disk")

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store_files([tmp_path / "a"])
    digest = hashlib.sha256(b"never on the disk").hexdigest()
    with pytest.raises(DamagedFile):
        read_bytes(digest)
    with pytest.raises(OSError, match="No space"):
        sync_files([tmp_path / "a", tmp_path / "a"])
