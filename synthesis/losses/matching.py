"""How far a network's output is from what a process wants of it, weighted by voxel."""

from __future__ import annotations

from typing import Literal

from torch import Tensor


def matching_loss(
    output: Tensor, target: Tensor, kind: Literal["l1", "l2"], weights: Tensor | None = None
) -> Tensor:
    """Return the weighted mean of |f - target| (`l1`) or (f - target)^2 (`l2`), in float32.

    Used for the bridge (grad, x0, ysubx), for DDPM (epsilon, v, x0) and for flows (velocity).
    """
    difference = output.float() - target.float()
    cost = difference.abs() if kind == "l1" else difference.square()
    if weights is None:
        return cost.mean()
    spread = weights.expand_as(cost)
    return (spread * cost).sum() / spread.sum()
