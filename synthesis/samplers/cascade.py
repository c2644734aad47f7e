"""A large volume in overlapping chunks that see one global noise; the overlap is thrown away.

Chunks with noise of their own would each make up another patient. With slices of one noise tensor
neighbouring chunks agree where they overlap but for the edge effect of the network, and that edge
is what is discarded.
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


def cut(volume: Tensor, box: Sequence[slice]) -> Tensor:
    """Return the part of (n, channels, *shape) in a box."""
    return volume[_of(box)]


def _of(box: Sequence[slice]) -> tuple[slice, ...]:
    return (slice(None), slice(None), *box)
