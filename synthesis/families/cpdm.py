"""A conditional Brownian bridge from CT to PET, guided by attention and attenuation (seed 003).

In pixel space or in the latent of an autoencoder; slices, slices with neighbours, or blocks. With
`path = "flow"` the same network learns a rectified flow, which samples in few steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor, nn

from synthesis.config import CpdmConfig, RecipeConfig
from synthesis.families.base import Family
from synthesis.families.records import (
    Batch,
    Condition,
    Draw,
    Losses,
    Spec,
    centre_slice,
    shown,
    source_of,
)
from synthesis.losses import dice_loss, kl_to_standard, matching_loss
from synthesis.models.autoencoder import LatentAutoencoder
from synthesis.models.encoding import attenuation, encode_source, encode_suv, encode_window
from synthesis.models.guided import GuidedDenoiser
from synthesis.models.processes import BrownianBridge, StraightFlow
from synthesis.models.processes.flow import TIME_UNITS
from synthesis.models.seeded import parameter_count, seeded
from synthesis.models.segmentor import Segmentor
from synthesis.samplers import (
    Chunked,
    Network,
    NoiseSource,
    Place,
    Stride,
    Watch,
    blend_chunks,
    end_of,
    strides,
    walk_bridge,
    walk_flow,
)
from synthesis.samplers.cascade import Box, cut

SMALLEST_SEGMENTED = 16  # the segmentor halves four times


@dataclass(frozen=True, slots=True)
class _View:
    """A condition as the networks see it; all of the same size."""

    source: Tensor  # encoded channels
    y: Tensor  # code of the source, one channel
    attenuation: Tensor | None
    attention: Tensor | None

    def within(self, box: Box) -> _View:
        """Return the part in a box."""
        mu, attention = self.attenuation, self.attention
        return _View(
            source=cut(self.source, box),
            y=cut(self.y, box),
            attenuation=None if mu is None else cut(mu, box),
            attention=None if attention is None else cut(attention, box),
        )


class Cpdm(Family):
    """The `cpdm` family."""

    def __init__(self, config: CpdmConfig, seed: int) -> None:
        self.config: CpdmConfig = config
        self.bridge = BrownianBridge(config.bridge)
        self.flow = StraightFlow(config.flow)
        self.latent = config.space == "latent"
        self.factor = config.autoencoder.factor if self.latent else 1
        self.channels = config.autoencoder.latent_channels if self.latent else 1
        before = (("autoencoder",) if self.latent else ()) + (
            ("segmentor",) if config.attention else ()
        )
        self.stages = (*before, "bridge")
        super().__init__(self._build(seed))

    def _build(self, seed: int) -> dict[str, nn.Module]:
        config, domain = self.config, self.config.domain
        source = self.channels if self.latent else domain.source_channels
        networks: dict[str, nn.Module] = {
            "denoiser": seeded(
                seed,
                lambda: GuidedDenoiser(
                    config.denoiser,
                    spatial_dims=domain.dimensions,
                    channels=self.channels,
                    maps=config.attention + (config.attenuation != "none"),
                    source_channels=source if config.concat_source else 0,
                    factor=self.factor,
                ),
            )
        }
        if config.attention:
            networks["segmentor"] = seeded(
                seed + 1,
                lambda: Segmentor(
                    config.segmentor,
                    spatial_dims=domain.dimensions,
                    in_channels=domain.source_channels,
                ),
            )
        if self.latent:
            networks["autoencoder"] = seeded(
                seed + 2,
                lambda: LatentAutoencoder(config.autoencoder, spatial_dims=domain.dimensions),
            )
        return networks

    def parts(self, stage: str) -> tuple[str, ...]:
        """Return the one network that a stage trains."""
        return ("denoiser",) if stage == "bridge" else (stage,)

    def recipe(self, stage: str) -> RecipeConfig:
        """Return how a stage is trained."""
        config = self.config
        return {
            "segmentor": config.segmentor_recipe,
            "autoencoder": config.autoencoder_recipe,
        }.get(stage, config.recipe)

    def _fit(self, stage: str, batch: Batch, generator: torch.Generator, step: int) -> Losses:
        if stage == "segmentor":
            return self._fit_segmentor(batch)
        if stage == "autoencoder":
            return self._fit_autoencoder(batch, generator)
        return self._fit_bridge(batch, generator)

    def _fit_segmentor(self, batch: Batch) -> Losses:
        segmentor = self._segmentor
        source = encode_source(source_of(batch.condition), self.config.domain.windows)
        dice = dice_loss(segmentor(source), segmentor.target(batch.suv))
        return Losses({"segmentor": dice}, shown(dice=dice))

    def _fit_autoencoder(self, batch: Batch, generator: torch.Generator) -> Losses:
        """Learn to give back source and target codes alike."""
        domain, autoencoder = self.config.domain, self._autoencoder
        y = encode_window(centre_slice(source_of(batch.condition)), domain.windows[0])
        codes = torch.cat([encode_suv(batch.suv, domain.codec), y])
        mean, deviation = autoencoder.distribution(codes)
        eps = torch.randn(mean.shape, generator=generator).to(mean)
        back = autoencoder.reconstruct(mean + deviation * eps)
        l1 = matching_loss(back, codes, "l1")
        kl = kl_to_standard(mean, deviation)
        total = l1 + self.config.autoencoder.kl_weight * kl
        return Losses({"autoencoder": total}, shown(reconstruction=l1, kl=kl))

    def _fit_bridge(self, batch: Batch, generator: torch.Generator) -> Losses:
        config = self.config
        view = self._view(batch.condition)
        code = encode_suv(batch.suv, config.domain.codec)
        x0, y = self._inner(code), self._inner(view.y)
        eps = torch.randn(x0.shape, generator=generator).to(x0)
        x_t, target, t = self._point(x0, y, eps, generator)
        f = self._network(view, y)(x_t, t)
        loss = matching_loss(f, target, config.bridge.loss, self._weights(batch, code))
        return Losses({"denoiser": loss}, shown(bridge=loss))

    def _weights(self, batch: Batch, code: Tensor) -> Tensor:
        """Return the weight of each voxel as the bridge sees voxels."""
        weights = batch.weights(code, self.config.weights)
        if not self.latent:
            return weights
        pool = nn.functional.avg_pool3d if weights.ndim == 5 else nn.functional.avg_pool2d
        return pool(weights, self.factor)

    @torch.no_grad()
    def way(self, condition: Condition, seed: int, substeps: int) -> tuple[Stride, ...]:
        """Return the configured way over the bridge, or along the flow, in strides."""
        view, count = self._view(condition), self.spec().evaluations
        y = self._inner(view.y)
        noise = NoiseSource(seed, 0, condition.places, y.device)
        return strides(self._walk(self._network(view, y), y, count, noise), substeps)

    def follow(self, batch: Batch, way: Sequence[Stride]) -> Losses:
        """Return the mean loss over the strides, in what the network says."""
        config, view = self.config, self._view(batch.condition)
        y = self._inner(view.y)
        weights = self._weights(batch, encode_suv(batch.suv, config.domain.codec))
        network = self._network(view, y)
        costs = []
        for stride in way:
            t, target = self._lesson(stride, y)
            f = network(stride.x, torch.full((len(y),), t, device=y.device))
            costs.append(matching_loss(f, target, config.bridge.loss, weights))
        loss = torch.stack(costs).mean()
        return Losses({"denoiser": loss}, shown(distillation=loss))

    def _lesson(self, stride: Stride, y: Tensor) -> tuple[float, Tensor]:
        """Return the time that the network is told, and what it should say there."""
        t, n = stride.times
        if self.config.path == "flow":
            return t * TIME_UNITS, self.flow.aim(stride.x, stride.ahead, stride.times)
        x0 = self.bridge.aim(stride.x, stride.ahead, y, (int(t), int(n)))
        return t, self.bridge.output(stride.x, y, x0)

    def _point(
        self, x0: Tensor, y: Tensor, eps: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return a point of the path, what the network should say there, and its time."""
        if self.config.path == "flow":
            x1 = self.flow.start(y, eps)
            share = torch.rand(len(x0), generator=generator)
            target = self.flow.velocity(x0, x1)
            return self.flow.marginal(x0, x1, share), target, (share * TIME_UNITS).to(x0)
        t = torch.randint(self.bridge.T, (len(x0),), generator=generator)
        x_t = self.bridge.marginal(x0, y, t, eps)
        return x_t, self.bridge.target(x0, y, t, eps), t.to(x0)

    def _view(self, condition: Condition) -> _View:
        config, hu = self.config, source_of(condition)
        centre = centre_slice(hu)
        mu = None
        if config.attenuation != "none":
            step = config.domain.spacing_zyx_mm[1] if config.attenuation == "path" else None
            mu = attenuation(centre, condition.kvp, config.mu_table, path_step_mm=step)
        return _View(
            source=encode_source(hu, config.domain.windows),
            y=encode_window(centre, config.domain.windows[0]),
            attenuation=mu,
            attention=condition.attention if config.attention else None,
        )

    @torch.no_grad()
    def _inner(self, code: Tensor) -> Tensor:
        """Return codes as the bridge sees them: -1 to 1, or latents."""
        if self.latent:
            return self._autoencoder.encode(code).float()
        return 2 * code - 1

    def _outer(self, x0: Tensor) -> Tensor:
        if self.latent:
            return self._autoencoder.decode(x0).float()
        return (x0 + 1) / 2

    @property
    def _segmentor(self) -> Segmentor:
        return cast("Segmentor", self.networks["segmentor"])  # or a wrapper that acts as one

    @property
    def _autoencoder(self) -> LatentAutoencoder:
        return cast("LatentAutoencoder", self.networks["autoencoder"])

    def _network(self, view: _View, y: Tensor) -> Network:
        maps = self._maps(view)
        source = None
        if self.config.concat_source:
            source = y if self.latent else 2 * view.source - 1
        denoiser = self.networks["denoiser"]

        def network(x: Tensor, t: Tensor) -> Tensor:
            f: Tensor = denoiser(x, t, maps, source)
            return f

        return network

    def _maps(self, view: _View) -> Tensor | None:
        attention = view.attention
        if self.config.attention and attention is None:
            attention = self._segmentor.attention(view.source)
        maps = [m for m in (attention, view.attenuation) if m is not None]
        return torch.cat([m.float() for m in maps], dim=1) if maps else None

    def _guided(self, condition: Condition) -> Condition:
        """Return slices with their attention maps, which all samples share."""
        blocks = self.config.domain.dimensions == 3  # whole volumes go in chunks
        if blocks or not self.config.attention or condition.attention is not None:
            return condition
        source = encode_source(source_of(condition), self.config.domain.windows)
        return replace(condition, attention=self._segmentor.attention(source))

    def _sample(self, condition: Condition, draw: Draw) -> Tensor:
        view = self._view(condition)
        count = draw.evaluations or self.spec().evaluations
        shape = tuple(view.y.shape[2:])
        noise = NoiseSource(
            draw.seed, draw.sample, condition.places, view.y.device, self.config.shared_noise
        )
        patch = self.config.domain.patch
        if len(shape) == 2 or all(n <= p for n, p in zip(shape, patch, strict=True)):
            watch = Watch(count, draw.progress, draw.cancelled)
            return self._sample_block(view, watch, count, noise)
        chunk = tuple(min(n, p) for n, p in zip(shape, patch, strict=True))
        plan = Chunked(shape, chunk, self.config.overlap)
        watch = Watch(len(plan) * count, draw.progress, draw.cancelled)
        small = tuple(n // self.factor for n in shape)

        def one(box: Box) -> Tensor:
            inner = tuple(slice(b.start // self.factor, b.stop // self.factor) for b in box)
            part = replace(noise, window=(small, inner))
            return self._sample_block(view.within(box), watch, count, part)

        return blend_chunks(plan, one, channels=1, device=view.y.device)

    def _sample_block(self, view: _View, watch: Watch, count: int, noise: NoiseSource) -> Tensor:
        y = self._inner(view.y)
        network = watch.over(self._network(view, y))
        return self._outer(end_of(self._walk(network, y, count, noise)))

    def _walk(self, network: Network, y: Tensor, count: int, noise: NoiseSource) -> Iterator[Place]:
        if self.config.path == "flow":
            return walk_flow(network, self.flow, y, count, noise=noise)
        return walk_bridge(network, self.bridge, y, count, noise=noise)

    def spec(self) -> Spec:
        """Return what it takes and gives; the tube voltage is needed for the attenuation."""
        config = self.config
        flow = config.path == "flow"
        multiples = (self.factor * config.denoiser.multiple, SMALLEST_SEGMENTED)
        return Spec(
            family="cpdm",
            domain=config.domain,
            outputs=("suv",),
            needs=("hu",) + (("kvp",) if config.attenuation != "none" else ()),
            multiple=math.lcm(*multiples) if config.attention else multiples[0],
            stochastic=config.flow.source_noise > 0 if flow else config.bridge.stochastic,
            evaluations=config.flow.evaluations if flow else config.bridge.evaluations,
            parameters=sum(parameter_count(network) for network in self.networks.values()),
            parts_in_release=tuple(self.networks),
        )
