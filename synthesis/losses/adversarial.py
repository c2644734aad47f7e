"""Least-squares adversarial loss on patches."""

from __future__ import annotations

import torch
from monai.losses.adversarial_loss import PatchAdversarialLoss
from torch import Tensor, nn


class AdversarialLoss:
    """Mao 2017: the critic's output goes to 1 for acquired and to 0 for synthetic patches."""

    def __init__(self) -> None:
        # Without this switch MONAI puts a leaky ReLU before the squares, which is not LSGAN.
        self._loss = PatchAdversarialLoss(criterion="least_squares", no_activation_leastsq=True)

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
