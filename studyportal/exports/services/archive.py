"""Zip archives whose bytes depend on their content alone."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path

# One fixed time in every entry, so that the same content gives the same bytes.
_MOMENT = (1980, 1, 1, 0, 0, 0)
SUMS = "SHA256SUMS"
_PIECE = 1 << 20


class SummedZip:
    """Writes entries one by one and keeps their digests; nothing but digests stays in memory."""

    def __init__(self, archive: zipfile.ZipFile, *, method: int = zipfile.ZIP_DEFLATED) -> None:
        self._archive = archive
        self._method = method
        self._lines: list[str] = []

    def add(self, name: str, body: bytes) -> dict[str, object]:
        """Write one entry; return its name, digest and size."""
        sha256 = hashlib.sha256(body).hexdigest()
        self._lines.append(f"{sha256}  {name}\n")
        self._write(name, body)
        return {"name": name, "sha256": sha256, "bytes": len(body)}

    def add_file(self, name: str, source: Path) -> dict[str, object]:
        """Write one entry from a file, piece by piece; return its name, digest and size."""
        digest = hashlib.sha256()
        with source.open("rb") as stream, self._archive.open(self._entry(name), "w") as target:
            while piece := stream.read(_PIECE):
                digest.update(piece)
                target.write(piece)
        self._lines.append(f"{digest.hexdigest()}  {name}\n")
        return {"name": name, "sha256": digest.hexdigest(), "bytes": source.stat().st_size}

    def add_folder(self, name: str, files: Iterable[tuple[str, bytes]]) -> dict[str, object]:
        """Write a folder's files; return its name, the digest of their lines in SHA256SUMS, its size and count."""
        lines = hashlib.sha256()
        count = size = 0
        for own, body in files:
            self.add(f"{name}/{own}", body)
            lines.update(self._lines[-1].encode())
            count, size = count + 1, size + len(body)
        return {"name": f"{name}/", "sha256": lines.hexdigest(), "bytes": size, "files": count}

    def close(self) -> None:
        """Write the list of digests, which ends the archive."""
        self._write(SUMS, "".join(self._lines).encode())

    def _write(self, name: str, body: bytes) -> None:
        self._archive.writestr(self._entry(name), body)

    def _entry(self, name: str) -> zipfile.ZipInfo:
        entry = zipfile.ZipInfo(name, _MOMENT)
        entry.compress_type = self._method
        entry.external_attr = 0o644 << 16
        return entry
