"""The way of a sampler, and the strides that a student takes along its teacher's."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor

Place = tuple[float, Tensor]  # a time and the image there; the end is x0


@dataclass(frozen=True, slots=True)
class Stride:
    """One step of a student: where its teacher was, and where it came to.

    Attributes
    ----------
    x, ahead
        Images at the two times, (n, channels, *space).
    times
        (t, n), n earlier; the end is -1 for step numbers and 0 for a flow.
    """

    x: Tensor
    ahead: Tensor
    times: tuple[float, float]


def end_of(way: Iterator[Place]) -> Tensor:
    """Return the image at the end of a way."""
    ((_, x),) = deque(way, maxlen=1)
    return x


def strides(way: Iterator[Place], substeps: int) -> tuple[Stride, ...]:
    """Return a way in strides of that many of its steps.

    Raises
    ------
    ValueError
        When the strides do not fill the way.
    """
    knots: list[Place] = []
    last = -1
    for last, place in enumerate(way):
        if last % substeps == 0:
            knots.append(place)
    if last < 1 or last % substeps:
        raise ValueError(f"A way of {max(last, 0)} steps has no whole strides of {substeps}.")
    return tuple(Stride(x, ahead, (t, n)) for (t, x), (n, ahead) in pairwise(knots))
