"""Losses as small functions, in the papers' symbols."""

from synthesis.losses.adversarial import AdversarialLoss
from synthesis.losses.edm import edm_loss
from synthesis.losses.matching import matching_loss
from synthesis.losses.segmentation import dice_loss, kl_to_standard
from synthesis.losses.weighted_l1 import voxel_weights, weighted_l1

__all__ = [
    "AdversarialLoss",
    "dice_loss",
    "edm_loss",
    "kl_to_standard",
    "matching_loss",
    "voxel_weights",
    "weighted_l1",
]
