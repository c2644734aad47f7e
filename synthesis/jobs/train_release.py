"""`python -m synthesis train CONFIG.toml --data SOURCE --out DIR`: train a release of any family."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from tqdm import tqdm

from synthesis.config import ConfigRefusedError, load_family_run
from synthesis.contract import RefusedError
from synthesis.data.pairs import PairRefusedError
from synthesis.data.source import SourceRefusedError
from synthesis.data.splits import LeakError, SplitRefusedError
from synthesis.families import ConditionRefusedError
from synthesis.registry import Release, ReleaseRefusedError, load_release
from synthesis.training import train_family
from synthesis.training.checkpoint import CheckpointRefusedError
from synthesis.training.stage import TrainingBrokeError
from synthesis.training.world import joined

REFUSALS = (
    ConfigRefusedError, FileNotFoundError, SourceRefusedError, PairRefusedError, LeakError,
    SplitRefusedError, CheckpointRefusedError, ConditionRefusedError, RefusedError,
    TrainingBrokeError, ReleaseRefusedError,
)  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Train; return 0, or 2 with one sentence when something is refused."""
    options = _parser().parse_args(arguments)
    try:
        release = _trained(options)
    except REFUSALS as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if release is not None:
        sys.stdout.write(f"{release.folder} {release.digest}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m synthesis train", description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument(
        "--data",
        required=True,
        help="phantom:PARTICIPANTS[:SEED], a folder of participants' folders, or a zip of one",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; goes on there")
    parser.add_argument(
        "--from",
        dest="parent",
        type=Path,
        help="folder of a release of the same networks, whose weights the training begins with",
    )
    return parser


def _trained(options: argparse.Namespace) -> Release | None:
    run = load_family_run(options.config)
    parent = load_release(options.parent) if options.parent else None
    with joined() as world, Bar(hidden=not world.writes) as bar:
        return train_family(run, options.data, options.out, world=world, report=bar, parent=parent)


class Bar(AbstractContextManager["Bar"]):
    """A progress bar that begins anew with every stage."""

    def __init__(self, *, hidden: bool = False) -> None:
        self._bar = tqdm(disable=hidden)

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage is."""
        if done <= 1 or self._bar.total != total:
            self._bar.reset(total)
            self._bar.set_description(stage)
        self._bar.update(done - self._bar.n)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the bar."""
        self._bar.close()
