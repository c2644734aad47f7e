"""How much memory one element needs, and how many fit a stated budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

from synthesis.contract import Refused, RefusedError

TOO_LITTLE = Refused("memory", "The device's memory does not suffice for one element at a time.")
MIB = 2**20
MOST_ON_CPU = 8  # more no longer fit the processor's cache, and cancelling would wait longer
MOST_ON_CUDA = 100


def bytes_of(
    networks: nn.Module, evaluate: Callable[[], object], device: torch.device | None = None
) -> int:
    """Return what one evaluation takes: on CUDA its peak, elsewhere all layers' outputs.

    The second is an upper bound: most outputs are given back before the next ones are made.
    """
    if device is not None and device.type == "cuda":
        return _peak_on_cuda(evaluate, device)
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


def _peak_on_cuda(evaluate: Callable[[], object], device: torch.device) -> int:
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    evaluate()
    return max(torch.cuda.max_memory_allocated(device) - before, 1)


def ran_out(error: BaseException) -> bool:
    """Whether an error says that memory is at an end.

    Torch has a class of its own for a CUDA device; on the CPU, and where a library asks the
    device, it raises a RuntimeError with the allocator's words.
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    words = ("DefaultCPUAllocator", "can't allocate memory", "ALLOC_FAILED")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)


Result = TypeVar("Result")


def with_less(run: Callable[[int], Result], size: int, notes: list[str]) -> tuple[Result, int]:
    """Return what `run` gives for a batch size, and the size; half of it where memory runs out.

    Raises
    ------
    RefusedError
        When memory does not suffice for one element.
    """
    while True:
        try:
            return run(size), size
        except (RuntimeError, MemoryError) as error:
            if not ran_out(error):
                raise
            if size == 1:
                raise RefusedError(TOO_LITTLE) from error
        # Out here the failed batch is nobody's any more.
        notes.append(f"Memory ran out with {size} at a time; the work went on with {size // 2}.")
        size //= 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def usual_budget_mib(device: torch.device) -> int:
    """Return 2 GiB, or a quarter of a CUDA device's memory, whatever of it is free just now.

    What is free differs from call to call, and with it batches and the last bits of an image.
    """
    if device.type != "cuda":
        return 2048
    return int(torch.cuda.get_device_properties(device).total_memory // (4 * MIB))


def batch_within(budget_mib: int, bytes_each: int, count: int, device: torch.device) -> int:
    """Return how many elements are computed at a time; at least one.

    Batches are as equal as can be: 66 elements of which 64 fit go as 33 and 33, and a compiled
    network sees as few shapes as can be.
    """
    most = MOST_ON_CUDA if device.type == "cuda" else MOST_ON_CPU
    fitting = max(1, min(count, most, budget_mib * MIB // bytes_each))
    return -(-count // -(-count // fitting))
