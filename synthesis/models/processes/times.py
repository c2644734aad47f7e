"""Which steps of a long schedule a short one visits."""

from __future__ import annotations

import torch
from torch import Tensor

from synthesis.config.processes import Spacing


def sub_schedule(T: int, evaluations: int, spacing: Spacing = "both_ends") -> tuple[int, ...]:
    """Return step numbers from T - 1 down, evenly spaced; one alone is T - 1.

    The network is evaluated once at each of them, and its last estimate is the image.

    `both_ends` visits T - 1 and 0. `trailing` (Lin 2024, arXiv 2305.08891) cuts the way in equal
    strides and visits where each begins, so no evaluation is spent where hardly any noise is left;
    the schedule of K evaluations is every M-th step of that of K M.
    """
    if not 1 <= evaluations <= T:
        raise ValueError(f"A schedule of {T} steps has 1 to {T} evaluations, not {evaluations}.")
    if spacing == "trailing":
        return tuple(T - 1 - (k * T) // evaluations for k in range(evaluations))
    if evaluations == 1:
        return (T - 1,)
    last = T - 1
    return tuple(last - round(k * last / (evaluations - 1)) for k in range(evaluations))


def wide(values: Tensor, like: Tensor) -> Tensor:
    """Return (n,) values shaped to multiply a (n, channels, *space) tensor, on its device."""
    return values.to(like).reshape(-1, *(1,) * (like.ndim - 1))


def at(table: Tensor, t: Tensor | int, like: Tensor) -> Tensor:
    """Return the table's values at step numbers, shaped to multiply `like`."""
    index = torch.as_tensor(t, dtype=torch.long).reshape(-1).cpu()
    return wide(table[index], like)
