"""`python -m synthesis check FOLDER`: whether a release is whole and its weights fit its networks.

Made to be run on a release that somebody else made: digests, header and shapes are checked, nothing
is unpickled, and the process may take only so much memory, time and disk.
"""

from __future__ import annotations

import argparse
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

from synthesis.families.fit import require_fit
from synthesis.registry import ReleaseRefusedError, load_release

MIB, GIB = 1 << 20, 1 << 30
# Of address space, of which torch reserves several GiB; of processor; of any file it writes.
MEMORY, SECONDS, FILE = 12 * GIB, 90, MIB


def main(arguments: Sequence[str]) -> int:
    """Check; return 0 with the digest, or 2 with one sentence."""
    options = _parser().parse_args(arguments)
    limit_process()
    try:
        release = load_release(options.folder, options.digest or None)
        require_fit(release)
    except ReleaseRefusedError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{release.digest}\n")
    return 0


def limit_process() -> None:
    """Bound memory, processor time and files; a limit that is lower already is kept."""
    for kind, wanted in (
        (resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_FSIZE, FILE),
        (resource.RLIMIT_CORE, 0),
    ):  # fmt: skip
        _, hard = resource.getrlimit(kind)
        least = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (least, least))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m synthesis check", description=__doc__)
    parser.add_argument("folder", type=Path, help="a release: three files")
    parser.add_argument("--digest", default="", help="SHA-256 that the release must have")
    return parser
