#!/usr/bin/env python3
"""What the screening measures on phantoms, with and without faults, and on the published pairs; and what it costs.

python -m benchmarks.screening [--phantoms 8] [--large]
"""

import argparse
import os
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from evaluation.imaging import Series, Volume, read_series, scan_folder
from evaluation.screening import PairScreening, screen_pair
from synthesis.data import PhantomPair, draw_participant, make_phantom, scanner_of

SITES = ("SPH", "SEH", "NB2", "NCU", "ZMU")
CASES = ("STS_002", "STS_003", "STS_008", "STS_024", "STS_025", "STS_035")
FIRST_SEED = 20


def phantoms(count: int) -> Iterator[tuple[int, PhantomPair]]:
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        yield seed, make_phantom(draw_participant(seed), scanner_of(SITES[seed % 5]))


def faulty(pair: PhantomPair) -> Iterator[tuple[str, Volume]]:
    """The PET with faults of known size."""
    pet = pair.pet
    yield "16 mm higher", Volume(np.roll(pet.array, 4, axis=0), pet.grid, pet.unit)
    yield "mirrored", Volume(pet.array[:, :, ::-1], pet.grid, pet.unit)
    x, y, z = pet.grid.origin_mm
    yield "20 mm aside", Volume(pet.array, replace(pet.grid, origin_mm=(x + 20, y, z)), pet.unit)


def published(folder: Path) -> Iterator[tuple[str, Series, Series]]:
    pairs = folder / "pet_ct_ge_sts_pairs"
    for case in CASES:
        yield case, only(pairs / case / "CT", "CT"), only(pairs / case / "PET", "PT")
    raw = folder / "pet_ct_ge_sts001_raw"
    yield "STS_001", read_series(raw / "CT_crop"), read_series(raw / "PT_raw_bqml")


def only(folder: Path, modality: str) -> Series:
    return read_series(scan_folder(folder).of_modality(modality)[0].files)


def large(pair: PhantomPair) -> tuple[Volume, Volume]:
    """CT and PET of a pair with as many voxels as a scanner makes: 288 slices of 512 and 192 squared."""
    ct, pet = finer(pair.ct, (4, 3, 3)), finer(pair.pet, (4, 2, 2))
    return ct.crop((slice(0, 288), slice(32, 544), slice(32, 544))), pet


def finer(volume: Volume, times: tuple[int, int, int]) -> Volume:
    array = volume.array
    for axis, k in enumerate(times):
        array = np.repeat(array, k, axis=axis)
    z, y, x = (edge / k for edge, k in zip(volume.grid.spacing_mm, times, strict=True))
    shape = (array.shape[0], array.shape[1], array.shape[2])
    return Volume(array, replace(volume.grid, shape=shape, spacing_mm=(z, y, x)), volume.unit)


def show(name: str, ct: Volume, pet: Volume) -> PairScreening:
    began = time.process_time()
    found = screen_pair(ct, pet)
    sys.stdout.write(f"{name}: {time.process_time() - began:.1f} s of processor\n")
    for check, one in found.items():
        numbers = ", ".join(f"{key} {value:.2f}" for key, value in one.values.items())
        sys.stdout.write(f"    {check}: {numbers or one.unchecked}\n")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phantoms", type=int, default=8)
    parser.add_argument("--large", action="store_true", help="only one pair of real size")
    options = parser.parse_args()
    if options.large:
        _, pair = next(phantoms(1))
        show("large pair", *large(pair))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        sys.stdout.write(f"peak {peak:.0f} MB\n")
        return 0
    for seed, pair in phantoms(options.phantoms):
        liver, blood = (pair.pet.array[pair.region(f"organ:{o}")] for o in ("liver", "blood_pool"))
        sys.stdout.write(f"phantom {seed}: liver {liver.mean():.2f}, blood {blood.mean():.2f}\n")
        show(f"phantom {seed}", pair.ct, pair.pet)
        for name, pet in faulty(pair):
            show(f"phantom {seed}, {name}", pair.ct, pet)
    folder = os.environ.get("STUDYPORTAL_REAL_DATA")
    for name, ct, pet in published(Path(folder)) if folder else ():
        show(name, ct.stored_volume(), pet.suv_volume())
    return 0


if __name__ == "__main__":
    sys.exit(main())
