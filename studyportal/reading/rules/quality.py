"""Quality of reading: pace, agreement of a reader with themselves, attention, the visual Turing test."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from evaluation.readers import VisualTuring, kappa, visual_turing
from evaluation.statistics import Comparison
from studyportal.reading.rules.answers import NEGATIVE, POSITIVE

# A pause longer than this is no reading: the clock of a case stands still meanwhile.
LONGEST_PAUSE = timedelta(seconds=90)
_CATEGORIES = (NEGATIVE, POSITIVE)


@dataclass(frozen=True)
class PairedCall:
    """The same unit of the same case in the same arm, read twice by one reader."""

    first: str
    second: str


@dataclass(frozen=True)
class Judged:
    """One answer of a visual Turing test: what the image was and what the reader said; None without an answer."""

    reader: str
    image: str
    synthetic: bool
    said_synthetic: bool | None


def seconds_between(last: datetime | None, now: datetime) -> float:
    """Seconds to add to the time of a case; nothing for a clock that went back, or for a long pause."""
    if last is None:
        return 0.0
    passed = now - last
    return passed.total_seconds() if timedelta(0) < passed <= LONGEST_PAUSE else 0.0


def washed_out(last: datetime | None, *, days: int, now: datetime) -> bool:
    """Whether enough days have passed since the reader last submitted this case, in whichever arm."""
    return last is None or now - last >= timedelta(days=days)


def self_agreement(pairs: Sequence[PairedCall]) -> Comparison:
    """Kappa of a reader with themselves over hidden repeats; units called neither way the one time are left out."""
    table = np.zeros((2, 2))
    for pair in pairs:
        if pair.first in _CATEGORIES and pair.second in _CATEGORIES:
            table[_CATEGORIES.index(pair.first), _CATEGORIES.index(pair.second)] += 1
    return kappa(table)


def turing_result(judged: Sequence[Judged], *, margin: float = 0.10) -> VisualTuring:
    """How well the readers tell synthetic images from real ones, with the test of equivalence to guessing.

    Raises
    ------
    ValueError
        When nothing was judged.
    """
    if not judged:
        raise ValueError("nothing was judged")
    return visual_turing(
        [float(one.synthetic) for one in judged],
        [np.nan if one.said_synthetic is None else float(one.said_synthetic) for one in judged],
        [one.reader for one in judged],
        [one.image for one in judged],
        margin=margin,
        correction="loglinear",
    )
