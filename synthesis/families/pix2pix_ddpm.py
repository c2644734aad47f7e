"""A least-squares adversarial pair and a conditional diffusion model (seed 004).

How the two combine is not known from what could be read; three readings are offered. `refine`, the
default, conditions the diffusion on CT and on the pair's image p.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from synthesis.config import Pix2PixDdpmConfig, RecipeConfig
from synthesis.families.base import Family
from synthesis.families.pix2pix import Pix2Pix
from synthesis.families.records import Batch, Condition, Draw, Losses, Spec, shown, source_of
from synthesis.losses import matching_loss
from synthesis.models.denoiser import Denoiser
from synthesis.models.encoding import encode_source, encode_suv
from synthesis.models.processes import GaussianProcess, sub_schedule
from synthesis.models.seeded import parameter_count, seeded
from synthesis.samplers import NoiseSource, Watch, sample_gaussian, warm_start


class Pix2PixDdpm(Family):
    """The `pix2pix_ddpm` family."""

    stages = ("adversarial", "diffusion")

    def __init__(self, config: Pix2PixDdpmConfig, seed: int) -> None:
        self.config: Pix2PixDdpmConfig = config
        self.process = GaussianProcess(config.process)
        self.pair = Pix2Pix(config.gan, seed)
        coarse = 1 if config.mode == "refine" else 0
        denoiser = seeded(
            seed + 2,
            lambda: Denoiser(
                config.denoiser,
                spatial_dims=config.domain.dimensions,
                in_channels=1 + config.domain.source_channels + coarse,
                out_channels=1,
            ),
        )
        super().__init__({**self.pair.networks, "denoiser": denoiser})

    def parts(self, stage: str) -> tuple[str, ...]:
        """Return the pair's networks, or the denoiser."""
        return ("denoiser",) if stage == "diffusion" else self.pair.parts(stage)

    def recipe(self, stage: str) -> RecipeConfig:
        """Return how the pair, or the denoiser, is trained."""
        return self.config.recipe if stage == "diffusion" else self.config.gan.recipe

    def _fit(self, stage: str, batch: Batch, generator: torch.Generator, step: int) -> Losses:
        if stage == "adversarial":
            return self.pair.fit_step(batch, generator, step=step)
        domain = self.config.domain
        code = encode_suv(batch.suv, domain.codec)
        source = encode_source(source_of(batch.condition), domain.windows)
        coarse = self._coarse(source)
        x0 = self._as_image(code, coarse)
        t = torch.randint(self.process.T, (len(x0),), generator=generator)
        eps = torch.randn(x0.shape, generator=generator).to(x0)
        x_t = self.process.marginal(x0, t, eps)
        f = self.networks["denoiser"](x_t, t.to(x0), self._conditions(source, coarse))
        weights = batch.weights(code, self.config.gan.weights)
        loss = matching_loss(f, self.process.target(x0, t, eps), "l2", weights)
        return Losses({"denoiser": loss}, shown(diffusion=loss))

    @torch.no_grad()
    def _coarse(self, source: Tensor) -> Tensor | None:
        """Return the pair's image p without gradient; None where the mode trains without it."""
        if self.config.mode != "refine":
            return None
        was_training = self.networks["generator"].training
        self.networks["generator"].eval()
        coarse: Tensor = self.networks["generator"](source).float()
        self.networks["generator"].train(was_training)
        return coarse

    def _conditions(self, source: Tensor, coarse: Tensor | None) -> Tensor:
        both = source if coarse is None else torch.cat([source, coarse], dim=1)
        return 2 * both - 1

    def _as_image(self, code: Tensor, coarse: Tensor | None) -> Tensor:
        """Return what diffuses: codes from -1 to 1, or the residual r = gain (PET - p)."""
        if self.config.target == "residual" and coarse is not None:
            return self.config.gain * (code - coarse)
        return 2 * code - 1

    def _as_code(self, x0: Tensor, coarse: Tensor | None) -> Tensor:
        if self.config.target == "residual" and coarse is not None:
            return coarse + x0 / self.config.gain
        return (x0 + 1) / 2

    def _sample(self, condition: Condition, draw: Draw) -> Tensor:
        config, hu = self.config, source_of(condition)
        source = encode_source(hu, config.domain.windows)
        noise = NoiseSource(draw.seed, draw.sample, condition.places, hu.device)
        needs_pair = config.mode != "independent"
        wanted = draw.evaluations or self.spec().evaluations
        count = self._steps(wanted - needs_pair)
        watch = Watch(count + needs_pair, draw.progress, draw.cancelled)
        coarse = self.pair.translate(hu, watch) if needs_pair else None
        shape = (1, *hu.shape[2:])
        if config.mode == "warm_start" and coarse is not None:
            start, times = warm_start(
                self.process, 2 * coarse - 1, config.warm_start, evaluations=count, noise=noise
            )
        else:
            start, times = noise.draw(shape), sub_schedule(self.process.T, count)
        conditions = self._conditions(source, coarse if config.mode == "refine" else None)
        x0 = sample_gaussian(
            watch.over(lambda x, t: self.networks["denoiser"](x, t, conditions)),
            self.process,
            start,
            times,
            noise=noise,
            clip=(-1.0, 1.0) if config.target == "image" else None,
        )
        return self._as_code(x0, coarse)

    def _steps(self, wanted: int) -> int:
        """Return the denoiser's evaluations: at least one, at most the steps that there are."""
        share = self.config.warm_start if self.config.mode == "warm_start" else 1.0
        return max(1, min(wanted, math.floor(share * self.process.T)))

    def spec(self) -> Spec:
        """Return what it takes and gives; evaluations count the pair's own too."""
        config = self.config
        needs_pair = config.mode != "independent"
        parts = ("generator", "denoiser") if needs_pair else ("denoiser",)
        return Spec(
            family="pix2pix_ddpm",
            domain=config.domain,
            outputs=("suv",),
            needs=("hu",),
            multiple=math.lcm(self.pair.spec().multiple, config.denoiser.multiple),
            stochastic=True,
            evaluations=config.process.evaluations + needs_pair,
            parameters=sum(parameter_count(self.networks[part]) for part in parts),
            parts_in_release=parts,
        )
