"""What every family takes and gives: batches in physical units, losses by part, samples in codes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from synthesis.config import DomainConfig, FamilyConfig, RecipeConfig, VoxelWeightsConfig
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


class Family(ABC):
    """One system: its networks, how a step costs, and how a sample is made.

    `networks` holds everything by name; `parts` says which of them each stage trains.
    """

    stages: tuple[str, ...]  # trained one after the other, or together
    config: FamilyConfig

    def __init__(self, networks: dict[str, nn.Module]) -> None:
        self.networks = nn.ModuleDict(networks)

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.networks.parameters()).device

    @abstractmethod
    def parts(self, stage: str) -> tuple[str, ...]:
        """Return the networks that a stage trains; each has an optimiser and a total of its own."""

    @abstractmethod
    def recipe(self, stage: str) -> RecipeConfig:
        """Return how a stage is trained."""

    @abstractmethod
    def spec(self) -> Spec:
        """Return what the family takes and gives."""

    def fit_step(
        self,
        batch: Batch,
        generator: torch.Generator,
        *,
        step: int = 0,
        stages: Sequence[str] | None = None,
    ) -> Losses:
        """Return the losses of a batch.

        Parameters
        ----------
        batch
            On the networks' device.
        generator
            On the CPU; all noise and all times come from it, so a state resumes exactly.
        step
            Steps made before; some terms begin later.
        stages
            Those to train; all of them together by default.
        """
        losses = Losses()
        for stage in self.stages if stages is None else stages:
            if stage not in self.stages:
                raise ValueError(f"{self.config.family} has no stage {stage!r}.")
            losses = losses.with_all(self._fit(stage, batch, generator, step))
        return losses

    @abstractmethod
    def _fit(self, stage: str, batch: Batch, generator: torch.Generator, step: int) -> Losses: ...

    @torch.no_grad()
    def sample(
        self,
        condition: Condition,
        *,
        seed: int,
        evaluations: int | None = None,
        samples: int = 1,
        progress: Progress = lambda _done, _total, _stage: None,
        cancelled: Cancelled = lambda: False,
    ) -> Tensor:
        """Return codes (samples, n, channels, *space); the same seed gives the same bytes.

        Parameters
        ----------
        condition
            On the networks' device.
        evaluations
            Of the network for one sample; the configured number by default. Fewer are faster and
            another image: they belong to what is reported.
        samples
            Average them in SUV, never in codes.
        progress, cancelled
            Called after, and asked before, every network evaluation.

        Raises
        ------
        ConditionRefusedError
            When the condition lacks something, or several samples of a deterministic family are
            wanted.
        CancelledError
            When `cancelled` says so.
        """
        spec = self.spec()
        self._require(condition, spec, samples, evaluations)
        report = _Share(progress, samples)
        drawn = []
        was_training = self.networks.training
        self.networks.eval()
        try:
            for k in range(samples):
                report.sample = k
                drawn.append(self._sample(condition, Draw(seed, k, evaluations, report, cancelled)))
        finally:
            self.networks.train(was_training)
        return torch.stack(drawn)

    @abstractmethod
    def _sample(self, condition: Condition, draw: Draw) -> Tensor: ...

    def _require(
        self, condition: Condition, spec: Spec, samples: int, evaluations: int | None
    ) -> None:
        for name in spec.needs:
            if getattr(condition, name) in (None, ()) or len(condition) == 0:
                raise ConditionRefusedError(f"{spec.family} needs {name} in its condition.")
        if samples < 1 or (evaluations is not None and evaluations < 1):
            raise ConditionRefusedError("At least one sample and one evaluation are needed.")
        if samples > 1 and not spec.stochastic:
            raise ConditionRefusedError(
                f"This {spec.family} is deterministic: several samples would all be the same."
            )
        if condition.hu is not None:
            self._require_source(condition.hu, spec)

    def _require_source(self, hu: Tensor, spec: Spec) -> None:
        domain = spec.domain
        if hu.ndim != domain.dimensions + 2 or hu.shape[1] != domain.slices:
            raise ConditionRefusedError(
                f"{spec.family} takes {domain.slices} source slices of {domain.dimensions} "
                f"dimensions, not a tensor of {tuple(hu.shape)}."
            )
        if any(side % spec.multiple for side in hu.shape[2:]):
            raise ConditionRefusedError(
                f"Each side must be a multiple of {spec.multiple} voxels, not {tuple(hu.shape[2:])}."
            )
        if not bool(torch.isfinite(hu).all()):
            raise ConditionRefusedError("The source holds values that are not numbers.")


class _Share:
    """Turns the progress of one sample into that of all."""

    def __init__(self, progress: Progress, samples: int) -> None:
        self._progress = progress
        self._samples = samples
        self.sample = 0

    def __call__(self, done: int, total: int, stage: str) -> None:
        self._progress(self.sample * total + done, self._samples * total, stage)


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
