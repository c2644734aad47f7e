"""`python -m synthesis translate`: one CT folder to one synthetic PET folder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from synthesis.contract import TranslationRequest, TranslationResult
from synthesis.jobs import translate_series
from synthesis.jobs.serve_requests import limit_threads
from synthesis.registry import Release, ReleaseRefusedError, load_release, packaged_releases


def main(arguments: Sequence[str]) -> int:
    """Translate the folder; return 0, or 1 with one sentence."""
    options = _parser().parse_args(arguments)
    limit_threads()
    try:
        release = find_release(options.release)
    except ReleaseRefusedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    request = TranslationRequest(
        job_id=options.job_id or f"{options.out.name}-{release.digest[:12]}",
        release_dir=str(release.folder),
        release_sha256=release.digest,
        ct_files=tuple(str(p) for p in sorted(options.ct.rglob("*")) if p.is_file()),
        out_dir=str(options.out),
        seed=options.seed,
        device=options.device,
    )
    result = _run_with_bar(request)
    if result.status != "succeeded":
        sys.stderr.write(f"{result.reason}\n")
        return 1
    sys.stdout.write(result.to_json() + "\n")
    return 0


def find_release(name: str) -> Release:
    """Return a packaged release by name, or the release in a folder."""
    for release in packaged_releases():
        if release.name == name:
            return release
    if Path(name).is_dir():
        return load_release(Path(name))
    known = ", ".join(r.name for r in packaged_releases()) or "none"
    raise ReleaseRefusedError(f"No release {name!r}; packaged releases: {known}.")


def _run_with_bar(request: TranslationRequest) -> TranslationResult:
    with tqdm(unit="slice") as bar:

        def progress(done: int, total: int, stage: str) -> None:
            bar.set_description(stage)
            bar.total = total
            bar.update(done - bar.n)

        return translate_series.run(request, progress=progress)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m synthesis translate", description=__doc__)
    parser.add_argument("--ct", type=Path, required=True, help="folder with one CT series")
    parser.add_argument("--release", required=True, help="name of a packaged release, or a folder")
    parser.add_argument("--out", type=Path, required=True, help="folder to create")
    parser.add_argument("--job-id", default="", help="default: from the output folder's name")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    return parser
