"""Which participants train, which tune, which test; nobody is in two."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from synthesis.config import CohortConfig
from synthesis.data.splits import LeakError


@dataclass(frozen=True, slots=True)
class Split:
    """Seeds of the simulated participants in each part."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse a split in which a participant would be both learned from and tested on."""
        parts = (self.train, self.validation, self.test)
        everyone = [seed for part in parts for seed in part]
        twice = sorted({seed for seed in everyone if everyone.count(seed) > 1})
        if twice:
            raise LeakError(f"Participant {twice[0]} is in more than one part of the split.")

    @property
    def digest(self) -> str:
        """SHA-256 of the split, for the release's description."""
        text = ";".join(",".join(map(str, p)) for p in (self.train, self.validation, self.test))
        return hashlib.sha256(text.encode()).hexdigest()


def split_of(cohort: CohortConfig) -> Split:
    """Return the split of a cohort: consecutive seeds, first training, then validation, test."""
    first = cohort.seed * 1_000_000
    ends = (
        first + cohort.train,
        first + cohort.train + cohort.validation,
        first + cohort.train + cohort.validation + cohort.test,
    )
    return Split(
        train=tuple(range(first, ends[0])),
        validation=tuple(range(ends[0], ends[1])),
        test=tuple(range(ends[1], ends[2])),
    )
