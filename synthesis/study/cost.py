"""What one volume costs in time and memory."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch

from synthesis.study.records import Cost

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
KIB, MIB = 2**10, 2**20


def cost_of(work: Callable[[], object], *, slices: int, device: torch.device) -> Cost:
    """Run once and return what it took; a first run before it has paid for what is set up once."""
    work()
    _forget_peak(device)
    wall, processor = time.perf_counter(), time.process_time()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return Cost(
        seconds=time.perf_counter() - wall,
        processor_seconds=time.process_time() - processor,
        peak_mib=_peak_mib(device),
        slices=slices,
    )


def device_words(device: torch.device) -> str:
    """Return the device in words."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"{platform.machine()} processor, {torch.get_num_threads()} thread(s)"


def _forget_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif CLEAR.exists():
        CLEAR.write_text("5", encoding="ascii")  # proc(5): the peak of the resident set begins anew


def _peak_mib(device: torch.device) -> float | None:
    """Return the peak since it was last forgotten: of the device, or of the whole process."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device) / MIB)
    if not (STATUS.exists() and CLEAR.exists()):
        return None
    lines = STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    peaks = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return peaks[0] * KIB / MIB if peaks else None
