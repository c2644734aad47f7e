"""What this machine can do at best, and what a family asks of it: operations and bytes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from synthesis.families import Family

MIB = 2**20


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Return how long a call takes; on CUDA between two events of the device itself."""
    if device.type != "cuda":
        start = time.perf_counter()
        work()
        return time.perf_counter() - start
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    work()
    end.record()
    torch.cuda.synchronize(device)
    return float(begin.elapsed_time(end)) / 1000


def medians(
    works: Mapping[str, Callable[[], object]], repeats: int, device: torch.device
) -> dict[str, float]:
    """Return the median of each call after one for warming up; turn by turn, so load hits all."""
    for work in works.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            times[name].append(seconds_of(work, device))
    return {name: statistics.median(values) for name, values in times.items()}


@dataclass(frozen=True, slots=True)
class Machine:
    """What was measured of a device.

    Attributes
    ----------
    operations_s
        Of a large matrix product, in the precision that networks compute in there.
    bytes_s
        Read and written by copying a large tensor.
    """

    name: str
    operations_s: float
    bytes_s: float


def machine(device: torch.device, repeats: int) -> Machine:
    """Measure a device."""
    cuda = device.type == "cuda"
    side, size = (8192, 1024 * MIB) if cuda else (1024, 128 * MIB)
    dtype = torch.bfloat16 if cuda else torch.float32
    a, b = (torch.randn(side, side, dtype=dtype, device=device) for _ in range(2))
    source = torch.ones(size // 4, device=device)
    target = torch.empty_like(source)
    found = medians(
        {"product": lambda: a @ b, "copy": lambda: target.copy_(source)}, repeats, device
    )
    return Machine(
        name=torch.cuda.get_device_name(device) if cuda else "cpu",
        operations_s=2 * side**3 / found["product"],
        bytes_s=2 * size / found["copy"],
    )


@dataclass(frozen=True, slots=True)
class Demand:
    """What one run asks for: operations of its products, and bytes that its layers move."""

    operations: float
    bytes: float

    def floors_s(self, at: Machine) -> tuple[float, float]:
        """Return the least seconds by operations and by bytes."""
        return self.operations / at.operations_s, self.bytes / at.bytes_s


def demand_of(family: Family, run: Callable[[], object]) -> Demand:
    """Count a run: every layer writes its output, the next one reads it, weights are read each time.

    Layers that are fused move fewer bytes than this.
    """
    moved = 0

    def note(module: nn.Module, _inputs: object, output: object) -> None:
        nonlocal moved
        if isinstance(output, Tensor):
            own = sum(p.numel() * p.element_size() for p in module.parameters(recurse=False))
            moved += 2 * output.numel() * output.element_size() + own

    leaves = [module for module in family.networks.modules() if not any(module.children())]
    handles = [module.register_forward_hook(note) for module in leaves]
    counter = FlopCounterMode(display=False)
    try:
        with counter:
            run()
    finally:
        for handle in handles:
            handle.remove()
    return Demand(float(counter.get_total_flops()), float(moved))
