"""Draws the batch of every step; it depends on seed, stage, step and place alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synthesis.config import Cascade3dConfig, FamilyConfig, FamilyTrainingConfig
from synthesis.data.augmentation import NO_CHANGE, Augmentation, draw_augmentation
from synthesis.data.model_grid import AIR_HU
from synthesis.data.pairs import PairCase
from synthesis.data.weighting import organ_weights
from synthesis.families import Batch, Condition

Array = NDArray[np.float32]
Attention = Mapping[str, NDArray[np.uint8]]
FULL = 255  # attention is stored as bytes


@dataclass(frozen=True, slots=True)
class _Patch:
    """One element: images [channels, *space] and what is known of the participant."""

    hu: Array
    suv: Array
    lesion: Array
    body: Array
    attention: Array | None
    importance: Array | None
    kvp: float | None
    demographics: tuple[float, float, float, float] | None


class PatchSampler:
    """Patches of some participants for one stage.

    Parameters
    ----------
    case
        Gives the case of a participant.
    participants
        Those that the stage may learn from.
    attention
        Out-of-fold maps by participant; empty where the stage needs none.
    """

    def __init__(
        self,
        case: Callable[[str], PairCase],
        participants: Sequence[str],
        config: FamilyConfig,
        training: FamilyTrainingConfig,
        *,
        stage: int,
        attention: Attention | None = None,
    ) -> None:
        self._case = case
        self._participants = tuple(participants)
        self._config = config
        self._domain = config.domain
        self._training = training
        self._stage = stage
        self._attention = attention or {}

    def batch(self, step: int, places: Sequence[int]) -> Batch:
        """Return the elements with these numbers of the batch of a step."""
        patches = [self._draw(step, place) for place in places]
        attention = [p.attention for p in patches if p.attention is not None]
        important = [p.importance for p in patches if p.importance is not None]
        people = [p.demographics for p in patches if p.demographics is not None]
        return Batch(
            condition=Condition(
                hu=_stacked([p.hu for p in patches]),
                kvp=tuple(p.kvp for p in patches),
                demographics=torch.tensor(people) if len(people) == len(patches) else None,
                attention=_stacked(attention) if len(attention) == len(patches) else None,
            ),
            suv=_stacked([p.suv for p in patches]),
            lesion=_stacked([p.lesion for p in patches]),
            body=_stacked([p.body for p in patches]),
            importance=_stacked(important) if len(important) == len(patches) else None,
        )

    def _draw(self, step: int, place: int) -> _Patch:
        rng = np.random.default_rng([self._training.seed, self._stage, step, place])
        name = self._participants[int(rng.integers(len(self._participants)))]
        case = self._case(name)
        centre = self._centre(case, rng)
        rows, span = self._rows(case, centre[0])
        change = NO_CHANGE
        if self._training.augment:
            change = draw_augmentation(self._training.augmentation, rng)
        middle = self._domain.neighbours if self._domain.dimensions == 2 else None
        return self._cut(name, rows, span, middle=middle, change=change, centre=centre)

    def _centre(self, case: PairCase, rng: np.random.Generator) -> tuple[int, int, int]:
        """Return a voxel of a lesion, or of the body."""
        wants_lesion = rng.random() < self._training.lesion_share
        where = case.foci > 0
        if not wants_lesion or not where.any():
            where = case.body
        z = int(rng.choice(np.flatnonzero(where.any(axis=(1, 2)))))
        y, x = np.nonzero(where[z])
        k = int(rng.integers(len(y)))
        return z, int(y[k]), int(x[k])

    def _rows(self, case: PairCase, z: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return the slices that are read, and which of them lie inside the volume."""
        if self._domain.dimensions == 2:
            reach = self._domain.neighbours
            rows = np.clip(np.arange(z - reach, z + reach + 1), 0, len(case.hu) - 1)
            return rows, np.ones(len(rows), dtype=np.bool_)  # beyond an end its slice is repeated
        depth = self._sides()[0]
        start = min(max(z - depth // 2, 0), max(len(case.hu) - depth, 0))
        rows = np.arange(start, start + depth)
        return np.clip(rows, 0, len(case.hu) - 1), rows < len(case.hu)

    def _sides(self) -> tuple[int, ...]:
        """Return the voxels that are cut: the cascade learns from whole volumes."""
        config = self._config
        return config.volume if isinstance(config, Cascade3dConfig) else self._domain.patch

    def _cut(
        self,
        name: str,
        rows: NDArray[np.intp],
        span: NDArray[np.bool_],
        *,
        middle: int | None,
        change: Augmentation,
        centre: tuple[int, int, int],
    ) -> _Patch:
        case, spacing = self._case(name), self._domain.spacing_zyx_mm[1:]
        own = rows if middle is None else rows[middle : middle + 1]
        inside = span if middle is None else span[middle : middle + 1]
        box = _box(case.hu.shape[1:], self._sides()[-2:], centre[1:])

        def image(array: NDArray[np.generic], chosen: NDArray[np.intp], outside: float) -> Array:
            values = array[chosen].astype(np.float32)
            if change is not NO_CHANGE:
                values = change.image(values, spacing, outside=outside)
            return _within(values, box, outside)

        def mask(array: NDArray[np.bool_]) -> Array:
            values = array[own]
            if change is not NO_CHANGE:
                values = change.mask(values, spacing)
            return self._shaped(_within(values.astype(np.float32), box, 0), inside, 0)

        hu = case.hu[rows].astype(np.float32)
        if change is not NO_CHANGE:
            hu = change.ct(hu, spacing)
        attention, importance = self._attention.get(name), self._importance(case)
        return _Patch(
            hu=self._shaped(_within(hu, box, AIR_HU), span, AIR_HU),
            suv=self._shaped(image(case.suv, own, 0), inside, 0),
            lesion=mask(case.foci > 0),
            body=mask(case.body),
            attention=None
            if attention is None
            else self._shaped(image(attention, own, 0) / np.float32(FULL), inside, 0),
            importance=None
            if importance is None
            else self._shaped(image(importance, own, 1), inside, 1),
            kvp=case.kvp,
            demographics=case.demographics,
        )

    def _importance(self, case: PairCase) -> Array | None:
        """Return the weight of each voxel by its organ; None where no weight is set."""
        wanted = dict(self._training.organ_weights)
        if not wanted:
            return None
        if case.organs is None:
            return np.ones(case.hu.shape, dtype=np.float32)
        numbered = enumerate(case.organ_names, start=1)
        return organ_weights(case.organs, {n: wanted[o] for n, o in numbered if o in wanted})

    def _shaped(self, values: Array, inside: NDArray[np.bool_], outside: float) -> Array:
        """Return (slices, y, x), or (1, z, y, x) for blocks; nothing beyond the volume's end."""
        values[~inside] = outside
        return values if self._domain.dimensions == 2 else values[None]


def _stacked(parts: Sequence[Array]) -> Tensor:
    return torch.from_numpy(np.stack(parts))


Box = tuple[tuple[int, int], tuple[int, int]]  # start and length of rows, of columns


def _box(plane: Sequence[int], sides: Sequence[int], centre: Sequence[int]) -> Box:
    """Return where a patch lies: centred on a voxel but within the plane, where it is smaller."""
    spans = []
    for n, side, c in zip(plane, sides, centre, strict=True):
        start = min(max(c - side // 2, 0), n - side) if side <= n else -((side - n) // 2)
        spans.append((start, side))
    return spans[0], spans[1]


def _within(values: Array, box: Box, outside: float) -> Array:
    """Return (rows, y, x) of a box, which may reach beyond the plane."""
    result = np.full((len(values), box[0][1], box[1][1]), outside, dtype=np.float32)
    there, here = [], []
    for (start, side), n in zip(box, values.shape[1:], strict=True):
        low, high = max(start, 0), min(start + side, n)
        there.append(slice(low, high))
        here.append(slice(low - start, high - start))
    result[:, here[0], here[1]] = values[:, there[0], there[1]]
    return result
