"""The device that a translation runs on."""

from __future__ import annotations

import torch

from synthesis.contract import Device, Refused, RefusedError


def choose_device(wanted: Device) -> torch.device:
    """Return the device; `auto` takes CUDA where there is one.

    Raises
    ------
    RefusedError
        When CUDA is demanded and there is none.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise RefusedError(Refused("no_cuda", "This worker has no CUDA device."))
    use_cuda = wanted == "cuda" or (wanted == "auto" and torch.cuda.is_available())
    if use_cuda:
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False
    return torch.device("cuda" if use_cuda else "cpu")
