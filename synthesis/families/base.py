"""What every family can do: cost a step, draw a sample, say what it needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from synthesis.config import FamilyConfig, RecipeConfig
from synthesis.contract import Cancelled, Progress
from synthesis.families.records import Batch, Condition, ConditionRefusedError, Draw, Losses, Spec
from synthesis.samplers import Stride


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

    def way(self, condition: Condition, seed: int, substeps: int) -> tuple[Stride, ...]:
        """Return the configured way from condition to image in strides of that many steps.

        Elements of a batch have noise of their own. A student of this family learns the strides.

        Raises
        ------
        ConditionRefusedError
            When the family goes no way of many steps.
        """
        raise ConditionRefusedError(f"{self.config.family} has no way to follow.")

    def follow(self, batch: Batch, way: Sequence[Stride]) -> Losses:
        """Return how far each of one's own steps is from where a stride leads.

        Raises
        ------
        ConditionRefusedError
            When the family goes no way of many steps.
        """
        raise ConditionRefusedError(f"{self.config.family} follows nobody.")

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
            condition = self._guided(condition)
            for k in range(samples):
                report.sample = k
                drawn.append(self._sample(condition, Draw(seed, k, evaluations, report, cancelled)))
        finally:
            self.networks.train(was_training)
        return torch.stack(drawn)

    def _guided(self, condition: Condition) -> Condition:
        """Return the condition with what is the same for all samples of it."""
        return condition

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
