"""Volume in, volume out for every family: one seed, several samples, a budget of memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evaluation.imaging import Grid, Volume
from synthesis.config import Cascade3dConfig
from synthesis.contract import Cancelled, Progress, Refused, RefusedError
from synthesis.data.model_grid import AIR_HU, model_grid, smooth_resample
from synthesis.families import Condition, Family
from synthesis.inference.memory import batch_within, bytes_of
from synthesis.inference.windows import whole_volumes
from synthesis.models.encoding import decode_suv, decode_window

Array = NDArray[np.float32]


def silent(_done: int, _total: int, _stage: str) -> None:
    """Tell nobody."""


def never() -> bool:
    """Never ask to stop."""
    return False


@dataclass(frozen=True, slots=True)
class Sampling:
    """What is wanted of a family.

    Attributes
    ----------
    samples
        Several give a mean and a standard deviation; refused for a deterministic family.
    evaluations
        Of the network for one sample; None is the configured number.
    budget_mib
        Memory that the layers' outputs may take; batches are as large as it allows.
    lower_precision
        bfloat16 where the networks compute; faster on CUDA, and other bytes.
    """

    seed: int = 0
    samples: int = 1
    evaluations: int | None = None
    budget_mib: int = 2048
    lower_precision: bool = False


@dataclass(frozen=True, slots=True)
class Sampled:
    """Synthetic images in SUV.

    Attributes
    ----------
    mean
        Over the samples, in SUV: for measuring. With one sample, that one.
    sd
        Standard deviation over the samples; None for one sample.
    first
        One sample: for looking at.
    notes
        What went otherwise than asked, in sentences.
    """

    mean: Array
    sd: Array | None
    first: Array
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Work:
    """One call: what is wanted, whom to tell, and what has to be said at the end."""

    family: Family
    sampling: Sampling
    progress: Progress
    cancelled: Cancelled
    notes: list[str] = field(default_factory=list)

    def sample(self, condition: Condition, progress: Progress, sampling: Sampling) -> Tensor:
        """Return codes (samples, n, channels, *space)."""
        lower = sampling.lower_precision
        device = self.family.device
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=lower):
            return self.family.sample(
                condition.to(device),
                seed=sampling.seed,
                evaluations=sampling.evaluations,
                samples=sampling.samples,
                progress=progress,
                cancelled=self.cancelled,
            )


def synthesise_volume(
    family: Family,
    ct: Volume,
    *,
    kvp: float | None = None,
    sampling: Sampling | None = None,
    progress: Progress = silent,
    cancelled: Cancelled = never,
) -> tuple[Sampled, Grid]:
    """Return the synthetic PET of a CT on the model's grid over the extent of the CT.

    Parameters
    ----------
    family
        With trained weights, on its device.
    ct
        HU on a grid along the patient's axes.
    kvp
        Tube voltage; refused when a family needs it and it is not known.
    """
    grid = model_grid(ct.grid, family.config.domain)
    hu = smooth_resample(ct, grid).array
    sampled = sample_on_grid(
        family, hu, kvp=kvp, sampling=sampling, progress=progress, cancelled=cancelled
    )
    return sampled, grid


def sample_on_grid(
    family: Family,
    hu: Array,
    *,
    kvp: float | None = None,
    sampling: Sampling | None = None,
    progress: Progress = silent,
    cancelled: Cancelled = never,
) -> Sampled:
    """Return the synthetic PET of HU [z, y, x] on the model's grid.

    Raises
    ------
    RefusedError
        When memory does not suffice for one element.
    CancelledError
        When `cancelled` says so.
    ConditionRefusedError
        When the family lacks something or cannot give what is asked.
    """
    work = _Work(family, sampling or Sampling(), progress, cancelled)
    padded, box = _padded(hu.astype(np.float32), family)
    whole = _blocks if family.config.domain.dimensions == 3 else _slices
    codes = whole(work, padded, kvp)  # (samples, z, y, x)
    return _in_suv(codes[:, *box], family, work.notes)


def sample_twin(
    family: Family,
    demographics: tuple[float, float, float, float],
    *,
    sampling: Sampling | None = None,
    progress: Progress = silent,
    cancelled: Cancelled = never,
) -> tuple[Volume, Volume]:
    """Return a CT in HU and a PET in SUVbw of nobody: one sample of the cascade.

    Parameters
    ----------
    demographics
        Height in m, weight in kg, male (0 or 1), age in years.
    """
    config = family.config
    if not isinstance(config, Cascade3dConfig):
        raise TypeError(f"{config.family} makes no twins.")
    wanted = sampling or Sampling()
    work = _Work(family, wanted, progress, cancelled)
    codes = work.sample(Condition(demographics=torch.tensor([demographics])), progress, wanted)
    spacing = config.domain.spacing_zyx_mm
    z, y, x = (-s * (n - 1) / 2 for s, n in zip(spacing, config.volume, strict=True))
    grid = Grid(config.volume, spacing, (x, y, z))
    hu = decode_window(codes[0, 0, 0], config.domain.windows[0]).float().cpu().numpy()
    suv = decode_suv(codes[0, 0, 1], config.domain.codec).cpu().numpy()
    return Volume(hu, grid, "HU"), Volume(suv, grid, "SUVbw")


def _slices(work: _Work, hu: Array, kvp: float | None) -> Tensor:
    """Return codes of every slice, in batches that fit the budget."""
    reach = work.family.config.domain.neighbours
    padded = np.pad(hu, ((reach, reach), (0, 0), (0, 0)), mode="edge")
    views = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0)

    def condition(start: int, stop: int) -> Condition:
        part = np.moveaxis(views[start:stop], -1, 1).copy()
        index = tuple(range(start, stop))
        return Condition(hu=torch.from_numpy(part), kvp=(kvp,) * (stop - start), index=index)

    size = _fitting(work, condition(0, 1), len(hu))
    parts: list[Tensor] = []
    done = 0

    def run(batch: int) -> Tensor:
        stop = min(done + batch, len(hu))
        report = _within(work.progress, done, stop, len(hu))
        return work.sample(condition(done, stop), report, work.sampling)[:, :, 0].float().cpu()

    while done < len(hu):
        codes, size = _careful(work, run, size)
        parts.append(codes)
        done += codes.shape[1]
    return torch.cat(parts, dim=1)


def _blocks(work: _Work, hu: Array, kvp: float | None) -> Tensor:
    """Return codes of the whole volume; windows are batched as the budget allows."""
    domain = work.family.config.domain
    patch = domain.patch
    condition = Condition(hu=torch.from_numpy(hu[None, None]), kvp=(kvp,), index=(0,))
    block = Condition(hu=condition.hu[..., : patch[0], : patch[1], : patch[2]], kvp=(kvp,))  # type: ignore[index] # it was given above
    windows = math.prod(-(-2 * n // p) for n, p in zip(hu.shape, patch, strict=True))
    size = _fitting(work, block, windows)

    def run(batch: int) -> Tensor:
        with whole_volumes(work.family, batch):
            return work.sample(condition, work.progress, work.sampling)[:, 0, 0].float().cpu()

    return _careful(work, run, size)[0]


def _fitting(work: _Work, condition: Condition, count: int) -> int:
    """Return how many elements fit the budget, by what one evaluation of one element holds."""
    probe = Sampling(evaluations=1, lower_precision=work.sampling.lower_precision)
    each = bytes_of(work.family.networks, lambda: work.sample(condition, silent, probe))
    wanted = batch_within(work.sampling.budget_mib, each, count, work.family.device)
    if each > work.sampling.budget_mib * 2**20:
        work.notes.append(
            f"One element may need {each / 2**20:.0f} MiB, more than the budget of "
            f"{work.sampling.budget_mib} MiB; they were computed one at a time."
        )
    return wanted


def _careful(work: _Work, run: Callable[[int], Tensor], size: int) -> tuple[Tensor, int]:
    """Return what `run` gives for a batch size, and the size; smaller where memory runs out."""
    while True:
        try:
            return run(size), size
        except torch.OutOfMemoryError as error:
            if size == 1:
                sentence = "The device's memory does not suffice for one element at a time."
                raise RefusedError(Refused("memory", sentence)) from error
            work.notes.append(
                f"Memory ran out with {size} at a time; the work went on with {size // 2}."
            )
            size //= 2
            torch.cuda.empty_cache()


def _within(progress: Progress, start: int, stop: int, count: int) -> Progress:
    """Return a progress that counts the evaluations of all batches."""

    def report(done: int, total: int, stage: str) -> None:
        progress(start * total + done * (stop - start), count * total, stage)

    return report


def _in_suv(codes: Tensor, family: Family, notes: list[str]) -> Sampled:
    suv = decode_suv(codes, family.config.domain.codec)
    many = len(suv) > 1
    return Sampled(
        mean=suv.mean(dim=0).numpy(),
        sd=suv.std(dim=0).numpy() if many else None,
        first=suv[0].contiguous().numpy(),
        notes=tuple(notes),
    )


def _padded(hu: Array, family: Family) -> tuple[Array, tuple[slice, ...]]:
    """Return HU padded with air to sides the networks take, and where the volume lies in them."""
    spec, domain = family.spec(), family.config.domain
    least = domain.patch if domain.dimensions == 3 else (1, spec.multiple, spec.multiple)
    pads, box = [], []
    for axis, (n, low) in enumerate(zip(hu.shape, least, strict=True)):
        multiple = 1 if axis == 0 and domain.dimensions == 2 else spec.multiple
        size = -(-max(n, low) // multiple) * multiple
        before = (size - n) // 2
        pads.append((before, size - n - before))
        box.append(slice(before, before + n))
    return np.pad(hu, pads, constant_values=AIR_HU), tuple(box)
