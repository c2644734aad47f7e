"""What a synthetic PET shows that is not there: stray foci, and lesions that the CT has lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from evaluation.statistics import clustered_proportion, mean_interval
from synthesis.config import DomainConfig
from synthesis.data.pairs import PairCase
from synthesis.data.repainting import without_lesions
from synthesis.data.sources import PhantomSource
from synthesis.data.strays import stray_foci_of
from synthesis.training.checking import AVID_SUV

Images = Mapping[str, NDArray[np.float32]]
STRAYS, STAYED = "stray_foci", "removed_focus_stayed"
LUNG_LESION = "lesion:"
TAIL = 0.975  # of a two-sided 95 % interval
NOT_ESTIMABLE = float("nan")


def stray_count(case: PairCase, suv: NDArray[np.float32]) -> float | None:
    """Return the stray foci of SUV 2.5 or more in the lungs; None where no lung is found."""
    found = stray_foci_of(case, suv, AVID_SUV)
    return float(found.count) if found.lung_ml > 0 else None


def foci_that_stay(
    source: PhantomSource,
    case: PairCase,
    domain: DomainConfig,
    predict: Callable[[PairCase], Images],
) -> dict[str, list[bool]]:
    """Return by predictor, for every lung lesion taken out of the CT, whether its site is avid.

    The participant is simulated again without lung lesions. A site at which the PET simulated so
    reaches SUV 2.5 itself, for what lies beside it, is left out.
    """
    lesions = [
        case.foci == number
        for number, name in enumerate(case.focus_names, start=1)
        if name.startswith(LUNG_LESION)
    ]
    if not any(site.any() for site in lesions):
        return {}
    bare = without_lesions(source, case.participant, domain)
    sites = [site for site in lesions if site.any() and bare.suv[site].max() < AVID_SUV]
    return {
        name: [bool(suv[site].max() >= AVID_SUV) for site in sites]
        for name, suv in predict(bare).items()
    }


def stray_table(counts: Sequence[float]) -> dict[str, float | int]:
    """Return stray foci a participant with a 95 % interval.

    The wider of Student's t over participants, whose strays may come together, and the exact
    interval of a Poisson count, which is not of length zero where nothing was seen.
    """
    found = mean_interval(counts)
    low, high = poisson_interval(round(sum(counts)), len(counts))
    spread = (found.lower, found.upper)
    if spread[0] is None or spread[1] is None:
        low = high = NOT_ESTIMABLE
    else:
        low, high = max(min(low, spread[0]), 0.0), max(high, spread[1])
    value = NOT_ESTIMABLE if found.value is None else found.value
    return {
        STRAYS: value, f"{STRAYS}_low": low, f"{STRAYS}_high": high, "participants": len(counts),
    }  # fmt: skip


def poisson_interval(count: int, participants: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a rate (Garwood, Biometrika 1936;28:437)."""
    low = float(stats.chi2.ppf(1 - TAIL, 2 * count)) / 2 if count else 0.0
    high = float(stats.chi2.ppf(TAIL, 2 * count + 2)) / 2
    return low / participants, high / participants


def stayed_table(people: Mapping[str, Sequence[float]]) -> dict[str, float | int]:
    """Return the share of removed lesions that stay, with a 95 % interval over participants."""
    stayed = [round(sum(one)) for one in people.values()]
    found = clustered_proportion(stayed, [len(one) for one in people.values()])
    named = {"": found.value, "_low": found.lower, "_high": found.upper}
    return {
        **{f"{STAYED}{end}": NOT_ESTIMABLE if v is None else v for end, v in named.items()},
        "removed_foci": sum(len(one) for one in people.values()),
        "removed_participants": len(people),
    }
