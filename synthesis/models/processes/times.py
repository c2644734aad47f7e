"""Which steps of a long schedule a short one visits."""

from __future__ import annotations

import torch
from torch import Tensor


def sub_schedule(T: int, evaluations: int) -> tuple[int, ...]:
    """Return step numbers from T - 1 down to 0, evenly spaced; one alone is T - 1.

    The network is evaluated once at each of them.
    """
    if not 1 <= evaluations <= T:
        raise ValueError(f"A schedule of {T} steps has 1 to {T} evaluations, not {evaluations}.")
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
