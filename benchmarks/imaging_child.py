"""What the child that reads received files spends of its processor on an image, question by question.

    .venv/bin/python benchmarks/imaging_child.py [--images 200] [--data ../shared/data] [--profile]

The child's own code in this process, on one processor, so no parts are forked and nothing waits: a CT of one published
slice at as many places, and the published raw PET of 267 slices. Needs neither database nor settings.
"""

import argparse
import cProfile
import os
import pstats
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from intake_series import Templates

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from studyportal.imaging.rules import reading  # noqa: E402 the path is named first

KEY, SITE = "k" * 40, "SPH"
PERSON = {"participant_code": "SPH-00001", "site_code": SITE, "key": KEY}
ENTERED = {"weight_kg": None, "dose_bq": None, "tracer": None}


class Unwatched:
    """Sets no limits: this process is not the child."""

    def file(self, number: int, *, size: int) -> None: ...

    def whole(self) -> None: ...

    def unheard(self) -> "Unwatched":
        return self


def spent(ask: Callable[[], dict[str, object]], images: int, *, profile: bool) -> float:
    """Processor milliseconds an image."""
    with cProfile.Profile() if profile else nullcontext() as profiler:
        begun = time.process_time()
        ask()
        used = time.process_time() - begun
    if profiler is not None:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(20)
    return 1000 * used / images


def measured(files: list[Path], out: Path, *, profile: bool) -> list[float]:
    out.mkdir()
    questions = reading.handlers(Unwatched())
    named = [str(path) for path in files]
    asked = {
        "headlines": {"files": named, "site_code": SITE, "key": KEY},
        "groups": {"files": named, "site_code": SITE, "key": KEY},
        "read": {"files": named, "entries": ENTERED, **PERSON},
        "deidentify": {"out": str(out), "entries": ENTERED, **PERSON},
    }
    return [
        spent(lambda name=name, said=said: questions[name](said), len(files), profile=profile)
        for name, said in asked.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        slice_ = min((asked.data / "ct_chest_siemens_lungdx_a0002/CT_B40f_soft").iterdir())
        made = Templates(slice_, folder / "templates", images=asked.images)
        (ct,) = made.series(1, under=folder / "sent")
        series = {
            "CT, 0.5 MB": sorted(ct.folder.iterdir()),
            "PET, 0.04 MB": sorted((asked.data / "pet_ct_ge_sts001_raw/PT_raw_bqml").iterdir()),
        }
        print(f"load of the machine {os.getloadavg()[0]:.1f}; processor ms an image")
        print(
            "| series | headlines | groups | read | deidentify | together |\n|---|---|---|---|---|---|"
        )
        for number, (name, files) in enumerate(series.items()):
            each = measured(files, folder / f"out-{number}", profile=asked.profile)
            cells = " | ".join(f"{one:.2f}" for one in (*each, sum(each)))
            print(f"| {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
