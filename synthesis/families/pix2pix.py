"""A conditional adversarial pair (seed 002): generator against patch critic, with weighted L1."""

from __future__ import annotations

import torch
from torch import Tensor

from synthesis.config import Pix2PixConfig, RecipeConfig
from synthesis.config.families import sides_of
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
from synthesis.losses import AdversarialLoss, weighted_l1
from synthesis.models.critic import build_critic
from synthesis.models.encoding import encode_source, encode_suv, encode_window
from synthesis.models.fusion import fuse
from synthesis.models.seeded import parameter_count, seeded
from synthesis.models.translator import build_translator
from synthesis.samplers import Watch


class Pix2Pix(Family):
    """The `pix2pix` family."""

    stages = ("adversarial",)

    def __init__(self, config: Pix2PixConfig, seed: int) -> None:
        self.config: Pix2PixConfig = config
        domain = config.domain
        generator = seeded(
            seed,
            lambda: build_translator(
                config.generator,
                spatial_dims=domain.dimensions,
                in_channels=domain.source_channels,
                out_channels=domain.target_channels,
            ),
        )
        critic = seeded(
            seed + 1,
            lambda: build_critic(
                config.critic,
                spatial_dims=domain.dimensions,
                in_channels=domain.source_channels + domain.target_channels,
            ),
        )
        self._adversarial = AdversarialLoss(config.adversarial.kind)
        super().__init__({"generator": generator, "critic": critic})

    def parts(self, stage: str) -> tuple[str, ...]:
        """Return the generator and its critic, each with an optimiser."""
        return ("generator", "critic")

    def recipe(self, stage: str) -> RecipeConfig:
        """Return how both are trained; the critic at its own rate."""
        return self.config.recipe

    def _fit(self, stage: str, batch: Batch, generator: torch.Generator, step: int) -> Losses:
        config = self.config
        code = encode_suv(batch.suv, config.domain.codec)
        hu = source_of(batch.condition)
        source = encode_source(hu, config.domain.windows)
        target = self._target(hu, code)
        synthetic = self.networks["generator"](source).float()
        weights = batch.weights(code, config.weights).expand_as(target)
        l1 = weighted_l1(synthetic, target, weights)
        total = config.adversarial.l1_weight * l1
        if step < config.adversarial.from_step or config.adversarial.weight == 0:
            return Losses({"generator": total}, shown(l1=l1))
        deceit = self._deceit(source, synthetic)
        critic = self._adversarial.critic(self.networks["critic"], source, (target, synthetic))
        total = total + config.adversarial.weight * deceit
        return Losses(
            {"generator": total, "critic": critic}, shown(l1=l1, adversarial=deceit, critic=critic)
        )

    def _deceit(self, source: Tensor, synthetic: Tensor) -> Tensor:
        """Return the generator's adversarial loss; the critic gets no gradient from it."""
        critic = self.networks["critic"]
        critic.requires_grad_(requires_grad=False)
        try:
            return self._adversarial.generator(critic, source, synthetic)
        finally:
            critic.requires_grad_(requires_grad=True)

    def _target(self, hu: Tensor, code: Tensor) -> Tensor:
        if self.config.domain.target == "pet":
            return code
        return fuse(encode_window(centre_slice(hu), self.config.domain.windows[0]), code)

    def _sample(self, condition: Condition, draw: Draw) -> Tensor:
        watch = Watch(1, draw.progress, draw.cancelled, "translating")
        return self.translate(source_of(condition), watch)

    def translate(self, hu: Tensor, watch: Watch) -> Tensor:
        """Return codes of source slices in one watched evaluation."""
        source = encode_source(hu, self.config.domain.windows)
        network = watch.over(lambda x, _t: self.networks["generator"](x))
        return network(source, source.new_zeros(len(source))).float()

    def spec(self) -> Spec:
        """Return what it takes and gives; a fusion image is not quantitative."""
        fusion = self.config.domain.target == "fusion"
        return Spec(
            family="pix2pix",
            domain=self.config.domain,
            outputs=("red", "green", "blue") if fusion else ("suv",),
            needs=("hu",),
            multiple=sides_of(self.config.generator),
            stochastic=False,
            evaluations=1,
            parameters=parameter_count(self.networks["generator"]),
            parts_in_release=("generator",),
        )
