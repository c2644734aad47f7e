"""Noise that depends on seed, sample, place and step alone: never on the device or the batch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor


def generator_of(*key: int | str) -> torch.Generator:
    """Return a CPU generator whose state follows from the key alone."""
    digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


@dataclass(frozen=True, slots=True)
class NoiseSource:
    """Standard noise for the elements of a batch, drawn on the CPU in float32, then moved.

    Attributes
    ----------
    seed, sample
        Of the request, and which of its samples this is.
    index
        What each element is (the number of a slice, say): its noise is the same in any batch.
    shared
        All elements get the noise of one: slices of a volume then do not flicker.
    window
        Shape of the whole and the box that is looked at: a chunk gets its part of one noise.
    """

    seed: int
    sample: int
    index: Sequence[int]
    device: torch.device
    shared: bool = False
    window: tuple[tuple[int, ...], tuple[slice, ...]] | None = None

    def draw(self, shape: Sequence[int], step: int = -1) -> Tensor:
        """Return (n, *shape) of noise; -1 is the noise a sampler starts from."""
        if self.window is not None:
            whole, box = self.window
            ahead = len(shape) - len(whole)  # channels; before them comes the batch
            everywhere = replace(self, window=None).draw((*shape[:ahead], *whole), step)
            return everywhere[(*(slice(None),) * (1 + ahead), *box)]
        if self.shared:
            return self._one(shape, step, 0).to(self.device).expand(len(self.index), *shape)
        return torch.cat([self._one(shape, step, i) for i in self.index]).to(self.device)

    def _one(self, shape: Sequence[int], step: int, index: int) -> Tensor:
        generator = generator_of("noise", self.seed, self.sample, index, step)
        return torch.randn(1, *shape, generator=generator, dtype=torch.float32)
