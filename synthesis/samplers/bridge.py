"""From the source image over the Brownian bridge to the target image."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from synthesis.models.processes import BrownianBridge, sub_schedule
from synthesis.samplers.noise import NoiseSource
from synthesis.samplers.watch import Network


def sample_bridge(
    network: Network, bridge: BrownianBridge, y: Tensor, evaluations: int, *, noise: NoiseSource
) -> Tensor:
    """Return x0, starting exactly at y; the last evaluation's estimate is the result."""
    x = y
    for t, n in pairwise((*sub_schedule(bridge.T, evaluations), -1)):
        f = network(x, torch.full((len(x),), float(t), device=x.device)).float()
        x0 = bridge.estimate(x, y, f)
        if n < 0:
            return x0
        noisy = bridge.config.stochastic and (x is y or not bridge.config.deterministic)
        eps = noise.draw(x.shape[1:], n) if noisy else None
        x = bridge.step(x, x0, y, (t, n), eps=eps)
    return x
