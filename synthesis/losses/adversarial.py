"""Adversarial losses on patches: least squares, or the original cross-entropy."""

from __future__ import annotations

from typing import Literal

import torch
from monai.losses.adversarial_loss import PatchAdversarialLoss
from torch import Tensor, nn


class AdversarialLoss:
    """The critic's output goes to 1 for acquired and to 0 for synthetic patches.

    `least_squares` is Mao 2017, `bce` is Isola 2017 with the generator maximising log D.
    """

    def __init__(self, kind: Literal["least_squares", "bce"] = "least_squares") -> None:
        self._kind = kind
        # Without this switch MONAI puts a leaky ReLU before the squares, which is not LSGAN.
        self._squares = PatchAdversarialLoss(criterion="least_squares", no_activation_leastsq=True)

    def _loss(self, logits: Tensor, *, target_is_real: bool, for_discriminator: bool) -> Tensor:
        logits = logits.float()
        if self._kind == "bce":  # on logits: MONAI's takes probabilities, unsafe in bf16
            wanted = torch.full_like(logits, float(target_is_real))
            return nn.functional.binary_cross_entropy_with_logits(logits, wanted)
        loss: Tensor = self._squares(logits, target_is_real, for_discriminator)
        return loss

    def generator(self, critic: nn.Module, ct: Tensor, synthetic: Tensor) -> Tensor:
        """Return how far the critic is from taking the synthetic slice for an acquired one."""
        logits = critic(torch.cat([ct, synthetic], dim=1))[-1]
        return self._loss(logits, target_is_real=True, for_discriminator=False)

    def critic(self, critic: nn.Module, ct: Tensor, pair: tuple[Tensor, Tensor]) -> Tensor:
        """Return the critic's loss on (acquired, synthetic), halved as in pix2pix."""
        acquired, synthetic = pair
        of_acquired = critic(torch.cat([ct, acquired], dim=1))[-1]
        of_synthetic = critic(torch.cat([ct, synthetic.detach()], dim=1))[-1]
        loss = self._loss(of_acquired, target_is_real=True, for_discriminator=True)
        return 0.5 * (loss + self._loss(of_synthetic, target_is_real=False, for_discriminator=True))
