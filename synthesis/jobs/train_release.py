"""`python -m synthesis train CONFIG.toml --out DIR`: train a release on simulated participants."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from synthesis.config import ConfigRefusedError, load_config
from synthesis.training import train


def main(arguments: Sequence[str]) -> int:
    """Train; return 0, or 2 with one sentence when the configuration is refused."""
    parser = argparse.ArgumentParser(prog="python -m synthesis train", description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder of cases, curves, release")
    options = parser.parse_args(arguments)
    try:
        config = load_config(options.config)
    except (ConfigRefusedError, FileNotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with tqdm() as bar:

        def report(stage: str, done: int, total: int) -> None:
            if done == 1 or bar.total != total:
                bar.reset(total)
                bar.set_description(stage)
            bar.update(done - bar.n)

        outcome = train(config, options.out, report=report)
    sys.stdout.write(f"{outcome.release.folder} {outcome.release.digest}\n")
    return 0
