"""`python -m synthesis distill CONFIG.toml --teacher RELEASE --data SOURCE --out DIR`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from synthesis.config import load_distillation
from synthesis.jobs.train_release import REFUSALS, Bar
from synthesis.jobs.translate_folder import find_release
from synthesis.registry import ReleaseRefusedError
from synthesis.training import distil
from synthesis.training.world import joined


def main(arguments: Sequence[str]) -> int:
    """Distil; return 0, or 2 with one sentence when something is refused."""
    options = _parser().parse_args(arguments)
    try:
        run, teacher = load_distillation(options.config), find_release(options.teacher)
        with joined() as world, Bar(hidden=not world.writes) as bar:
            release = distil(run, teacher, options.data, options.out, world=world, report=bar)
    except (*REFUSALS, ReleaseRefusedError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if release is not None:
        sys.stdout.write(f"{release.folder} {release.digest}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m synthesis distill", description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument(
        "--teacher", required=True, help="name of a packaged release, or a release's folder"
    )
    parser.add_argument("--data", required=True, help="what the teacher was trained on")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; goes on there")
    return parser
