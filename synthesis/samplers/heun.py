"""Heun's method on the probability flow of EDM (Karras 2022, algorithm 1 without churn)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from synthesis.config import EdmConfig
from synthesis.models.processes import heun_sigmas
from synthesis.samplers.watch import Network


def heun_steps(evaluations: int) -> int:
    """Return the steps that fit: each takes two evaluations, the last one only one.

    An even number of evaluations leaves one unused.
    """
    if evaluations < 1:
        raise ValueError("Sampling needs at least one evaluation.")
    return (evaluations + 1) // 2


def sample_heun(network: Network, config: EdmConfig, noise: Tensor, evaluations: int) -> Tensor:
    """Return x0 by deterministic second-order steps from standard noise.

    Parameters
    ----------
    network
        D(x; sigma), the estimate of the clean image.
    noise
        Standard; it is multiplied by the largest sigma here.
    """
    sigmas = heun_sigmas(config, heun_steps(evaluations))
    x = noise * sigmas[0]
    for sigma, following in pairwise(sigmas):
        slope = _slope(network, x, sigma)
        ahead = x + (following - sigma) * slope
        if following > 0:
            slope = (slope + _slope(network, ahead, following)) / 2
            ahead = x + (following - sigma) * slope
        x = ahead
    return x


def _slope(network: Network, x: Tensor, sigma: float) -> Tensor:
    """Return dx/dsigma = (x - D(x; sigma)) / sigma."""
    level = torch.full((len(x),), sigma, device=x.device)
    return (x - network(x, level).float()) / sigma
