"""Networks whose initial weights follow from a seed alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def seeded(seed: int, build: Callable[[], Network]) -> Network:
    """Return what `build` makes from this seed, leaving the global random state alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


def parameter_count(network: nn.Module) -> int:
    """Return the number of trained numbers."""
    return sum(parameter.numel() for parameter in network.parameters())
