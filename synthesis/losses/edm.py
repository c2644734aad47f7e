"""The loss of EDM with learned log variance (Karras 2022 and 2024)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from synthesis.models.preconditioned import PreconditionedDenoiser
from synthesis.models.processes import wide


def edm_loss(
    denoiser: PreconditionedDenoiser,
    x0: Tensor,
    noise: tuple[Tensor, Tensor],
    conditions: Tensor | None = None,
    *,
    network: Callable[..., Tensor] | None = None,
) -> Tensor:
    """Return the mean of lambda(sigma) / exp(u) * |D - x0|^2 + u.

    Parameters
    ----------
    noise
        (sigma, eps): levels (n,) and standard noise like x0.
    network
        What is called in the denoiser's place, when it is wrapped (compiled, distributed).
    """
    sigma, eps = noise
    estimate = (network or denoiser)(x0 + wide(sigma, x0) * eps, sigma, conditions)
    weight = denoiser.preconditioning.weight(sigma)
    u = denoiser.u(sigma)
    cost = (estimate.float() - x0.float()).square().flatten(1).mean(dim=1)
    return (weight / u.exp() * cost + u).mean()
