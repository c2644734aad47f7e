"""How many stray foci a second acquisition shows: the floor of the release gate's GATE-06.

Each simulated participant is acquired twice; the noise of the PET differs and nothing else does.
The second PET is judged as a synthetic one would be. Run `python -m benchmarks.stray_foci_of_noise`.
"""

import argparse
from dataclasses import replace
from unittest.mock import patch

import numpy as np

from synthesis.config import DomainConfig, preset
from synthesis.data import phantom
from synthesis.data.pairs import PairCase, make_pair_case
from synthesis.data.sources import PhantomSource
from synthesis.data.strays import stray_foci_of
from synthesis.training.checking import AVID_SUV

OTHER_NOISE = 9999
ADD_NOISE = phantom.add_noise


def acquired_twice(
    source: PhantomSource, participant: str, domain: DomainConfig
) -> tuple[PairCase, PairCase]:
    """Return both acquisitions on the model's grid.

    Raises
    ------
    RuntimeError
        When the two do not differ.
    """
    again = np.random.default_rng([int(participant), OTHER_NOISE])
    first = make_pair_case(source.pair(participant), domain)
    with patch.object(phantom, "add_noise", lambda suv, _rng, **how: ADD_NOISE(suv, again, **how)):
        second = make_pair_case(source.pair(participant), domain)
    if np.array_equal(first.suv, second.suv):
        raise RuntimeError("The second acquisition equals the first.")
    return first, second


def main() -> None:
    """Print stray foci of the second acquisition, and the avid lung lesions of the first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--participants", type=int, default=20)
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--spacing", type=float, nargs=3, default=(4.0, 4.17, 4.17))
    given = parser.parse_args()
    z, y, x = given.spacing
    domain = replace(preset("baseline", "paper").domain, spacing_zyx_mm=(z, y, x))
    source = PhantomSource(given.participants, given.seed, domain.spacing_zyx_mm)
    strays = avid = 0
    for participant in source.sites:
        first, second = acquired_twice(source, participant, domain)
        strays += stray_foci_of(first, second.suv.astype(np.float32), AVID_SUV).count
        avid += sum(
            bool(first.suv[first.foci == n].max(initial=0) >= AVID_SUV)
            for n, name in enumerate(first.focus_names, start=1)
            if name.startswith("lesion:")
        )
    print(
        f"{source.spec} at {domain.spacing_zyx_mm} mm: {strays} stray foci, {avid} avid lung lesions, "
        f"{given.participants} participants"
    )


if __name__ == "__main__":
    main()
