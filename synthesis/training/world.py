"""One process, or several that share a training (torchrun)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed

LONGEST_WAIT = timedelta(hours=12)  # for the first process, which reads images and measures


@dataclass(frozen=True, slots=True)
class World:
    """This process among all; only the first writes.

    Attributes
    ----------
    rank, size
        Number of this process and how many there are.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def writes(self) -> bool:
        """Whether this process writes files and measures."""
        return self.rank == 0

    def places(self, batch: int) -> range:
        """Return the numbers of this process's elements in the batch of all."""
        return range(self.rank * batch, (self.rank + 1) * batch)

    def average(self, parameters: Sequence[Tensor]) -> None:
        """Make every gradient the mean over all processes."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.size
        start = 0
        for gradient in gradients:
            end = start + gradient.numel()
            gradient.copy_(flat[start:end].view_as(gradient))
            start = end

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean of a number over all processes."""
        if self.size > 1:
            distributed.all_reduce(value)
            value = value / self.size
        return value

    def agreed(self, values: Sequence[float]) -> list[float]:
        """Return the numbers of the first process, in all of them."""
        if self.size == 1:
            return list(values)
        shared = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.broadcast(shared, src=0)
        return [float(v) for v in shared.tolist()]

    def wait(self) -> None:
        """Return when all processes have come here."""
        if self.size > 1:
            distributed.barrier()


@contextmanager
def joined() -> Iterator[World]:
    """Give this process's place among those that torchrun started; alone without it."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    cuda = torch.cuda.is_available()
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device("cuda", local) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    if size == 1:
        yield World(0, 1, device)
        return
    distributed.init_process_group("nccl" if cuda else "gloo", timeout=LONGEST_WAIT)
    try:
        yield World(distributed.get_rank(), size, device)
    finally:
        distributed.destroy_process_group()
