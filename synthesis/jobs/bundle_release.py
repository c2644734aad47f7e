"""`python -m synthesis bundle RELEASE --out DIR`: a release as a MONAI bundle."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from synthesis.inference.bundle import write_bundle
from synthesis.jobs.translate_folder import find_release
from synthesis.registry import ReleaseRefusedError


def main(arguments: Sequence[str]) -> int:
    """Write the bundle; return 0, or 2 with one sentence."""
    options = _parser().parse_args(arguments)
    try:
        folder = write_bundle(find_release(options.release), options.out)
    except ReleaseRefusedError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{folder}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m synthesis bundle", description=__doc__)
    parser.add_argument("release", help="name of a packaged release, or a folder")
    parser.add_argument("--out", type=Path, required=True, help="folder to create")
    return parser
