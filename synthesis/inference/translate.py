"""Runs a generator over a CT volume, slice by slice in batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.imaging import Volume
from synthesis.config import ModelConfig
from synthesis.contract import Cancelled, CancelledError, Device, Progress, Refused, RefusedError
from synthesis.data.model_grid import AIR_HU, ct_channels, model_grid, smooth_resample
from synthesis.inference.memory import with_less
from synthesis.models import Generator

BATCH_SLICES = 4  # small batches stay in the processor's cache, and cancelling is quick
MULTIPLE = 16  # the U-Net halves the image four times
SMALLEST_PLANE = 64


@dataclass(frozen=True, slots=True)
class Translation:
    """A generator on a device with the settings that it was trained with."""

    generator: Generator
    config: ModelConfig
    device: torch.device


def prepare(generator: Generator, config: ModelConfig, device: torch.device) -> Translation:
    """Return the generator on its device, with channels last: twice as fast on a CPU."""
    placed = generator.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch types this keyword for tensors only
    return Translation(placed.eval(), config, device)


def choose_device(wanted: Device) -> torch.device:
    """Return the device; `auto` takes CUDA where there is one."""
    if wanted == "cuda" and not torch.cuda.is_available():
        raise RefusedError(Refused("no_cuda", "This worker has no CUDA device."))
    use_cuda = wanted == "cuda" or (wanted == "auto" and torch.cuda.is_available())
    if use_cuda:
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False
    return torch.device("cuda" if use_cuda else "cpu")


def translate_volume(
    translation: Translation,
    ct: Volume,
    progress: Progress,
    cancelled: Cancelled,
    *,
    notes: list[str] | None = None,
) -> Volume:
    """Return the synthetic PET in SUVbw on the model's grid over the extent of the CT.

    Parameters
    ----------
    translation
        Generator, settings, device.
    ct
        HU on a grid along the patient's axes (`accept_ct`).
    progress
        Called after every batch with slices done, slices in all, and the stage.
    cancelled
        Asked before every batch.
    notes
        Gets a sentence where memory ran out and smaller batches were taken.

    Raises
    ------
    CancelledError
        When `cancelled` says so.
    RefusedError
        When memory does not suffice for one slice.
    """
    grid = model_grid(ct.grid, translation.config)
    hu = smooth_resample(ct, grid).array
    padded, box = _pad(hu)
    channels = ct_channels(padded, translation.config)  # (z, channels, y, x)
    codes = np.empty(padded.shape, dtype=np.float32)
    start, size, noted = 0, BATCH_SLICES, [] if notes is None else notes

    def run(batch: int) -> NDArray[np.float32]:
        return _run(translation, channels[start : start + batch])

    while start < len(padded):
        if cancelled():
            raise CancelledError
        found, size = with_less(run, size, noted)
        codes[start : start + len(found)] = found
        start += len(found)
        progress(start, len(padded), "translating")
    suv = translation.config.codec.decode(codes[:, box[0], box[1]])
    return Volume(np.ascontiguousarray(suv), grid, "SUVbw")


@torch.inference_mode()
def _run(translation: Translation, channels: NDArray[np.float32]) -> NDArray[np.float32]:
    batch = torch.from_numpy(np.ascontiguousarray(channels)).to(translation.device)
    out = translation.generator(batch.to(memory_format=torch.channels_last))  # (n, 1, y, x)
    return out[:, 0].float().cpu().numpy()


def _pad(hu: NDArray[np.float32]) -> tuple[NDArray[np.float32], tuple[slice, slice]]:
    """Return slices padded with air to a size the network takes, and where the CT lies in them."""
    pads, box = [(0, 0)], []
    for n in hu.shape[1:]:
        size = max(SMALLEST_PLANE, -(-n // MULTIPLE) * MULTIPLE)
        before = (size - n) // 2
        pads.append((before, size - n - before))
        box.append(slice(before, before + n))
    return np.pad(hu, pads, constant_values=AIR_HU), (box[0], box[1])
