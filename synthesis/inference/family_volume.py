"""Volume in, volume out for every family: one seed, several samples, a budget of memory."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from evaluation.imaging import Grid, Volume
from synthesis.config import Cascade3dConfig, DomainConfig
from synthesis.contract import Cancelled, Progress
from synthesis.data.model_grid import AIR_HU, model_grid, smooth_resample
from synthesis.families import Condition, Family
from synthesis.inference.sampling import Array, Sampled, Sampling, Work, never, silent
from synthesis.inference.windows import whole_volumes
from synthesis.models.encoding import decode_suv, decode_window


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
    work = Work(family, sampling or Sampling(), progress, cancelled)
    padded, box = _padded(hu.astype(np.float32), family)
    whole = _blocks if family.config.domain.dimensions == 3 else _slices
    images = whole(work, padded, kvp)[:, *box]  # mean, one sample, deviation: (1 or 3, z, y, x)
    many = len(images) > 1
    return Sampled(
        mean=images[0].numpy(),
        first=images[1 if many else 0].contiguous().numpy(),
        sd=images[2].numpy() if many else None,
        notes=tuple(work.notes),
    )


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
    work = Work(family, wanted, progress, cancelled)
    codes = work.sample(Condition(demographics=torch.tensor([demographics])), progress, wanted)
    spacing = config.domain.spacing_zyx_mm
    z, y, x = (-s * (n - 1) / 2 for s, n in zip(spacing, config.volume, strict=True))
    grid = Grid(config.volume, spacing, (x, y, z))
    hu = decode_window(codes[0, 0, 0], config.domain.windows[0]).float().cpu().numpy()
    suv = decode_suv(codes[0, 0, 1], config.domain.codec).cpu().numpy()
    return Volume(hu, grid, "HU"), Volume(suv, grid, "SUVbw")


def _slices(work: Work, hu: Array, kvp: float | None) -> Tensor:
    """Return the images of every slice, in batches that fit the budget."""
    domain, device = work.family.config.domain, work.family.device
    reach = domain.neighbours
    padded = np.pad(hu, ((reach, reach), (0, 0), (0, 0)), mode="edge")
    volume = torch.from_numpy(padded).to(device)  # once; each slice is seen with its neighbours

    def condition(start: int, stop: int) -> Condition:
        part = volume[start : stop + 2 * reach].unfold(0, 2 * reach + 1, 1).movedim(-1, 1)
        index = tuple(range(start, stop))
        return Condition(hu=part.contiguous(), kvp=(kvp,) * (stop - start), index=index)

    size = work.fitting(condition(0, 1), len(hu))
    work.hasten(condition(0, size))
    parts: list[Tensor] = []
    done = 0

    def run(batch: int) -> Tensor:
        stop = min(done + batch, len(hu))
        report = _within(work.progress, done, stop, len(hu))
        return _in_suv(work.sample(condition(done, stop), report, work.sampling)[:, :, 0], domain)

    while done < len(hu):
        images, size = work.careful(run, size)
        parts.append(images)
        done += images.shape[1]
    return torch.cat(parts, dim=1)


def _blocks(work: Work, hu: Array, kvp: float | None) -> Tensor:
    """Return the images of the whole volume; windows are batched as the budget allows."""
    domain = work.family.config.domain
    patch = domain.patch
    condition = Condition(hu=torch.from_numpy(hu[None, None]), kvp=(kvp,), index=(0,))
    block = Condition(hu=condition.hu[..., : patch[0], : patch[1], : patch[2]], kvp=(kvp,))  # type: ignore[index] # it was given above
    windows = math.prod(-(-2 * n // p) for n, p in zip(hu.shape, patch, strict=True))
    size = work.fitting(block, windows)
    work.hasten(block)

    def run(batch: int) -> Tensor:
        with whole_volumes(work.family, batch):
            codes = work.sample(condition, work.progress, work.sampling)[:, 0, 0]
        return _in_suv(codes, domain)

    return work.careful(run, size)[0]


def _within(progress: Progress, start: int, stop: int, count: int) -> Progress:
    """Return a progress that counts the evaluations of all batches."""

    def report(done: int, total: int, stage: str) -> None:
        progress(start * total + done * (stop - start), count * total, stage)

    return report


def _in_suv(codes: Tensor, domain: DomainConfig) -> Tensor:
    """Return the mean of samples in SUV, the first of them and their deviation; one as it is.

    Computed where the codes are, and only these leave it.
    """
    suv = decode_suv(codes.float(), domain.codec)
    if len(suv) > 1:
        suv = torch.stack([suv.mean(dim=0), suv[0], suv.std(dim=0)])
    return suv.cpu()


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
