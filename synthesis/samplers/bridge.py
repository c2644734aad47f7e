"""From the source image over the Brownian bridge to the target image."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor

from synthesis.models.processes import BrownianBridge, sub_schedule
from synthesis.samplers.noise import NoiseSource
from synthesis.samplers.watch import Network
from synthesis.samplers.way import Place, end_of


def walk_bridge(
    network: Network, bridge: BrownianBridge, y: Tensor, evaluations: int, *, noise: NoiseSource
) -> Iterator[Place]:
    """Yield every place of the way from y, before its evaluation; the last, at -1, is x0."""
    config = bridge.config
    x = bridge.start(y, noise.draw(y.shape[1:])) if config.start_noise else y
    boots = not config.deterministic or config.boot_noise
    for t, n in pairwise((*sub_schedule(bridge.T, evaluations, config.spacing), -1)):
        yield t, x
        f = network(x, torch.full((len(x),), float(t), device=x.device)).float()
        x0 = bridge.estimate(x, y, f)
        if n < 0:
            yield -1, x0
            return
        noisy = config.stochastic and boots
        eps = noise.draw(x.shape[1:], n) if noisy else None
        x = bridge.step(x, x0, y, (t, n), eps=eps)
        boots = not config.deterministic


def sample_bridge(
    network: Network, bridge: BrownianBridge, y: Tensor, evaluations: int, *, noise: NoiseSource
) -> Tensor:
    """Return x0, starting at y; the last evaluation's estimate is the result."""
    return end_of(walk_bridge(network, bridge, y, evaluations, noise=noise))
