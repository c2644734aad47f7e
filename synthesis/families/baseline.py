"""The regression U-Net: weighted L1, one evaluation, no samples. What the others must beat."""

from __future__ import annotations

import torch
from torch import Tensor

from synthesis.config import BaselineConfig, RecipeConfig
from synthesis.config.families import sides_of
from synthesis.families.base import Family
from synthesis.families.records import Batch, Condition, Draw, Losses, Spec, shown, source_of
from synthesis.losses import weighted_l1
from synthesis.models.encoding import encode_source, encode_suv
from synthesis.models.seeded import parameter_count, seeded
from synthesis.models.translator import build_translator
from synthesis.samplers import Watch


class Baseline(Family):
    """The `baseline` family."""

    stages = ("generator",)

    def __init__(self, config: BaselineConfig, seed: int) -> None:
        self.config: BaselineConfig = config
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
        super().__init__({"generator": generator})

    def parts(self, stage: str) -> tuple[str, ...]:
        """Return the one network."""
        return ("generator",)

    def recipe(self, stage: str) -> RecipeConfig:
        """Return how it is trained."""
        return self.config.recipe

    def _fit(self, stage: str, batch: Batch, generator: torch.Generator, step: int) -> Losses:
        domain = self.config.domain
        code = encode_suv(batch.suv, domain.codec)
        source = encode_source(source_of(batch.condition), domain.windows)
        synthetic = self.networks["generator"](source).float()
        l1 = weighted_l1(synthetic, code, batch.weights(code, self.config.weights))
        return Losses({"generator": l1}, shown(l1=l1))

    def _sample(self, condition: Condition, draw: Draw) -> Tensor:
        watch = Watch(1, draw.progress, draw.cancelled, "translating")
        source = encode_source(source_of(condition), self.config.domain.windows)
        network = watch.over(lambda x, _t: self.networks["generator"](x))
        return network(source, source.new_zeros(len(source))).float()

    def spec(self) -> Spec:
        """Return what it takes and gives."""
        return Spec(
            family="baseline",
            domain=self.config.domain,
            outputs=("suv",),
            needs=("hu",),
            multiple=sides_of(self.config.generator),
            stochastic=False,
            evaluations=1,
            parameters=parameter_count(self.networks["generator"]),
            parts_in_release=("generator",),
        )
