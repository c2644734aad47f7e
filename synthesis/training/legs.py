"""The parts of a run, one after the other: a stage, or a stage on all participants but one fold."""

from __future__ import annotations

from dataclasses import dataclass

from synthesis.config import FamilyTrainingConfig
from synthesis.data.splits import ParticipantSplit, folds
from synthesis.families import Family

OUT_OF_FOLD = "segmentor"  # its maps guide a later stage, so nobody may get one that saw them


@dataclass(frozen=True, slots=True)
class Leg:
    """One training.

    Attributes
    ----------
    participants
        Those that are learned from.
    held
        Those who get their attention maps from what this leg learned; empty but for folds.
    """

    name: str
    stage: str
    participants: tuple[str, ...]
    held: tuple[str, ...] = ()


def legs_of(
    family: Family, split: ParticipantSplit, training: FamilyTrainingConfig
) -> tuple[Leg, ...]:
    """Return the legs of a run in their order.

    Raises
    ------
    ValueError
        When there are too few participants for out-of-fold maps.
    """
    legs = []
    for stage in family.stages:
        if stage == OUT_OF_FOLD:
            count = min(training.folds, len(split.train))
            for number, held in enumerate(folds(split.train, count, seed=training.seed)):
                others = tuple(name for name in split.train if name not in held)
                legs.append(Leg(f"{stage}-fold{number}", stage, others, held))
        legs.append(Leg(stage, stage, split.train))
    return tuple(legs)
