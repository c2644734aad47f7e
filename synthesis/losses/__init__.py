"""Losses of the adversarial pair."""

from synthesis.losses.adversarial import AdversarialLoss
from synthesis.losses.weighted_l1 import voxel_weights, weighted_l1

__all__ = ["AdversarialLoss", "voxel_weights", "weighted_l1"]
