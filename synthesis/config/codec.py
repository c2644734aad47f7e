"""How intensities become network values and back; written into every release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Scale = Literal["log2", "linear", "gamma"]


@dataclass(frozen=True, slots=True)
class CtWindow:
    """A fixed range of Hounsfield units that becomes 0 to 1; values outside are clipped."""

    low_hu: float
    high_hu: float

    def __post_init__(self) -> None:
        """Refuse an empty window."""
        if not self.low_hu < self.high_hu:
            raise ValueError(f"A CT window needs low < high, not {self.low_hu} to {self.high_hu}.")

    def encode(self, hu: Array) -> Array:
        """Return (HU - low) / (high - low), clipped to 0..1."""
        scaled = (hu - np.float32(self.low_hu)) / np.float32(self.high_hu - self.low_hu)
        return np.clip(scaled, 0, 1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class SuvCodec:
    """SUV on one fixed scale for every slice, image and participant.

    For 0 <= s <= top, and decode is the inverse:

    - `log2`: encode(s) = log2(1 + s) / log2(1 + top); background and hot lesions both keep their
      contrast. The mean of codes is not the code of the mean: average in SUV.
    - `linear`: encode(s) = s / top.
    - `gamma`: encode(s) = (s / top) ** (1 / gamma); gamma 2 is the square root.

    Examples
    --------
    >>> codec = SuvCodec(top_suv=40.0)
    >>> float(codec.encode(np.float32([40.0]))[0])
    1.0
    """

    top_suv: float = 40.0
    scale: Scale = "log2"
    gamma: float = 2.0

    def __post_init__(self) -> None:
        """Refuse a top that is no uptake, and a gamma that has no inverse."""
        if not 0 < self.top_suv < float("inf"):
            raise ValueError(f"The top of the SUV scale must be positive, not {self.top_suv}.")
        if self.scale not in ("log2", "linear", "gamma"):
            raise ValueError(f"The SUV scale is log2, linear or gamma, not {self.scale!r}.")
        if not 1 <= self.gamma <= 8:
            raise ValueError(f"The gamma of the SUV scale lies between 1 and 8, not {self.gamma}.")

    def encode(self, suv: Array) -> Array:
        """Return network values (0 to 1) of SUV (g/ml); values above the top are clipped."""
        clipped = np.clip(suv, 0, self.top_suv).astype(np.float64)
        if self.scale == "log2":
            return (np.log1p(clipped) / np.log1p(self.top_suv)).astype(np.float32)
        power = 1.0 if self.scale == "linear" else 1 / self.gamma
        return ((clipped / self.top_suv) ** power).astype(np.float32)

    def decode(self, code: Array) -> Array:
        """Return SUV (g/ml) of network values; values outside 0..1 are clipped."""
        clipped = np.clip(code, 0, 1).astype(np.float64)
        if self.scale == "log2":
            return np.expm1(clipped * np.log1p(self.top_suv)).astype(np.float32)
        power = 1.0 if self.scale == "linear" else self.gamma
        return (self.top_suv * clipped**power).astype(np.float32)

    def clipped_share(self, suv: Array) -> float:
        """Return the share of values above the top, which the codec cannot represent."""
        return float(np.mean(suv > self.top_suv))
