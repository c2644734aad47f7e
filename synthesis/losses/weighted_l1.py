"""L1 in which the few voxels of lesions weigh as much as their meaning."""

from __future__ import annotations

from torch import Tensor

BACKGROUND_WEIGHT = 0.15


def voxel_weights(
    target: Tensor,
    lesion: Tensor,
    body: Tensor,
    *,
    lesion_weight: float,
    uptake_weight: float,
    background_weight: float = BACKGROUND_WEIGHT,
) -> Tensor:
    """Return the weight of each voxel.

    Parameters
    ----------
    target
        PET in codec units, (n, 1, y, x).
    lesion, body
        Masks (0 or 1) of the same shape.
    lesion_weight
        Added inside lesions, nodes and distant sites.
    uptake_weight
        Times the target's code: hot voxels count more than cold ones.
    background_weight
        Of voxels outside the body.
    """
    inside = 1 + lesion_weight * lesion + uptake_weight * target
    return body * inside + (1 - body) * background_weight


def weighted_l1(synthetic: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted mean absolute difference in codec units."""
    return (weights * (synthetic - target).abs()).sum() / weights.sum()
