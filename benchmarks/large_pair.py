"""A CT and a PET as large as a hospital's, as DICOM: a simulated chest stretched to that size.

    python -m benchmarks.large_pair FOLDER [--ct 400] [--pet 300]

CT of 512 x 512 and PET of 200 x 200 pixels, with noise of 20 HU and 5 %, since noise is what does not shrink.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from evaluation.imaging import Grid, Volume
from synthesis.data import draw_participant, make_phantom, scanner_of
from synthesis.data.dicom_base import study_facts
from synthesis.data.dicom_ct import write_ct
from synthesis.data.dicom_files import DEFAULT_STUDY_DATE
from synthesis.data.dicom_pet import write_pet
from synthesis.data.phantom import PhantomPair

LENGTH_MM = 981.0
CT_EDGE_MM, PET_EDGE_MM = 0.977, 3.5
SEED = 3


def _small() -> PhantomPair:
    scanner = replace(
        scanner_of("SPH"), shape=(26, 96, 96), spacing_zyx_mm=(9.8, 400 / 96, 400 / 96)
    )
    return make_phantom(draw_participant(SEED), scanner)


def stretched(volume: Volume, shape: tuple[int, int, int], edge_mm: float) -> Volume:
    """The volume on a grid of this shape, centred in its planes, LENGTH_MM long."""
    factors = [new / old for new, old in zip(shape, volume.grid.shape, strict=True)]
    array = ndimage.zoom(volume.array, factors, order=1)
    corner = tuple(-edge_mm * (count - 1) / 2 for count in shape[:0:-1])
    grid = Grid(shape, (round(LENGTH_MM / shape[0], 3), edge_mm, edge_mm), (*corner, 0.0))
    return Volume(array, grid, volume.unit)


def large_pair(*, ct_slices: int, pet_slices: int) -> tuple[Volume, Volume]:
    """CT [z, 512, 512] in HU and PET [z, 200, 200] in SUV of one person, always the same."""
    made = _small()
    rng = np.random.default_rng(1)
    ct = stretched(made.ct, (ct_slices, 512, 512), CT_EDGE_MM)
    noise = rng.standard_normal(ct.array.shape, dtype=np.float32) * 20
    ct = Volume(np.rint(ct.array + noise).astype(np.float32), ct.grid, "HU")
    pet = stretched(made.pet, (pet_slices, 200, 200), PET_EDGE_MM)
    grain = 1 + 0.05 * rng.standard_normal(pet.array.shape, dtype=np.float32)
    return ct, Volume(np.abs(pet.array * grain), pet.grid, "SUVbw")


def write_large_pair(folder: Path, *, ct_slices: int, pet_slices: int) -> None:
    """`CT/` and `PET/` lie in the folder, one file a slice."""
    ct, pet = large_pair(ct_slices=ct_slices, pet_slices=pet_slices)
    facts = study_facts(draw_participant(SEED), scanner_of("SPH"), DEFAULT_STUDY_DATE)
    write_ct(ct, folder / "CT", facts)
    write_pet(pet, folder / "PET", facts, style=facts.scanner.style)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ct", type=int, default=400)
    parser.add_argument("--pet", type=int, default=300)
    asked = parser.parse_args()
    write_large_pair(asked.folder, ct_slices=asked.ct, pet_slices=asked.pet)


if __name__ == "__main__":
    main()
