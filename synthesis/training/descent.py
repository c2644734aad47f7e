"""Training that begins from a release: what must fit, and whom the child may not be tested on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from synthesis.config import (
    AdversarialConfig,
    CriticConfig,
    FamilyConfig,
    RecipeConfig,
    VoxelWeightsConfig,
)
from synthesis.data.splits import PARTS, LeakError, ParticipantSplit, require_no_leak
from synthesis.families import Family, fill_parts
from synthesis.registry import Learned, Lineage, Relation, Release, ReleaseRefusedError

# What a training may choose anew; everything else decides what the parent's weights mean.
OWN_SETTINGS = (RecipeConfig, AdversarialConfig, CriticConfig, VoxelWeightsConfig)


@dataclass(frozen=True, slots=True)
class Descent:
    """The verified release that a training begins from or learns from, and how."""

    parent: Release
    relation: Relation = "fine_tuned"

    @property
    def lineage(self) -> Lineage:
        """What the child's release states."""
        return Lineage(self.parent.digest, self.relation)


def learned_by(split: ParticipantSplit, descent: Descent | None) -> tuple[Learned, ...]:
    """Return whom a release of this split saw: its own participants and its ancestors'."""
    own = Learned.of(split.digest, train=split.train, validation=split.validation)
    before = () if descent is None else descent.parent.learned
    return (own, *(entry for entry in before if entry != own))


def require_unseen(split: ParticipantSplit, parent: Release) -> None:
    """Refuse to test a child on anybody whom its parent, or a parent of that, learned from.

    Raises
    ------
    LeakError
        When somebody in the test part was fitted or tuned on, somebody in the validation part was
        fitted on, or the parent does not say whom it learned from and its split was another one.
    """
    if not parent.learned:
        if parent.training.get("split_sha256") == split.digest:
            return
        raise LeakError(
            f"{parent.title} does not say whom it learned from, so nobody can be tested on who is "
            "known to be new to it; train it again with this version."
        )
    everyone = [name for part in PARTS for name in getattr(split, part)]
    fitted = [name for entry in parent.learned for name in entry.fitted(everyone)]
    require_no_leak(split, {f"parent {parent.title}": fitted})
    tuned = {name for entry in parent.learned for name in entry.tuned(split.test)}
    if tuned:
        raise LeakError(
            f"The parent {parent.title} was tuned on participant {min(tuned)}, who is in the test "
            "part."
        )


def saw_nobody(participants: tuple[str, ...], parent: Release) -> bool:
    """Whether the parent is known to have learned from none of these."""
    return bool(parent.learned) and not any(e.fitted(participants) for e in parent.learned)


def begin_from(family: Family, parent: Release) -> None:
    """Give the family the parent's weights; networks that a release does not hold begin anew.

    Raises
    ------
    ReleaseRefusedError
        When the parent differs in anything but recipes, losses and critic.
    """
    different = next(_differences(family.config, parent.config), None)
    if different is not None:
        raise ReleaseRefusedError(
            f"{parent.title} cannot be trained on: its {different} is not that of the "
            "configuration. Only recipes, losses and the critic may differ."
        )
    fill_parts(family, parent)
    family.networks.train().requires_grad_(requires_grad=True)


def _differences(own: FamilyConfig, parents: FamilyConfig) -> Iterator[str]:
    if own.family != parents.family:
        yield "family"
        return
    yield from _settings(own, parents, "")


def _settings(own: Any, parents: Any, where: str) -> Iterator[str]:
    for setting in fields(own):
        mine, theirs = getattr(own, setting.name), getattr(parents, setting.name)
        if isinstance(mine, OWN_SETTINGS) or mine == theirs:
            continue
        name = f"{where}{setting.name}"
        if is_dataclass(mine) and type(mine) is type(theirs):
            yield from _settings(mine, theirs, f"{name}.")
        else:
            yield name
