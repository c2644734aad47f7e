"""Draws batches of slices; half of them hold a lesion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from synthesis.config import ModelConfig
from synthesis.data.model_grid import ct_channels
from synthesis.training.cases import Case

LESION_SHARE = 0.5
LARGEST_SHIFT = 6  # pixels; the heart is not always in the same place of the image


@dataclass(frozen=True, slots=True)
class Batch:
    """Slices as (n, channels, y, x) and (n, 1, y, x)."""

    ct: Tensor
    target: Tensor
    lesion: Tensor
    body: Tensor


class SliceSampler:
    """Gives the batch of every step; the same seed and step always give the same batch."""

    def __init__(self, cases: list[Case], model: ModelConfig, seed: int) -> None:
        self._cases = cases
        self._model = model
        self._seed = seed
        self._with_lesion = [np.flatnonzero((case.foci > 0).any(axis=(1, 2))) for case in cases]

    def batch(self, step: int, size: int) -> Batch:
        """Return the batch of a step."""
        rng = np.random.default_rng([self._seed, step])
        parts = [self._draw(rng) for _ in range(size)]
        stacked = [np.stack(column) for column in zip(*parts, strict=True)]
        ct, target, lesion, body = (torch.from_numpy(np.ascontiguousarray(a)) for a in stacked)
        return Batch(ct, target, lesion, body)

    def _draw(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        index = int(rng.integers(len(self._cases)))
        case, marked = self._cases[index], self._with_lesion[index]
        wants_lesion = rng.random() < LESION_SHARE and len(marked) > 0
        z = int(rng.choice(marked)) if wants_lesion else int(rng.integers(len(case.hu)))
        reach = self._model.neighbours
        rows = np.clip(np.arange(z - reach, z + reach + 1), 0, len(case.hu) - 1)
        hu = case.hu[rows].astype(np.float32)
        ct = ct_channels(hu, self._model)[reach]
        target = self._model.codec.encode(case.suv[z].astype(np.float32))[None]
        lesion = (case.foci[z] > 0).astype(np.float32)[None]
        body = case.body[z].astype(np.float32)[None]
        shift = tuple(int(v) for v in rng.integers(-LARGEST_SHIFT, LARGEST_SHIFT + 1, 2))
        return tuple(np.roll(a, shift, axis=(1, 2)) for a in (ct, target, lesion, body))
