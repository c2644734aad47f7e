"""Zips of releases: judged from the central directory before a byte is unpacked; nothing in them runs.

A zip holds the three files of a release and nothing else, or is a bundle that was written here, of
which the same three files are read and the pickled copy of the weights is not.
"""

from __future__ import annotations

import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from synthesis.registry.release import (
    CARD,
    DESCRIPTION,
    WEIGHTS,
    Release,
    ReleaseRefusedError,
    load_release,
)

MIB = 1 << 20
LARGEST_ARCHIVE = 2048 * MIB
LARGEST = {DESCRIPTION: MIB, CARD: MIB, WEIGHTS: 2048 * MIB}
LARGEST_RATIO = 100  # deflate reaches 1032; text of a few kilobytes may reach 20
RATIO_FROM = 4 * MIB
MOST_ENTRIES = 24
LARGEST_DIRECTORY = 64 * 1024
PICKLED = frozenset({".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib", ".npy", ".npz"})
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

_END = struct.Struct("<4s4H2LH")  # the record that closes a zip, without its comment
_END_MARK, _LARGE_MARK = b"PK\x05\x06", b"PK\x06\x07"
_LARGE_LOCATOR = 20
_ENCRYPTED = 0x1
_PIECE = MIB


@dataclass(frozen=True, slots=True)
class Layout:
    """Which names an archive may hold: those that are read, and those that are left alone."""

    wanted: Mapping[str, str]  # name in the archive: name in the release
    left_alone: frozenset[str] = frozenset()


PLAIN = Layout({name: name for name in (DESCRIPTION, WEIGHTS, CARD)})
# Written by `python -m synthesis bundle`. model.pt is there because the format asks for it.
BUNDLE = Layout(
    {f"configs/{DESCRIPTION}": DESCRIPTION, f"models/{WEIGHTS}": WEIGHTS, "docs/README.md": CARD},
    frozenset({
        "LICENSE", "configs/metadata.json", "configs/inference.json", "configs/logging.conf",
        "models/model.pt", "configs/", "models/", "docs/",
    }),
)  # fmt: skip


def unpack_release(stream: IO[bytes], into: Path) -> None:
    """Write the three files of the release in a zip into a folder, which is made.

    Parameters
    ----------
    stream
        The zip, seekable.
    into
        A folder that does not exist; it is there whole or not at all.

    Raises
    ------
    ReleaseRefusedError
        When the zip holds anything else, is too large, or is damaged; the sentence says what.
    """
    _require_plain_end(stream)
    try:
        with zipfile.ZipFile(stream) as archive:
            wanted = _wanted(archive.infolist())
            into.mkdir(parents=True)
            for name, entry in wanted.items():
                with archive.open(entry) as source, (into / name).open("xb") as target:
                    _copy(source, target, entry)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        shutil.rmtree(into, ignore_errors=True)
        raise ReleaseRefusedError(f"The zip is damaged: {error}.") from error
    except ReleaseRefusedError:
        shutil.rmtree(into, ignore_errors=True)
        raise


def files_of(folder: Path) -> dict[str, Path]:
    """Return where the three files of a release lie in its folder, or in that of a bundle."""
    layout = BUNDLE if (folder / "configs" / DESCRIPTION).is_file() else PLAIN
    return {of: folder / name for name, of in layout.wanted.items()}


def load_bundle(folder: Path) -> Release:
    """Return the release in the folder of a bundle, every digest checked; model.pt is not read.

    Raises
    ------
    ReleaseRefusedError
        As for a release, when a file is missing or changed.
    """
    return load_release(folder, names={of: name for name, of in BUNDLE.wanted.items()})


def write_zip(files: Mapping[str, Path], stream: IO[bytes]) -> None:
    """Write files under these names; the same files give the same bytes."""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, path in sorted(files.items()):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            entry.file_size = path.stat().st_size
            with path.open("rb") as source, archive.open(entry, "w") as target:
                shutil.copyfileobj(source, target, _PIECE)


def _require_plain_end(stream: IO[bytes]) -> None:
    """Refuse what the zip says of itself at its end before the directory is read into memory."""
    size = stream.seek(0, 2)
    if size > LARGEST_ARCHIVE:
        raise ReleaseRefusedError(
            f"The zip has {size // MIB} MiB; at most {LARGEST_ARCHIVE // MIB} MiB are taken."
        )
    tail = min(size, _END.size + _LARGE_LOCATOR)
    stream.seek(size - tail)
    last = stream.read(tail)
    stream.seek(0)
    if len(last) < _END.size or not last[-_END.size :].startswith(_END_MARK):
        raise ReleaseRefusedError("This is no zip, or something follows its end.")
    if last[: -_END.size].startswith(_LARGE_MARK):
        raise ReleaseRefusedError("A zip of the 64-bit form is not taken; no release needs one.")
    _, disk, of_directory, _, entries, directory, _, _ = _END.unpack(last[-_END.size :])
    if disk or of_directory:
        raise ReleaseRefusedError("The zip is in several parts; send one.")
    if entries > MOST_ENTRIES or directory > LARGEST_DIRECTORY:
        raise ReleaseRefusedError(
            f"The zip lists {entries} entries; a release has {len(PLAIN.wanted)} files."
        )


def _wanted(entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    names = [entry.filename for entry in entries]
    layout = BUNDLE if f"configs/{DESCRIPTION}" in names else PLAIN
    if len(set(names)) < len(names):
        raise ReleaseRefusedError("The zip names a file twice.")
    for entry in entries:
        _require_expected(entry, layout)
    found = {entry.filename: entry for entry in entries}
    missing = [name for name in layout.wanted if name not in found]
    if missing:
        raise ReleaseRefusedError(f"The zip is no release: {missing[0]} is missing.")
    wanted = {of: found[name] for name, of in layout.wanted.items()}
    for name, entry in wanted.items():
        _require_size(name, entry)
    return wanted


def _require_expected(entry: zipfile.ZipInfo, layout: Layout) -> None:
    name = entry.filename
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ReleaseRefusedError(f"{_shown(name)} in the zip is a link or a device, not a file.")
    if name in layout.left_alone:
        return
    if PurePosixPath(name).suffix.lower() in PICKLED:
        raise ReleaseRefusedError(
            f"{_shown(name)} is refused: pickled weights can run code when they are read. "
            f"Save the tensors as {WEIGHTS}."
        )
    if name not in layout.wanted:
        raise ReleaseRefusedError(_unexpected(name))
    if entry.flag_bits & _ENCRYPTED:
        raise ReleaseRefusedError(f"{name} in the zip is encrypted.")
    if entry.compress_type not in METHODS:
        raise ReleaseRefusedError(f"{name} in the zip is neither stored nor deflated.")


def _unexpected(name: str) -> str:
    sentence = f"The zip holds {_shown(name)}, which is no part of a release."
    if PurePosixPath(name).name in PLAIN.wanted or name.endswith("/"):
        sentence += " Zip the three files themselves, not the folder."
    return sentence


def _require_size(name: str, entry: zipfile.ZipInfo) -> None:
    limit = LARGEST[name]
    if entry.file_size > limit:
        raise ReleaseRefusedError(
            f"{name} would have {entry.file_size // MIB} MiB; at most {limit // MIB} MiB are taken."
        )
    packed = max(entry.compress_size, 1)
    if entry.file_size > RATIO_FROM and entry.file_size / packed > LARGEST_RATIO:
        raise ReleaseRefusedError(
            f"{name} would unpack to {entry.file_size // packed} times its size; that is no file "
            "of a release."
        )


def _copy(source: IO[bytes], target: IO[bytes], entry: zipfile.ZipInfo) -> None:
    """Copy no more than the directory announced, whatever the compressed bytes hold."""
    left = entry.file_size
    while piece := source.read(min(_PIECE, left + 1)):
        left -= len(piece)
        if left < 0:
            raise ReleaseRefusedError(f"{entry.filename} is longer than the zip says.")
        target.write(piece)
    if left:
        raise ReleaseRefusedError(f"{entry.filename} is shorter than the zip says.")


def _shown(name: str) -> str:
    """Return a name that somebody else chose, short and printable."""
    plain = "".join(c if c.isprintable() else "?" for c in name)
    return f"“{plain[:80]}”"
