"""A student that goes in a few evaluations where its teacher goes in many.

The teacher walks its deterministic way from condition and noise to the image in K M evaluations; the
student has K, one for M of the teacher's. The step that both take is affine in the estimate of x0
(in the velocity, for a flow), so there is exactly one answer at each of the student's K times with
which its one step ends where M of the teacher's end: `aim` of each process. That answer is learned.

This is the target of progressive distillation (Salimans 2022, arXiv 2202.00512, eq. 8) for strides
of any length, taken in one round and along the teacher's own way, as Luhman 2021 (arXiv 2101.02388)
does for K = 1: for the bridge, whose sampler starts at the source and not at a noised target, a
place on the way is what the student will see. A student that learns it exactly gives the teacher's
image exactly. What it learns is a function of condition and noise, not a mean over what CT cannot
say, so it need not pale as a regression does; acquired PET only weighs the voxels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from synthesis.config import (
    DistillationConfig,
    RecipeConfig,
    student_config,
    teacher_config,
)
from synthesis.families import Batch, Condition, Family, Losses, Spec, build_family, fill_parts
from synthesis.families.records import Draw
from synthesis.registry import Release
from synthesis.samplers import Stride
from synthesis.training.checking import DISTILLATION

TAUGHT = "denoiser"


class Student(Family):
    """A family of which only the denoiser learns, from a released teacher of the same networks.

    Raises
    ------
    ConfigRefusedError
        When the teacher's family cannot be distilled.
    ReleaseRefusedError
        When the teacher's weights do not fit.
    """

    stages = (DISTILLATION,)

    def __init__(
        self,
        release: Release,
        distillation: DistillationConfig,
        *,
        device: torch.device | str = "cpu",
    ) -> None:
        self._substeps = distillation.substeps
        way = teacher_config(release.config, distillation)
        own = student_config(release.config, distillation)
        self.teacher = fill_parts(build_family(way, device=device), release)
        self.student = fill_parts(build_family(own, device=device), release)
        self.student.networks[TAUGHT].requires_grad_(requires_grad=True)
        self.config = own
        parts = self.student.spec().parts_in_release
        super().__init__({part: self.student.networks[part] for part in parts})

    def parts(self, stage: str) -> tuple[str, ...]:
        """Return the denoiser."""
        return (TAUGHT,)

    def recipe(self, stage: str) -> RecipeConfig:
        """Return how the denoiser is trained."""
        return self.student.recipe(self.student.stages[-1])

    def spec(self) -> Spec:
        """Return what the student takes and gives."""
        return self.student.spec()

    def follow(self, batch: Batch, way: Sequence[Stride]) -> Losses:
        """Return how far the student's steps are from strides."""
        return self.student.follow(batch, way)

    def _fit(self, stage: str, batch: Batch, generator: torch.Generator, step: int) -> Losses:
        seed = int(torch.randint(2**62, (1,), generator=generator))
        return self.follow(batch, self.teacher.way(batch.condition, seed, self._substeps))

    def _sample(self, condition: Condition, draw: Draw) -> Tensor:
        return self.student._sample(condition, draw)  # it stands for that family
