"""PET painted over its source: the target image of seed 002, for display and reader studies.

It contains the source, so image numbers on it flatter any model; it is never quantitative.
"""

from __future__ import annotations

import torch
from torch import Tensor

LARGEST_SHARE = 0.8


def fuse(source: Tensor, pet: Tensor) -> Tensor:
    """Return colours (n, 3, *space) in 0..1 of grey source and PET codes, both (n, 1, *space).

    PET runs from black over red and yellow to white, and covers the source the more the hotter it
    is.
    """
    heat = torch.cat([3 * pet, 3 * pet - 1, 3 * pet - 2], dim=1).clamp(0, 1)
    share = LARGEST_SHARE * pet.clamp(0, 1)
    return (1 - share) * source + share * heat
