"""How much memory one element needs, and how many fit a stated budget."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

MIB = 2**20
MOST_ON_CPU = 8  # more no longer fit the processor's cache, and cancelling would wait longer
MOST_ON_CUDA = 64


def bytes_of(networks: nn.Module, evaluate: Callable[[], object]) -> int:
    """Return the bytes of all layers' outputs in one evaluation: an upper bound of what it holds."""
    total = 0

    def note(_module: nn.Module, _inputs: object, output: object) -> None:
        nonlocal total
        if isinstance(output, Tensor):
            total += output.numel() * output.element_size()

    leaves = [module for module in networks.modules() if not any(module.children())]
    handles = [module.register_forward_hook(note) for module in leaves]
    try:
        evaluate()
    finally:
        for handle in handles:
            handle.remove()
    return max(total, 1)


def usual_budget_mib(device: torch.device) -> int:
    """Return 2 GiB, or a quarter of a CUDA device's memory, whatever of it is free just now.

    What is free differs from call to call, and with it batches and the last bits of an image.
    """
    if device.type != "cuda":
        return 2048
    return int(torch.cuda.get_device_properties(device).total_memory // (4 * MIB))


def batch_within(budget_mib: int, bytes_each: int, count: int, device: torch.device) -> int:
    """Return how many elements are computed at a time; at least one."""
    most = MOST_ON_CUDA if device.type == "cuda" else MOST_ON_CPU
    return max(1, min(count, most, budget_mib * MIB // bytes_each))
