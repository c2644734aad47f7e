"""One stage of a family: its optimisers, its average, and one step at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from synthesis.config import FamilyTrainingConfig
from synthesis.families import Batch, Family, Losses
from synthesis.samplers import generator_of
from synthesis.training.averaging import Average
from synthesis.training.courses import Plateau, rate_share
from synthesis.training.world import World

CRITIC = "critic"


class TrainingBrokeError(RuntimeError):
    """A loss is not a number any more; the sentence says where."""


class StageTrainer:
    """Descends the losses of one stage.

    No generator has a state to keep: all that is random in a step follows from seed, stage, step
    and process, so a resumed training goes on exactly.
    """

    def __init__(
        self, family: Family, stage: str, training: FamilyTrainingConfig, *, world: World, key: str
    ) -> None:
        self.family = family
        self.stage = stage
        self.recipe = family.recipe(stage)
        self.parts = family.parts(stage)
        self.step_number = 0
        self.plateau = Plateau()
        self._training = training
        self._world = world
        self._key = key
        self.optimisers = {
            part: torch.optim.Adam(
                family.networks[part].parameters(), self._peak(part), self.recipe.betas
            )
            for part in self.parts
        }
        kept = [part for part in self.parts if part != CRITIC]
        self.average = Average(family, kept, self.recipe)
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def _peak(self, part: str) -> float:
        return self.recipe.critic_rate if part == CRITIC else self.recipe.rate

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return self.recipe.rate * rate_share(self.recipe, self.step_number) * self.plateau.share

    def step(self, batches: Sequence[Batch]) -> None:
        """Make one update from the gradients of all batches together."""
        self._prepare()
        with_gradient: set[str] = set()
        for number, batch in enumerate(batches):
            key = (self._training.seed, self._key, self.step_number, number, self._world.rank)
            generator = generator_of("step", *key)
            torch.manual_seed(generator.initial_seed())  # for dropout, which asks the global one
            losses = self._losses(batch, generator)
            for part, total in losses.totals.items():
                torch.autograd.backward(total / len(batches))
                with_gradient.add(part)
            self._note(losses)
        for part in self.parts:
            if part in with_gradient:
                self._descend(part)
        self.step_number += 1
        self.average.update(self.step_number)

    def _prepare(self) -> None:
        share = rate_share(self.recipe, self.step_number) * self.plateau.share
        for part, optimiser in self.optimisers.items():
            optimiser.zero_grad(set_to_none=True)
            for group in optimiser.param_groups:
                group["lr"] = self._peak(part) * share
        for name, network in self.family.networks.items():
            network.train(name in self.parts)

    def _losses(self, batch: Batch, generator: torch.Generator) -> Losses:
        with precision(self._training, self._world.device):
            return self.family.fit_step(
                batch.to(self._world.device),
                generator,
                step=self.step_number,
                stages=(self.stage,),
            )

    def _descend(self, part: str) -> None:
        parameters = list(self.family.networks[part].parameters())
        self._world.average(parameters)
        if self.recipe.largest_gradient:
            nn.utils.clip_grad_norm_(parameters, self.recipe.largest_gradient)
        self.optimisers[part].step()

    def _note(self, losses: Losses) -> None:
        for name, value in losses.shown.items():
            self._sums[name] = self._sums.get(name, torch.zeros_like(value)) + value
            self._counts[name] = self._counts.get(name, 0) + 1

    def means(self) -> dict[str, float]:
        """Return the mean of each term since this was last asked.

        Raises
        ------
        TrainingBrokeError
            When one is not a number.
        """
        means = {
            name: float(self._world.mean(total.float() / self._counts[name]))
            for name, total in self._sums.items()
        }
        self._sums, self._counts = {}, {}
        broken = [name for name, value in means.items() if not -1e30 < value < 1e30]
        if broken:
            raise TrainingBrokeError(
                f"The loss {broken[0]} of the stage {self.stage} is not a finite number at step "
                f"{self.step_number}; the last checkpoint is from before it."
            )
        return means


@contextmanager
def precision(training: FamilyTrainingConfig, device: torch.device) -> Iterator[None]:
    """Let networks compute in the wanted precision; `auto` is bfloat16 on CUDA alone."""
    wanted = training.precision
    lower = wanted == "bfloat16" or (wanted == "auto" and device.type == "cuda")
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=lower):
        yield
