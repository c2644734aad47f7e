"""A least-squares adversarial pair and a conditional diffusion model (seed 004).

How the two combine is not known from what could be read; three readings are offered. `refine`, the
default, conditions the diffusion on CT and on the pair's image p.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

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
from synthesis.samplers import (
    Network,
    NoiseSource,
    Place,
    Stride,
    Watch,
    end_of,
    strides,
    walk_gaussian,
    warm_start,
)


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

    def _coarse(self, source: Tensor) -> Tensor | None:
        """Return the pair's image p without gradient; None where the mode trains without it."""
        return self._translated(source) if self.config.mode == "refine" else None

    @torch.no_grad()
    def _translated(self, source: Tensor) -> Tensor:
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

    @torch.no_grad()
    def way(self, condition: Condition, seed: int, substeps: int) -> tuple[Stride, ...]:
        """Return the configured way from noise, or from the warm start, in strides."""
        source = encode_source(source_of(condition), self.config.domain.windows)
        noise = NoiseSource(seed, 0, condition.places, source.device)
        coarse = self._pair_image(source)
        count = self._steps(self.config.process.evaluations)
        network = self._network(self._conditions(source, self._seen(coarse)))
        start, times = self._start(source, coarse, count, noise)
        return strides(self._walk(network, start, times, noise), substeps)

    def follow(self, batch: Batch, way: Sequence[Stride]) -> Losses:
        """Return the mean loss over the strides, in what the denoiser says."""
        config = self.config
        source = encode_source(source_of(batch.condition), config.domain.windows)
        code = encode_suv(batch.suv, config.domain.codec)
        weights = batch.weights(code, config.gan.weights)
        network = self._network(self._conditions(source, self._coarse(source)))
        costs = []
        for stride in way:
            t, n = (int(time) for time in stride.times)
            x0 = self.process.aim(stride.x, stride.ahead, (t, n))
            f = network(stride.x, torch.full((len(source),), float(t), device=source.device))
            costs.append(matching_loss(f, self.process.output(stride.x, t, x0), "l2", weights))
        loss = torch.stack(costs).mean()
        return Losses({"denoiser": loss}, shown(distillation=loss))

    def _pair_image(self, source: Tensor) -> Tensor | None:
        """Return the pair's image without gradient, in the modes that need it."""
        return None if self.config.mode == "independent" else self._translated(source)

    def _seen(self, coarse: Tensor | None) -> Tensor | None:
        return coarse if self.config.mode == "refine" else None

    def _network(self, conditions: Tensor) -> Network:
        denoiser = self.networks["denoiser"]

        def network(x: Tensor, t: Tensor) -> Tensor:
            f: Tensor = denoiser(x, t, conditions)
            return f

        return network

    def _start(
        self, source: Tensor, coarse: Tensor | None, count: int, noise: NoiseSource
    ) -> tuple[Tensor, tuple[int, ...]]:
        """Return where sampling begins, and at which times the denoiser is asked."""
        config = self.config
        if config.mode == "warm_start" and coarse is not None:
            return warm_start(
                self.process, 2 * coarse - 1, config.warm_start, evaluations=count, noise=noise
            )
        start = noise.draw((1, *source.shape[2:]))
        return start, sub_schedule(self.process.T, count, config.process.spacing)

    def _walk(
        self, network: Network, start: Tensor, times: tuple[int, ...], noise: NoiseSource
    ) -> Iterator[Place]:
        clip = (-1.0, 1.0) if self.config.target == "image" else None
        return walk_gaussian(network, self.process, start, times, noise=noise, clip=clip)

    def _sample(self, condition: Condition, draw: Draw) -> Tensor:
        config, hu = self.config, source_of(condition)
        source = encode_source(hu, config.domain.windows)
        noise = NoiseSource(draw.seed, draw.sample, condition.places, hu.device)
        needs_pair = config.mode != "independent"
        wanted = draw.evaluations or self.spec().evaluations
        count = self._steps(wanted - needs_pair)
        watch = Watch(count + needs_pair, draw.progress, draw.cancelled)
        coarse = self.pair.translate(hu, watch) if needs_pair else None
        network = watch.over(self._network(self._conditions(source, self._seen(coarse))))
        start, times = self._start(source, coarse, count, noise)
        x0 = end_of(self._walk(network, start, times, noise))
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
