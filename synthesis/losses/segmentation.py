"""Losses of the attention segmentor and of the autoencoder."""

from __future__ import annotations

import torch
from monai.losses.dice import DiceLoss
from torch import Tensor

_DICE = DiceLoss(batch=True)  # over the batch: many slices hold no uptake at all


def dice_loss(probability: Tensor, mask: Tensor) -> Tensor:
    """Return 1 - 2 |P M| / (|P| + |M|), over the whole batch."""
    loss: Tensor = _DICE(probability.float(), mask.float())
    return loss


def kl_to_standard(mean: Tensor, deviation: Tensor) -> Tensor:
    """Return the divergence of N(mean, deviation^2) from N(0, 1), per latent number."""
    variance = deviation.float().square().clamp_min(1e-12)
    return 0.5 * torch.mean(mean.float().square() + variance - 1 - variance.log())
