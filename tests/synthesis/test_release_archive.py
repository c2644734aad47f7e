"""Zips from elsewhere: only the files of a release come out of them, whatever they say they are."""

from __future__ import annotations

import io
import json
import re
import shutil
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from synthesis.registry import (
    CARD,
    DESCRIPTION,
    WEIGHTS,
    ReleaseRefusedError,
    load_release,
    read_heads,
    unpack_release,
)
from synthesis.registry import archive as archives
from tests.synthesis.makers import untrained_release

FILES = (DESCRIPTION, WEIGHTS, CARD)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("releases") / "untrained"
    untrained_release(path)
    return path


def zipped(folder: Path, change: Callable[[zipfile.ZipFile], None] = lambda _: None) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in FILES:
            archive.write(folder / name, name)
        change(archive)
    return stream


def refusal(stream: io.BytesIO, into: Path) -> str:
    """The sentence; nothing was left behind."""
    with pytest.raises(ReleaseRefusedError) as caught:
        unpack_release(stream, into)
    assert not into.exists()
    return str(caught.value)


def link(archive: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("LICENSE")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(entry, "/etc/passwd")


def test_a_zip_of_a_release_comes_out_as_it_went_in(folder: Path, tmp_path: Path) -> None:
    unpack_release(zipped(folder), tmp_path / "out")

    assert load_release(tmp_path / "out").digest == load_release(folder).digest
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(FILES)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("../release.toml", "no part of a release"),
        ("/etc/passwd", "no part of a release"),
        ("a/../../x", "no part of a release"),
        ("C:\\x", "no part of a release"),
        ("notes.txt", "no part of a release"),
        ("untrained/", "not the folder"),
        ("untrained/model.safetensors", "not the folder"),
        ("model.pt", "pickled weights can run code"),
        ("sub/weights.PKL", "pickled weights can run code"),
        ("model.ckpt", "pickled weights can run code"),
        ("models/model.pt", "pickled weights can run code"),
        ("bell\x07.txt", "“bell\\?.txt”"),
    ],
)
def test_a_file_more_is_refused_by_name(
    folder: Path, tmp_path: Path, name: str, sentence: str
) -> None:
    stream = zipped(folder, lambda archive: archive.writestr(name, b"x"))

    assert re.search(sentence, refusal(stream, tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    assert "is a link" in refusal(zipped(folder, link), tmp_path / "out")


def test_a_link_in_place_of_the_weights_is_refused(folder: Path, tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        entry = zipfile.ZipInfo(WEIGHTS)
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    assert "is a link" in refusal(stream, tmp_path / "out")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_comes_twice_is_refused(folder: Path, tmp_path: Path) -> None:
    stream = zipped(folder, lambda archive: archive.writestr(CARD, b"another"))
    assert "twice" in refusal(stream, tmp_path / "out")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder: Path, tmp_path: Path, name: str) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for other in FILES:
            if other != name:
                archive.write(folder / other, other)
    assert f"{name} is missing" in refusal(stream, tmp_path / "out")


def test_a_bomb_is_refused_before_it_is_unpacked(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / DESCRIPTION, DESCRIPTION)
        archive.write(folder / CARD, CARD)
        archive.writestr(WEIGHTS, bytes(16 << 20))
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("it was unpacked"))
    assert "times its size" in refusal(stream, tmp_path / "out")


def test_a_text_that_is_too_long_is_refused(folder: Path, tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.write(folder / DESCRIPTION, DESCRIPTION)
        archive.write(folder / WEIGHTS, WEIGHTS)
        archive.writestr(CARD, bytes((1 << 20) + 1))
    assert "at most 1 MiB" in refusal(stream, tmp_path / "out")


def test_a_file_that_is_longer_than_announced_is_cut_off(folder: Path, tmp_path: Path) -> None:
    """The directory says 10 bytes; the compressed bytes hold 5,000."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / DESCRIPTION, DESCRIPTION)
        archive.write(folder / WEIGHTS, WEIGHTS)
        archive.writestr(CARD, b"y" * 5000)
    content = stream.getvalue().replace(struct.pack("<L", 5000), struct.pack("<L", 10))
    assert refusal(io.BytesIO(content), tmp_path / "out")


def test_a_directory_of_many_entries_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(25):
            archive.writestr(str(number), b"")
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("it was read"))
    assert "lists 25 entries" in refusal(stream, tmp_path / "out")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "no zip"),
        (b"no zip at all, and long enough to be one", "no zip"),
        (b"PK\x05\x06" + bytes(18), "is missing"),
        (bytes(2) + b"PK\x06\x07" + bytes(16) + b"PK\x05\x06" + bytes(18), "64-bit"),
        (b"PK\x05\x06" + struct.pack("<4H2LH", 1, 1, 0, 0, 0, 0, 0), "several parts"),
    ],
)
def test_what_is_no_plain_zip_is_refused(content: bytes, sentence: str, tmp_path: Path) -> None:
    assert sentence in refusal(io.BytesIO(content), tmp_path / "out")


def test_something_behind_the_end_is_refused(folder: Path, tmp_path: Path) -> None:
    stream = io.BytesIO(zipped(folder).getvalue() + b"#!/bin/sh")
    assert "follows its end" in refusal(stream, tmp_path / "out")


def test_a_zip_above_the_limit_is_refused_by_its_size(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "LARGEST_ARCHIVE", 1000)
    assert "at most" in refusal(zipped(folder), tmp_path / "out")


def test_an_encrypted_file_is_refused(folder: Path, tmp_path: Path) -> None:
    content = bytearray(zipped(folder).getvalue())
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    assert "encrypted" in refusal(io.BytesIO(content), tmp_path / "out")


@pytest.mark.parametrize("where", [0.3, 0.6])
def test_a_damaged_zip_is_refused(folder: Path, tmp_path: Path, where: float) -> None:
    content = bytearray(zipped(folder).getvalue())
    content[int(len(content) * where)] ^= 255
    assert "damaged" in refusal(io.BytesIO(content), tmp_path / "out")


# the weights


def test_the_header_says_what_the_file_holds(folder: Path) -> None:
    heads = read_heads(folder / WEIGHTS)

    assert {head.format for head in heads.values()} == {"F32"}
    assert all(isinstance(side, int) for head in heads.values() for side in head.shape)


def test_a_pickle_by_another_name_is_refused(tmp_path: Path) -> None:
    for legacy in (True, False):
        path = tmp_path / WEIGHTS
        torch.save({"a": torch.zeros(2)}, path, _use_new_zipfile_serialization=not legacy)
        with pytest.raises(ReleaseRefusedError, match="pickled file by another name"):
            read_heads(path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda b: b[:-1],
        lambda b: b[:4],
        lambda b: b + b"x",
        lambda b: struct.pack("<Q", 2**40) + b[8:],
        lambda b: b[:8] + b"x" + b[9:],
        lambda _: header(a={"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}),
        lambda _: header(a={"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}),
        lambda _: header(a={"dtype": "X9", "shape": [1], "data_offsets": [0, 4]}),
        lambda _: header(
            a={"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
            b={"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
        ),
    ],
    ids=["cut", "stub", "longer", "endless header", "no JSON", "size", "negative", "format", "overlap"],
)  # fmt: skip
def test_weights_that_are_not_whole_are_refused(
    folder: Path, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / WEIGHTS
    path.write_bytes(spoil((folder / WEIGHTS).read_bytes()))
    with pytest.raises(ReleaseRefusedError, match="no whole safetensors file"):
        read_heads(path)


def header(**tensors: object) -> bytes:
    text = json.dumps(tensors).encode()
    return struct.pack("<Q", len(text)) + text + bytes(4)


def test_weights_of_no_tensor_are_refused(tmp_path: Path) -> None:
    (tmp_path / WEIGHTS).write_bytes(struct.pack("<Q", 2) + b"{}")
    with pytest.raises(ReleaseRefusedError, match="no tensor"):
        read_heads(tmp_path / WEIGHTS)


@pytest.mark.parametrize("name", ["../up", "a b", "", "x" * 81, "<b>"])
def test_a_name_that_could_be_a_path_or_a_page_is_refused(
    folder: Path, tmp_path: Path, name: str
) -> None:
    shutil.copytree(folder, tmp_path / "r")
    path = tmp_path / "r" / DESCRIPTION
    text = path.read_text("utf-8").replace('name = "untrained"', f'name = "{name}"')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReleaseRefusedError, match="name is no word"):
        load_release(tmp_path / "r")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[training]", "[other]\n[[training]]"),
        ('created = "2026-01-01"', "created = 1"),
        ('version = "0"', "version = 0"),
    ],
)
def test_a_description_of_other_kinds_is_refused(
    folder: Path, tmp_path: Path, old: str, new: str
) -> None:
    shutil.copytree(folder, tmp_path / "r")
    path = tmp_path / "r" / DESCRIPTION
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ReleaseRefusedError, match="malformed"):
        load_release(tmp_path / "r")


def test_looking_at_a_release_loads_no_torch() -> None:

    code = (
        "import sys, synthesis.registry as r; r.read_heads(r.packaged_releases()[0].weights);"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
