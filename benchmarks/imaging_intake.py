"""From the first C-STORE to the last de-identified, checked and stored image, against Orthanc on the same disk.

    .venv/bin/python benchmarks/imaging_intake.py [--series 4 10] [--images 40] [--repetitions 3] [--senders storescu dcmsend]

Three sides take the same series in turns, sent by dcmtk, one association a series, one or five of them at a time:

* the portal: `manage.py receive`, with inbox and intake working beside it until every series is accepted;
* Orthanc, merely storing;
* Orthanc, storing and anonymising each series by its own REST interface (KeepSource false) once it is complete.

The seconds go from the first sender's start to the last image stored (portal: accepted; Orthanc: its answer). Every
patient is bound to a participant beforehand, so the inbox assigns by itself; the minute for which it waits whether more
of a series comes is left out. Processor time is that of the server with all its children, for the portal its database
too, sampled ten times a second. Medians of the repetitions; on a busy machine judge by ratios and processor time.
"""

import argparse
import os
import statistics
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import imaging_families as base
from intake_series import Templates
from intake_sides import OrthancSide, PortalSide, Taken

SENDERS = {"storescu": "/usr/bin/storescu", "dcmsend": "/usr/bin/dcmsend"}
SLICE = "ct_chest_siemens_lungdx_a0002/CT_B40f_soft"


@dataclass(frozen=True)
class Round:
    """One way of sending: the program, and how many associations at a time."""

    sender: str
    associations: int
    series: int


def measured(asked: argparse.Namespace) -> dict[tuple[Round, str], list[Taken]]:
    """What each side took, in turns, repetition by repetition."""
    source = min((asked.data / SLICE).iterdir())
    templates = Templates(source, base.VAR / "templates", images=asked.images)
    found: dict[tuple[Round, str], list[Taken]] = defaultdict(list)
    ways = list(zip(asked.associations, asked.series, strict=True))
    rounds = [Round(s, *way) for s in asked.senders for way in ways]
    with PortalSide(base.VAR, workers=asked.workers) as portal:
        sides = {
            "portal": portal,
            "Orthanc": OrthancSide(base.VAR / "orthanc", anonymise=False),
            "Orthanc, anonymised": OrthancSide(base.VAR / "orthanc", anonymise=True),
        }
        # A portal that has just started imports its readers with the first series; a sustained rate does not.
        portal.take(
            templates.series(2 * asked.workers, under=base.VAR / "sent"), SENDERS["dcmsend"], 2
        )
        templates.clear(base.VAR / "sent")
        for number in range(asked.repetitions):
            for one in rounds:
                for name, side in sides.items():
                    sent = templates.series(one.series, under=base.VAR / "sent")
                    program = SENDERS[one.sender]
                    found[one, name].append(side.take(sent, program, one.associations))
                    templates.clear(base.VAR / "sent")
            print(f"repetition {number + 1}, load {os.getloadavg()[0]:.1f}", flush=True)
        print(portal.looked_at(templates.told))
    return found


def median(taken: list[Taken], name: str) -> float:
    return statistics.median(getattr(one, name) for one in taken)


def table(found: dict[tuple[Round, str], list[Taken]], each: int) -> list[str]:
    """One row a round: images a second of each side with the range, ratios, processor milliseconds an image."""
    titles = (
        "| associations | sender | portal: received | portal: all stored | Orthanc: stored | Orthanc: stored, anonymised "
        "| ratio to stored | **ratio to anonymised** | processor ms an image: portal, Orthanc, Orthanc anonymised |"
    )
    lines = [titles, "|---|---|---|---|---|---|---|---|---|"]
    for one in dict.fromkeys(key[0] for key in found):
        sides = [found[one, name] for name in ("portal", "Orthanc", "Orthanc, anonymised")]
        images = each * one.series
        rates = [[images / taken.stored for taken in side] for side in sides]
        ours, stored, anonymised = (statistics.median(rate) for rate in rates)
        shown = [f"{statistics.median(r):.1f} ({min(r):.1f}-{max(r):.1f})" for r in rates]
        received = images / median(sides[0], "received")
        processor = ", ".join(f"{1000 * median(s, 'processor') / images:.1f}" for s in sides)
        lines.append(
            f"| {one.associations} | {one.sender} | {received:.1f} | {' | '.join(shown)} "
            f"| {ours / stored:.2f} | **{ours / anonymised:.2f}** | {processor} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--series", type=int, nargs="+", default=[4, 10], help="for each of --associations"
    )
    parser.add_argument("--images", type=int, default=40, help="in each series")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--associations", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--senders", nargs="+", choices=SENDERS, default=list(SENDERS))
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--data", type=Path, default=base.REPOSITORY.parent / "shared" / "data")
    asked = parser.parse_args()
    print(f"load of the machine {os.getloadavg()[0]:.1f}")
    base.call_command("migrate", verbosity=0, interactive=False)
    print("\n".join(table(measured(asked), asked.images)))


if __name__ == "__main__":
    try:
        with base.over_every_site("a benchmark sees the whole study"):
            main()
    finally:
        base.embedded.release_database(base.VAR)
        base.shutil.rmtree(base.VAR, ignore_errors=True)
