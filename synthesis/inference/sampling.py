"""What is wanted of a family, what comes of it, and how one call keeps to its budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synthesis.contract import Cancelled, Progress, Refused, RefusedError
from synthesis.families import Condition, Family
from synthesis.inference.memory import MIB, batch_within, bytes_of, usual_budget_mib

Array = NDArray[np.float32]
TOO_LITTLE = Refused("memory", "The device's memory does not suffice for one element at a time.")


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
    lower_precision
        bfloat16 where the networks compute; faster on CUDA, and other bytes.
    """

    seed: int = 0
    samples: int = 1
    evaluations: int | None = None
    budget_mib: int | None = None
    lower_precision: bool = False


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
        lower = sampling.lower_precision
        device = self.family.device
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=lower):
            return self.family.sample(
                condition.to(device),
                seed=sampling.seed,
                evaluations=sampling.evaluations,
                samples=sampling.samples,
                progress=progress,
                cancelled=self.cancelled,
            )

    def fitting(self, condition: Condition, count: int) -> int:
        """Return how many elements fit the budget, by what one evaluation of one holds."""
        budget = self.sampling.budget_mib
        if budget is None:
            budget = usual_budget_mib(self.family.device)
        probe = Sampling(evaluations=1, lower_precision=self.sampling.lower_precision)
        try:
            each = bytes_of(self.family.networks, lambda: self.sample(condition, silent, probe))
        except torch.OutOfMemoryError as error:
            raise RefusedError(TOO_LITTLE) from error
        if each > budget * MIB:
            self.notes.append(
                f"One element may need {each / MIB:.0f} MiB, more than the budget of {budget} MiB; "
                "they were computed one at a time."
            )
        return batch_within(budget, each, count, self.family.device)

    def careful(self, run: Callable[[int], Tensor], size: int) -> tuple[Tensor, int]:
        """Return what `run` gives for a batch size, and the size; smaller where memory runs out.

        Raises
        ------
        RefusedError
            When memory does not suffice for one element.
        """
        while True:
            try:
                return run(size), size
            except torch.OutOfMemoryError as error:
                if size == 1:
                    raise RefusedError(TOO_LITTLE) from error
                self.notes.append(
                    f"Memory ran out with {size} at a time; the work went on with {size // 2}."
                )
                size //= 2
                torch.cuda.empty_cache()
