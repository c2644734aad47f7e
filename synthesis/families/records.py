"""What families take and give: batches in physical units, losses by part, what they need."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import torch
from torch import Tensor

from synthesis.config import DomainConfig, VoxelWeightsConfig
from synthesis.contract import Cancelled, Progress
from synthesis.losses import voxel_weights


@dataclass(frozen=True, slots=True)
class Condition:
    """What is known before the PET, for n elements.

    Attributes
    ----------
    hu
        Source on the model's grid in HU: (n, slices, y, x), or (n, 1, z, y, x) for `3d`. None for
        the cascade, which makes the CT itself.
    kvp
        Tube voltage of each element; None where the CT does not say.
    demographics
        (n, 4): height in m, weight in kg, male (0 or 1), age in years; for the cascade.
    attention
        (n, 1, *space) from a segmentor that was not fitted on the same participant; without it
        the family's own segmentor is asked.
    index
        What each element is, the number of its slice say: its noise depends on it.
    """

    hu: Tensor | None = None
    kvp: tuple[float | None, ...] = ()
    demographics: Tensor | None = None
    attention: Tensor | None = None
    index: tuple[int, ...] = ()

    def to(self, device: torch.device) -> Condition:
        """Return the same on a device."""
        return replace(self, **_moved(self, device))

    def pinned(self, device: torch.device) -> Condition:
        """Return the same in memory from which CUDA copies without waiting; else as it is."""
        if device.type != "cuda":
            return self
        tensors = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{k: v.pin_memory() for k, v in tensors.items() if _on_cpu(v)})

    def __len__(self) -> int:
        """Return the number of elements."""
        first = self.hu if self.hu is not None else self.demographics
        return 0 if first is None else len(first)

    @property
    def places(self) -> tuple[int, ...]:
        """The index of each element; 0, 1, ... where none was given."""
        return self.index or tuple(range(len(self)))


@dataclass(frozen=True, slots=True)
class Batch:
    """Pairs for training, on the model's grid.

    Attributes
    ----------
    suv
        (n, 1, *space) in g/ml.
    lesion, body
        Masks (0 or 1) of the same shape; a lesion mask may hold weights (`lesion_weights`).
    importance
        Multiplies the weight of each voxel, by organ say; None for 1 everywhere.
    """

    condition: Condition
    suv: Tensor
    lesion: Tensor
    body: Tensor
    importance: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """Return the same on a device."""
        return replace(self, condition=self.condition.to(device), **_moved(self, device))

    def weights(self, code: Tensor, config: VoxelWeightsConfig) -> Tensor:
        """Return the weight of each voxel, given the target's code."""
        weights = voxel_weights(
            code,
            self.lesion,
            self.body,
            lesion_weight=config.lesion,
            uptake_weight=config.uptake,
            background_weight=config.background,
        )
        return weights if self.importance is None else weights * self.importance


def _on_cpu(value: object) -> bool:
    return isinstance(value, Tensor) and value.device.type == "cpu"


def _moved(record: Condition | Batch, device: torch.device) -> dict[str, Any]:
    values = {f.name: getattr(record, f.name) for f in fields(record)}
    return {k: v.to(device, non_blocking=True) for k, v in values.items() if isinstance(v, Tensor)}


@dataclass(frozen=True, slots=True)
class Losses:
    """What one step costs.

    Attributes
    ----------
    totals
        By part (`Family.parts`): backward through it reaches that part's networks only, so the
        trainer may descend them in any order.
    shown
        Single terms as tensors without gradient, for the curves.
    """

    totals: dict[str, Tensor] = field(default_factory=dict)
    shown: dict[str, Tensor] = field(default_factory=dict)

    def with_all(self, other: Losses) -> Losses:
        """Return both together."""
        return Losses({**self.totals, **other.totals}, {**self.shown, **other.shown})


@dataclass(frozen=True, slots=True)
class Spec:
    """What a family takes and gives, for whoever runs it.

    Attributes
    ----------
    outputs
        Meaning of the channels that `sample` returns: `suv` codes, `hu` codes, or colours.
    needs
        Fields of the condition that must be there.
    multiple
        Every side of the images must be a multiple of this.
    stochastic
        Another seed gives another sample; several samples make sense.
    evaluations
        Network evaluations when none are asked for; of each stage, for the cascade.
    """

    family: str
    domain: DomainConfig
    outputs: tuple[str, ...]
    needs: tuple[str, ...]
    multiple: int
    stochastic: bool
    evaluations: int
    parameters: int
    parts_in_release: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draw:
    """One sample that is wanted; `evaluations` None is the configured number."""

    seed: int
    sample: int
    evaluations: int | None
    progress: Progress
    cancelled: Cancelled


class ConditionRefusedError(ValueError):
    """The condition lacks what this family needs, or asks for what it cannot give."""


def shown(**terms: Tensor) -> dict[str, Tensor]:
    """Return terms without their gradient."""
    return {name: term.detach() for name, term in terms.items()}


def centre_slice(hu: Tensor) -> Tensor:
    """Return (n, 1, *space): the slice that is translated, of (n, slices, *space)."""
    middle = hu.shape[1] // 2
    return hu[:, middle : middle + 1]


def source_of(condition: Condition) -> Tensor:
    """Return the source; refuse a condition without one."""
    if condition.hu is None:
        raise ConditionRefusedError("The condition holds no source image.")
    return condition.hu
