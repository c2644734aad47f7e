"""What an output names as its origin: files by their content, libraries by their versions."""

import hashlib
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_LIBRARIES = ("studyportal", "numpy", "scipy", "numba", "pydicom", "nibabel", "SimpleITK")


def versions(libraries: Iterable[str] = _LIBRARIES) -> dict[str, str]:
    """Return the versions of the interpreter and the libraries that made the numbers."""
    found = {"python": platform.python_version()}
    for name in libraries:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed as a package"
    return found


def sha256_of(files: Iterable[Path]) -> str:
    """Return the SHA-256 of one file, or of the sorted SHA-256 of several; names play no part."""
    digests = sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(digests).encode("ascii")).hexdigest()
