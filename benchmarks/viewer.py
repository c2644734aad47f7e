"""What the viewer of a 300-slice pair costs: size on the wire, seconds to make and to unpack each volume.

python -m benchmarks.viewer [--slices N] [--megabit M]

CT of 512 x 512 and PET of 200 x 200 pixels: a simulated chest stretched to that size, with noise of 20 HU and 5 %,
since noise is what does not shrink. The first picture is the smaller of the quick CT and the PET. Seconds are those
of the processor, so that other work on the machine does not count.
"""

import argparse
import gzip
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import ndimage

from evaluation.imaging import Grid, Volume
from studyportal.imaging.rules import coarser, coded, rotating_projections
from synthesis.data import draw_participant, make_phantom, scanner_of

TARGET_S = 2.0
SLICE_MM = 3.27


def stretched(volume: Volume, shape: tuple[int, int, int], edge_mm: float) -> Volume:
    factors = [new / old for new, old in zip(shape, volume.grid.shape, strict=True)]
    array = ndimage.zoom(volume.array, factors, order=1)
    return Volume(array, Grid(shape, (SLICE_MM, edge_mm, edge_mm)), volume.unit)


def pair(slices: int) -> tuple[Volume, Volume]:
    scanner = scanner_of("SPH")
    small = replace(scanner, shape=(26, 96, 96), spacing_zyx_mm=(9.8, 400 / 96, 400 / 96))
    made = make_phantom(draw_participant(3), small)
    rng = np.random.default_rng(1)
    ct = stretched(made.ct, (slices, 512, 512), 0.977)
    noise = rng.standard_normal(ct.array.shape, dtype=np.float32) * 20
    ct = Volume(np.rint(ct.array + noise).astype(np.float32), ct.grid, "HU")
    pet = stretched(made.pet, (slices, 200, 200), 3.5)
    grain = 1 + 0.05 * rng.standard_normal(pet.array.shape, dtype=np.float32)
    return ct, Volume(np.abs(pet.array * grain), pet.grid, "SUVbw")


def processor_seconds(work: Callable[[], object]) -> tuple[object, float]:
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--megabit", type=float, default=1000.0, help="of the local network")
    options = parser.parse_args()
    ct, pet = pair(options.slices)
    works = {
        "quick CT": lambda: coded(coarser(ct, edge_mm=3.0), step=4.0),
        "PET": lambda: coded(pet),
        "projections": lambda: coded(rotating_projections(pet).values),
        "CT": lambda: coded(ct),
    }
    print(f"{'volume':12} {'raw MB':>8} {'sent MB':>8} {'make s':>8} {'send s':>8} {'unpack s':>8}")
    shown = {}
    for name, work in works.items():
        volume, seconds = processor_seconds(work)
        raw, unpacking = processor_seconds(lambda v=volume: gzip.decompress(v.content))
        sending = len(volume.content) * 8e-6 / options.megabit
        shown[name] = sending + unpacking
        print(
            f"{name:12} {len(raw) / 1e6:8.1f} {len(volume.content) / 1e6:8.1f} {seconds:8.1f} "
            f"{sending:8.2f} {unpacking:8.2f}"
        )
    first = min(shown["quick CT"], shown["PET"])
    verdict = "met" if first < TARGET_S else "missed"
    print(f"first volume sent and unpacked after {first:.2f} s; target {TARGET_S:g} s {verdict}")


if __name__ == "__main__":
    main()
