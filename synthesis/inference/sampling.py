"""What is wanted of a family, what comes of it, and how one call keeps to its budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synthesis.contract import Cancelled, Progress
from synthesis.families import Condition, Family
from synthesis.inference.haste import Compiling, Precision, compile_where_it_pays, computing
from synthesis.inference.memory import MIB, batch_within, bytes_of, usual_budget_mib, with_less

Array = NDArray[np.float32]


def silent(_done: int, _total: int, _stage: str) -> None:
    """Tell nobody."""


def never() -> bool:
    """Never ask to stop."""
    return False


@dataclass(frozen=True, slots=True)
class Sampling:
    """What is wanted of a family.

    Attributes
    ----------
    samples
        Several give a mean and a standard deviation; refused for a deterministic family.
    evaluations
        Of the network for one sample; None is the configured number.
    budget_mib
        Memory that the layers' outputs may take; batches are as large as it allows. None is
        2 GiB, on CUDA a quarter of the device.
    precision
        Of the networks: `auto` is bfloat16 on CUDA and float32 elsewhere. bfloat16 gives other
        bytes: within 2 % of the largest uptake, 0.5 % on average.
    compiled
        Whether networks are compiled first: `auto` does on CUDA, for a worker that stays.
    """

    seed: int = 0
    samples: int = 1
    evaluations: int | None = None
    budget_mib: int | None = None
    precision: Precision = "auto"
    compiled: Compiling = "auto"


@dataclass(frozen=True, slots=True)
class Sampled:
    """Synthetic images in SUV.

    Attributes
    ----------
    mean
        Over the samples, in SUV: for measuring. With one sample, that one.
    sd
        Standard deviation over the samples; None for one sample.
    first
        One sample: for looking at.
    notes
        What went otherwise than asked, in sentences.
    """

    mean: Array
    sd: Array | None
    first: Array
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Work:
    """One call: what is wanted, whom to tell, and what has to be said at the end."""

    family: Family
    sampling: Sampling
    progress: Progress
    cancelled: Cancelled
    notes: list[str] = field(default_factory=list)

    def sample(self, condition: Condition, progress: Progress, sampling: Sampling) -> Tensor:
        """Return codes (samples, n, channels, *space)."""
        device = self.family.device
        with computing(sampling.precision, device):
            return self.family.sample(
                condition.pinned(device).to(device),
                seed=sampling.seed,
                evaluations=sampling.evaluations,
                samples=sampling.samples,
                progress=progress,
                cancelled=self.cancelled,
            )

    def fitting(self, condition: Condition, count: int) -> int:
        """Return how many elements fit the budget, by what one evaluation of one holds."""
        device = self.family.device
        budget = self.sampling.budget_mib
        if budget is None:
            budget = usual_budget_mib(device)
        with torch.compiler.set_stance("force_eager"):  # one element is compiled for nobody
            each, _ = with_less(
                lambda _size: bytes_of(self.family.networks, lambda: self._once(condition), device),
                1, self.notes,
            )  # fmt: skip
        if each > budget * MIB:
            self.notes.append(
                f"One element may need {each / MIB:.0f} MiB, more than the budget of {budget} MiB; "
                "they were computed one at a time."
            )
        return batch_within(budget, each, count, device)

    def hasten(self, condition: Condition) -> None:
        """Compile where it pays, for batches like this condition."""
        note = compile_where_it_pays(
            self.family, self.sampling.compiled, lambda: self._once(condition)
        )
        if note is not None:
            self.notes.append(note)

    def _once(self, condition: Condition) -> Tensor:
        probe = Sampling(evaluations=1, precision=self.sampling.precision)
        return self.sample(condition, silent, probe)

    def careful(self, run: Callable[[int], Tensor], size: int) -> tuple[Tensor, int]:
        """Return what `run` gives for a batch size, and the size; smaller where memory runs out."""
        return with_less(run, size, self.notes)
