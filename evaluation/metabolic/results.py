"""What a metabolic measurement returns, and what it refuses."""

from dataclasses import dataclass


class MetabolicRefused(ValueError):
    """The image or the mask cannot be measured; the sentence says why."""


@dataclass(frozen=True)
class Parameter:
    """One metabolic parameter of one region; ``value`` is None where it does not exist."""

    quantity: str
    value: float | None
    unit: str
    method: str
    flags: tuple[str, ...] = ()
    n_voxels: int = 0
