"""From the source image along straight paths to the target image."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from synthesis.models.processes import StraightFlow
from synthesis.models.processes.flow import TIME_UNITS
from synthesis.samplers.noise import NoiseSource
from synthesis.samplers.watch import Network
from synthesis.samplers.way import Place, end_of


def walk_flow(
    network: Network, flow: StraightFlow, y: Tensor, evaluations: int, *, noise: NoiseSource
) -> Iterator[Place]:
    """Yield every place of the way from x1 at time 1 to x0 at time 0, in equal Euler steps."""
    if evaluations < 1:
        raise ValueError("Sampling needs at least one evaluation.")
    x = flow.start(y, noise.draw(y.shape[1:])) if flow.config.source_noise > 0 else y
    for k in range(evaluations):
        t, earlier = 1 - k / evaluations, 1 - (k + 1) / evaluations
        yield t, x
        f = network(x, torch.full((len(x),), t * TIME_UNITS, device=x.device)).float()
        x = flow.step(x, f, (t, earlier))
    yield 0.0, x


def sample_flow(
    network: Network, flow: StraightFlow, y: Tensor, evaluations: int, *, noise: NoiseSource
) -> Tensor:
    """Return x0 after that many Euler steps of equal length."""
    return end_of(walk_flow(network, flow, y, evaluations, noise=noise))
