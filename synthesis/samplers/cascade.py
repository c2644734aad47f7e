"""A large volume in overlapping chunks that see one global noise; overlaps are cut off or blended.

Chunks with noise of their own would each make up another patient. With slices of one noise tensor
neighbouring chunks agree where they overlap but for the edge effect of the network, and that edge
is what is discarded. Where a network looks further than the overlap (a norm over the whole chunk
does), chunks still differ by a little at a cut; blending spreads that over the overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

Box = tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class Chunked:
    """Where the chunks of a volume lie.

    Attributes
    ----------
    shape, chunk
        Voxels of the volume and of a chunk, a side each.
    overlap
        Voxels at every inner side of a chunk that are computed and not kept.
    """

    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    overlap: int

    def __post_init__(self) -> None:
        """Refuse chunks that keep nothing."""
        for side, part in zip(self.shape, self.chunk, strict=True):
            if part > side or (part < side and part <= 2 * self.overlap):
                raise ValueError("A chunk lies within the volume and is more than its overlaps.")

    def __len__(self) -> int:
        """Return the number of chunks."""
        return sum(1 for _ in self.boxes())

    def boxes(self) -> Iterator[tuple[Box, Box, Box]]:
        """Yield (chunk in the volume, kept part in the volume, kept part in the chunk)."""
        sides = [
            list(_side(n, c, self.overlap)) for n, c in zip(self.shape, self.chunk, strict=True)
        ]
        for combination in product(*sides):
            seen, kept, inner = zip(*combination, strict=True)
            yield seen, kept, inner


def _side(length: int, chunk: int, overlap: int) -> Iterator[tuple[slice, slice, slice]]:
    """Yield the parts of one side; kept parts cover it once, without a gap."""
    done, start = 0, 0
    while done < length:
        stop = start + chunk
        end = length if stop >= length else stop - overlap
        yield slice(start, stop), slice(done, end), slice(done - start, end - start)
        done = end
        start = min(done - overlap, length - chunk)


def sample_in_chunks(
    plan: Chunked, sample: Callable[[Box], Tensor], *, channels: int, device: torch.device
) -> Tensor:
    """Return (n, channels, *shape) put together from what `sample` gives for each chunk.

    Raises
    ------
    RuntimeError
        When a voxel was not covered exactly once: a plan with a hole is never returned.
    """
    result: Tensor | None = None
    times = torch.zeros(plan.shape, dtype=torch.uint8)
    for seen, kept, inner in plan.boxes():
        part = sample(seen)  # (n, channels, *chunk)
        if result is None:
            result = torch.empty(len(part), channels, *plan.shape, device=device)
        result[_of(kept)] = cut(part, inner).to(device)
        times[kept] += 1
    if result is None or not bool((times == 1).all()):
        raise RuntimeError("The chunks do not cover the volume exactly once.")
    return result


def blend_chunks(
    plan: Chunked, sample: Callable[[Box], Tensor], *, channels: int, device: torch.device
) -> Tensor:
    """Return (n, channels, *shape), the weighted mean of the chunks that see each voxel.

    Weights rise linearly over the overlap on both sides of a cut.
    """
    total: Tensor | None = None
    weight = torch.zeros(plan.shape, device=device)
    for seen, _, _ in plan.boxes():
        part = sample(seen).to(device)  # (n, channels, *chunk)
        own = _trapezoid(plan, seen).to(device)
        if total is None:
            total = torch.zeros(len(part), channels, *plan.shape, device=device)
        total[_of(seen)] += own * part
        weight[seen] += own
    if total is None or not bool((weight > 0).all()):
        raise RuntimeError("The chunks do not cover the volume.")
    return total / weight


def _trapezoid(plan: Chunked, seen: Box) -> Tensor:
    """Return the weight of each voxel of a chunk: 1 but for the ramps at its inner sides."""
    weight = torch.ones(())
    for side, length in zip(seen, plan.shape, strict=True):
        place = torch.arange(side.stop - side.start, dtype=torch.float32) + 0.5
        ramp = torch.ones(len(place))
        if side.start > 0 and plan.overlap:
            ramp = torch.minimum(ramp, place / (2 * plan.overlap))
        if side.stop < length and plan.overlap:
            ramp = torch.minimum(ramp, (len(place) - place) / (2 * plan.overlap))
        weight = weight[..., None] * ramp
    return weight


def cut(volume: Tensor, box: Sequence[slice]) -> Tensor:
    """Return the part of (n, channels, *shape) in a box."""
    return volume[_of(box)]


def _of(box: Sequence[slice]) -> tuple[slice, ...]:
    return (slice(None), slice(None), *box)
