"""`python -m synthesis study STUDY.toml --out DIR`: train families alike and compare them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from synthesis.config import ConfigRefusedError, load_study
from synthesis.jobs.train_release import REFUSALS, Bar
from synthesis.study import StudyRun, result_of, write_result
from synthesis.study.cost import device_words
from synthesis.study.records import MeasurementRefusedError
from synthesis.training.world import joined


def main(arguments: Sequence[str]) -> int:
    """Run the study; return 0, or 2 with one sentence when something is refused."""
    options = _parser().parse_args(arguments)
    try:
        written = _run(options.study, options.out, tuple(options.only), options.images)
    except (*REFUSALS, MeasurementRefusedError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{written}\n")
    return 0


def _run(path: Path, out: Path, only: tuple[str, ...], images: int) -> Path:
    study = load_study(path)
    names = [run.release.name for run in study.runs]
    if unknown := sorted(set(only) - set(names)):
        raise ConfigRefusedError(f"--only {unknown[0]}: the study has {', '.join(names)}.")
    with joined() as world:
        if world.size > 1:
            raise ConfigRefusedError(
                "A study runs in one process; train the families with torchrun, or start one "
                "process for each with --only."
            )
        with Bar() as bar:
            run = StudyRun(study, out, world=world, report=bar)
            if images:
                run.make_images(images)
                return out / "images"
            finished = run.finish(only)
            if only:
                return out / "families"
            result = result_of(study, run.split, finished, device_words(world.device))
            write_result(result, run, out)
    return out / "table.md"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m synthesis study", description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of the study; goes on there"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME",
        help="train and measure this release alone and write no table; may be repeated, so that "
        "several processes share a study once its images are there",
    )  # fmt: skip
    parser.add_argument(
        "--images", type=int, default=0, metavar="PROCESSES",
        help="draw the cohort and make the images of all families, in that many processes, and stop",
    )  # fmt: skip
    return parser
