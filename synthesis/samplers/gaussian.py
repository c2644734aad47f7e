"""DDIM and DDPM sampling on any sub-schedule."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor

from synthesis.models.processes import GaussianProcess, sub_schedule
from synthesis.samplers.noise import NoiseSource
from synthesis.samplers.watch import Network
from synthesis.samplers.way import Place, end_of

Clip = tuple[float, float] | None


def walk_gaussian(
    network: Network,
    process: GaussianProcess,
    start: Tensor,
    times: tuple[int, ...],
    *,
    noise: NoiseSource,
    clip: Clip = None,
) -> Iterator[Place]:
    """Yield every place of the way from the first time, before its evaluation; x0 at -1 last."""
    x = start
    for t, n in pairwise((*times, -1)):
        yield t, x
        f = network(x, torch.full((len(x),), float(t), device=x.device)).float()
        x0 = process.estimate(x, t, f)
        if clip is not None:
            x0 = x0.clamp(*clip)
        if n < 0:
            yield -1, x0
            return
        eps = noise.draw(x.shape[1:], n) if process.config.eta > 0 else None
        x = process.step(x, x0, (t, n), eps=eps)


def sample_gaussian(
    network: Network,
    process: GaussianProcess,
    start: Tensor,
    times: tuple[int, ...],
    *,
    noise: NoiseSource,
    clip: Clip = None,
) -> Tensor:
    """Return x0 from x at the first of the times (from `sub_schedule`, falling).

    Parameters
    ----------
    network
        f(x_t, t) in the target that the process names.
    start
        (n, channels, *space) at the first time: pure noise, or a warm start.
    clip
        Range to which the estimate of x0 is cut at every step; it changes the result and belongs
        to the release.
    """
    return end_of(walk_gaussian(network, process, start, times, noise=noise, clip=clip))


def warm_start(
    process: GaussianProcess,
    coarse: Tensor,
    share: float,
    *,
    evaluations: int,
    noise: NoiseSource,
) -> tuple[Tensor, tuple[int, ...]]:
    """Return a noised coarse estimate and the times from there to the image (as SDEdit does)."""
    first = max(1, round(share * process.T)) - 1
    count = min(evaluations, first + 1)
    times = sub_schedule(first + 1, count, process.config.spacing)
    eps = noise.draw(coarse.shape[1:])
    return process.marginal(coarse, first, eps), times
