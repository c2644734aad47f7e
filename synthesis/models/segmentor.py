"""Learns from CT where uptake exceeds an absolute SUV: the attention map of the bridge.

The seed's target was a share of each slice's own maximum, which means another SUV in every slice;
here it is one SUV for all. Maps for training the bridge must come from a segmentor that was not
fitted on the same participant (`synthesis.data.splits.folds`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from synthesis.config import SegmentorConfig
from synthesis.models.translator import Translator


class Segmentor(nn.Module):
    """Source channels to the probability of uptake above the threshold."""

    def __init__(self, config: SegmentorConfig, *, spatial_dims: int, in_channels: int) -> None:
        super().__init__()
        self.config = config
        self.translator = Translator(spatial_dims, in_channels, 1, config.features)

    def forward(self, source: Tensor) -> Tensor:
        """Return probabilities (n, 1, *space)."""
        out: Tensor = self.translator(source)
        return out

    def target(self, suv: Tensor) -> Tensor:
        """Return the mask that it learns: 1 where SUV exceeds the threshold."""
        return (suv > self.config.threshold_suv).to(suv.dtype)

    @torch.no_grad()
    def attention(self, source: Tensor) -> Tensor:
        """Return the map that guides the bridge, binarised when the configuration says so."""
        probability = self(source)
        if self.config.binarise_at == 0:
            return probability
        return (probability > self.config.binarise_at).to(probability.dtype)
