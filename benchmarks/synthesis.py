"""How long phantoms and a translation take: `python -m benchmarks.synthesis [--threads 1]`.

Prints medians of several runs; exits 1 when a stated target is missed, so it can serve as a gate.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from synthesis.contract import TranslationRequest
from synthesis.data import draw_participant, make_phantom, scanner_of, write_dicom
from synthesis.jobs import translate_series
from synthesis.registry import packaged_releases

TARGETS_S = {"phantom": 1.2, "translation of 64 slices": 1.5}


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measure(repeats: int) -> dict[str, float]:
    participant, scanner = draw_participant(3), scanner_of("SPH")
    release = packaged_releases()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pair = make_phantom(participant, scanner)
        write_dicom(pair, folder / "p")
        files = tuple(str(path) for path in sorted((folder / "p" / "CT").iterdir()))
        count = iter(range(1000))

        def translate() -> None:
            number = next(count)
            request = TranslationRequest(
                f"bench-{number}",
                str(release.folder),
                release.digest,
                files,
                str(folder / f"o{number}"),
            )
            result = translate_series.run(request)
            assert result.status == "succeeded", result.reason

        translate()  # loads the model
        return {
            "phantom": median_seconds(lambda: make_phantom(participant, scanner), repeats),
            "phantom as DICOM": median_seconds(
                lambda: write_dicom(pair, folder / f"d{next(count)}"), repeats
            ),
            "translation of 64 slices": median_seconds(translate, repeats),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    print(f"{platform.machine()}, {device}, {options.threads} thread(s), torch {torch.__version__}")
    missed = 0
    for name, seconds in measure(options.repeats).items():
        target = TARGETS_S.get(name)
        verdict = "" if target is None else f"  target {target} s"
        missed += target is not None and seconds > target
        print(f"{name:28s} {seconds:6.2f} s{verdict}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
