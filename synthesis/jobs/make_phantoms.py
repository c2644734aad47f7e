"""`python -m synthesis phantom`: write a simulated cohort as DICOM folders with cases.csv."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from tqdm import tqdm

from synthesis.data.cohort import FIRST_DATE, LAST_DATE, CohortRequest, write_cohort
from synthesis.data.scanner import SCANNERS


def main(arguments: Sequence[str]) -> int:
    """Write the cohort; return 0, or 2 with one sentence when the request cannot be met."""
    options = _parser().parse_args(arguments)
    try:
        request = CohortRequest(
            participants=options.participants,
            seed=options.seed,
            sites=tuple(site.strip() for site in options.sites.split(",") if site.strip()),
            first_date=options.first_date,
            last_date=options.last_date,
        )
        if options.progress_json:
            table = write_cohort(request, options.out, _print_progress)
        else:
            table = _write_with_bar(request, options.out)
    except (ValueError, FileExistsError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{table}\n")
    return 0


def _write_with_bar(request: CohortRequest, out: Path) -> Path:
    with tqdm(total=request.participants, desc="phantoms", unit="participant") as bar:

        def advance(done: int, _total: int) -> None:
            bar.update(done - bar.n)

        return write_cohort(request, out, advance)


def _print_progress(done: int, total: int) -> None:
    line = {"event": "progress", "stage": "phantoms", "done": done, "total": total}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m synthesis phantom", description=__doc__)
    parser.add_argument("--participants", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sites", default=",".join(SCANNERS), help="codes, separated by commas")
    parser.add_argument("--out", type=Path, required=True, help="folder to create")
    parser.add_argument("--first-date", type=date.fromisoformat, default=FIRST_DATE)
    parser.add_argument("--last-date", type=date.fromisoformat, default=LAST_DATE)
    parser.add_argument("--progress-json", action="store_true", help="JSON lines, no bar")
    return parser
