"""Demographics to a coarse CT and PET volume, then its fine detail in chunks (seed 001).

Both stages are EDM denoisers. The result is a digital twin of nobody: a CT and a PET that belong
together, drawn for a height, a weight, a sex and an age.
"""

from __future__ import annotations

from itertools import starmap
from typing import cast

import torch
from torch import Tensor, nn

from synthesis.config import Cascade3dConfig, RecipeConfig
from synthesis.families.base import Family
from synthesis.families.records import (
    Batch,
    Condition,
    ConditionRefusedError,
    Draw,
    Losses,
    Spec,
    shown,
    source_of,
)
from synthesis.losses import edm_loss
from synthesis.models.encoding import (
    coordinates,
    encode_demographics,
    encode_suv,
    encode_window,
    planes,
)
from synthesis.models.preconditioned import PreconditionedDenoiser
from synthesis.models.processes import training_sigmas, wide
from synthesis.models.seeded import parameter_count, seeded
from synthesis.samplers import (
    Chunked,
    NoiseSource,
    Watch,
    heun_steps,
    sample_heun,
    sample_in_chunks,
)
from synthesis.samplers.cascade import Box, cut

IMAGES = 2  # CT and PET
DEMOGRAPHICS = 4
AXES = 3
FINE = -2  # noise of the second stage; that of the first has step -1


class Cascade3d(Family):
    """The `cascade3d` family."""

    stages = ("low", "high")

    def __init__(self, config: Cascade3dConfig, seed: int) -> None:
        self.config: Cascade3dConfig = config
        low = seeded(
            seed,
            lambda: PreconditionedDenoiser(
                config.low,
                config.low_edm.sigma_data,
                spatial_dims=3,
                in_channels=IMAGES + DEMOGRAPHICS,
                out_channels=IMAGES,
            ),
        )
        high = seeded(
            seed + 1,
            lambda: PreconditionedDenoiser(
                config.high,
                config.high_edm.sigma_data,
                spatial_dims=3,
                in_channels=2 * IMAGES + DEMOGRAPHICS + AXES,
                out_channels=IMAGES,
            ),
        )
        super().__init__({"low": low, "high": high})

    def parts(self, stage: str) -> tuple[str, ...]:
        """Return the stage's own denoiser."""
        return (stage,)

    def recipe(self, stage: str) -> RecipeConfig:
        """Return how a stage is trained."""
        return self.config.low_recipe if stage == "low" else self.config.high_recipe

    def _fit(self, stage: str, batch: Batch, generator: torch.Generator, step: int) -> Losses:
        fine = self._volumes(batch)
        people = self._people(batch.condition)
        if stage == "low":
            x0 = self.down(fine)
            loss = self._edm("low", x0, planes(people, x0.shape[2:]), generator)
        else:
            x0, conditions = self._patches(fine, people, generator)
            loss = self._edm("high", x0, conditions, generator)
        return Losses({stage: loss}, shown(**{stage: loss}))

    def _edm(
        self, stage: str, x0: Tensor, conditions: Tensor, generator: torch.Generator
    ) -> Tensor:
        config = self.config.low_edm if stage == "low" else self.config.high_edm
        sigma = training_sigmas(len(x0), config, generator).to(x0)
        eps = torch.randn(x0.shape, generator=generator).to(x0)
        denoiser = cast("PreconditionedDenoiser", self.networks[stage])  # or a wrapper of one
        return edm_loss(denoiser, x0, (sigma, eps), conditions)

    def _volumes(self, batch: Batch) -> Tensor:
        """Return whole volumes of CT and PET codes, -1 to 1: (n, 2, *volume)."""
        domain, hu = self.config.domain, source_of(batch.condition)
        if tuple(hu.shape[2:]) != self.config.volume or hu.shape != batch.suv.shape:
            raise ConditionRefusedError(
                f"cascade3d learns from whole volumes of {self.config.volume} voxels, "
                f"not {tuple(hu.shape[2:])}."
            )
        codes = [encode_window(hu, domain.windows[0]), encode_suv(batch.suv, domain.codec)]
        return 2 * torch.cat(codes, dim=1) - 1

    def _people(self, condition: Condition) -> Tensor:
        if condition.demographics is None:
            raise ConditionRefusedError("cascade3d needs demographics in its condition.")
        people = encode_demographics(condition.demographics, self.config.demographics)
        return (2 * people - 1).float()

    def _patches(
        self, fine: Tensor, people: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return one patch of each volume as the second stage learns it, and its conditions."""
        coarse = self.down(fine)
        # The second stage will see sampled volumes, which are never as clean as real ones.
        spread = torch.rand(len(coarse), generator=generator) * self.config.coarse_noise
        eps = torch.randn(coarse.shape, generator=generator).to(coarse)
        blurred = self.up(coarse + wide(spread, coarse) * eps)
        targets, conditions = [], []
        for k in range(len(fine)):
            box = self._random_box(generator)
            part = cut(fine[k : k + 1], box), cut(blurred[k : k + 1], box)
            targets.append(self._detail(*part))
            conditions.append(self._fine_conditions(part[1], people[k : k + 1], box))
        return torch.cat(targets), torch.cat(conditions)

    def _random_box(self, generator: torch.Generator) -> Box:
        def side(whole: int, patch: int) -> slice:
            start = int(torch.randint(whole - patch + 1, (1,), generator=generator))
            return slice(start, start + patch)

        pairs = zip(self.config.volume, self.config.domain.patch, strict=True)
        return tuple(starmap(side, pairs))

    def _fine_conditions(self, blurred: Tensor, people: Tensor, box: Box) -> Tensor:
        """Return up-sampled coarse images, demographics and coordinates as channels."""
        space = tuple(blurred.shape[2:])
        start = [side.start for side in box]
        place = coordinates(space, start, self.config.volume, blurred.device)
        place = place.expand(len(blurred), *place.shape[1:])
        return torch.cat([blurred, planes(people, space), place], dim=1)

    def _detail(self, fine: Tensor, blurred: Tensor) -> Tensor:
        """Return r = gain (x_HR - up(x_LR)), or x_HR itself."""
        return self.config.gain * (fine - blurred) if self.config.target == "residual" else fine

    def _with_detail(self, detail: Tensor, blurred: Tensor) -> Tensor:
        if self.config.target == "residual":
            return blurred + detail / self.config.gain
        return detail

    def down(self, fine: Tensor) -> Tensor:
        """Return the coarse volume: means of blocks, which do not alias as every n-th voxel does."""
        return nn.functional.avg_pool3d(fine, self.config.factor)

    def up(self, coarse: Tensor) -> Tensor:
        """Return a coarse volume on the fine grid, linearly."""
        return nn.functional.interpolate(
            coarse, scale_factor=float(self.config.factor), mode="trilinear", align_corners=False
        )

    def _sample(self, condition: Condition, draw: Draw) -> Tensor:
        config, people = self.config, self._people(condition)
        counts = (
            draw.evaluations or config.low_edm.evaluations,
            draw.evaluations or config.high_edm.evaluations,
        )
        plan = Chunked(config.volume, config.chunk, config.overlap)
        taken = [2 * heun_steps(count) - 1 for count in counts]
        watch = Watch(taken[0] + len(plan) * taken[1], draw.progress, draw.cancelled)
        noise = NoiseSource(draw.seed, draw.sample, condition.places, people.device)
        coarse = self._sample_coarse(people, noise, watch, counts[0])
        blurred = self.up(coarse)
        everywhere = noise.draw((IMAGES, *config.volume), FINE)
        high = self.networks["high"]

        def one(box: Box) -> Tensor:
            part = cut(blurred, box)
            conditions = self._fine_conditions(part, people, box)
            network = watch.over(lambda x, sigma: high(x, sigma, conditions))
            detail = sample_heun(network, config.high_edm, cut(everywhere, box), counts[1])
            return self._with_detail(detail, part)

        fine = sample_in_chunks(plan, one, channels=IMAGES, device=people.device)
        return (fine + 1) / 2

    def _sample_coarse(
        self, people: Tensor, noise: NoiseSource, watch: Watch, evaluations: int
    ) -> Tensor:
        shape = self.config.coarse_volume
        conditions = planes(people, shape)
        low = self.networks["low"]
        network = watch.over(lambda x, sigma: low(x, sigma, conditions))
        start = noise.draw((IMAGES, *shape))
        return sample_heun(network, self.config.low_edm, start, evaluations).clamp(-1, 1)

    def spec(self) -> Spec:
        """Return what it takes and gives; evaluations are those of one chunk."""
        return Spec(
            family="cascade3d",
            domain=self.config.domain,
            outputs=("hu", "suv"),
            needs=("demographics",),
            multiple=self.config.factor * self.config.low.multiple,
            stochastic=True,
            evaluations=self.config.high_edm.evaluations,
            parameters=sum(parameter_count(network) for network in self.networks.values()),
            parts_in_release=("low", "high"),
        )
