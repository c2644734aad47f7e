"""Physical units to network channels on the device the network is on, the same for every image."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from synthesis.config import CtWindow, DemographicsConfig, SuvCodec
from synthesis.data.attenuation import MuTable, mu_knots, require_kvp


def encode_source(hu: Tensor, windows: tuple[CtWindow, ...]) -> Tensor:
    """Return (n, slices * windows, *space) of (n, slices, *space); windows vary fastest."""
    views = [encode_window(hu, window) for window in windows]
    return torch.stack(views, dim=2).flatten(1, 2)


def encode_window(hu: Tensor, window: CtWindow) -> Tensor:
    """Return (HU - low) / (high - low), clipped to 0..1."""
    return ((hu - window.low_hu) / (window.high_hu - window.low_hu)).clamp(0, 1)


def decode_window(code: Tensor, window: CtWindow) -> Tensor:
    """Return HU of codes; values outside 0..1 are clipped."""
    return code.clamp(0, 1) * (window.high_hu - window.low_hu) + window.low_hu


def encode_suv(suv: Tensor, codec: SuvCodec) -> Tensor:
    """Return network values (0 to 1) of SUV, as `SuvCodec.encode` does."""
    clipped = suv.float().clamp(0, codec.top_suv)
    if codec.scale == "log2":
        return torch.log1p(clipped) / math.log1p(codec.top_suv)
    power = 1.0 if codec.scale == "linear" else 1 / codec.gamma
    return (clipped / codec.top_suv) ** power


def decode_suv(code: Tensor, codec: SuvCodec) -> Tensor:
    """Return SUV of network values, as `SuvCodec.decode` does."""
    clipped = code.float().clamp(0, 1)
    if codec.scale == "log2":
        return torch.expm1(clipped * math.log1p(codec.top_suv))
    power = 1.0 if codec.scale == "linear" else codec.gamma
    return codec.top_suv * clipped**power


def attenuation(
    hu: Tensor,
    kvp: Sequence[float | None],
    table: MuTable,
    *,
    path_step_mm: float | None = None,
) -> Tensor:
    """Return exp(-mu) at 511 keV per centimetre, or exp of minus the integral to the front.

    Parameters
    ----------
    hu
        (n, 1, *space), the last axes y and x.
    kvp
        Tube voltage of each element; refused when unknown.
    path_step_mm
        Distance of rows; with it the attenuation of the path to the front is returned.
    """
    mu = torch.cat([_mu(h[None], require_kvp(v), table) for h, v in zip(hu, kvp, strict=True)])
    if path_step_mm is None:
        return torch.exp(-mu)
    through = torch.cumsum(mu, dim=-2) - mu / 2
    return torch.exp(-through * (path_step_mm / 10))


def _mu(hu: Tensor, kvp: float, table: MuTable) -> Tensor:
    """Return attenuation in 1/cm: the straight pieces between knots, added up."""
    places, values = mu_knots(kvp, table)
    mu = torch.full_like(hu, float(values[0]))
    for k in range(len(places) - 1):
        slope = float((values[k + 1] - values[k]) / (places[k + 1] - places[k]))
        mu = mu + slope * (hu - float(places[k])).clamp(0, float(places[k + 1] - places[k]))
    return mu


class DemographicsError(ValueError):
    """Height, weight, sex or age cannot be those of a participant."""


def encode_demographics(demographics: Tensor, ranges: DemographicsConfig) -> Tensor:
    """Return (n, 4) in 0..1 of height (m), weight (kg), male (0 or 1), age (years).

    Raises
    ------
    DemographicsError
        When a value is not finite or outside its range: a height of 0.70 m once reached training.
    """
    bounds = torch.tensor(
        [ranges.height_m, ranges.weight_kg, (0.0, 1.0), ranges.age_years],
        dtype=demographics.dtype,
        device=demographics.device,
    )
    low, high = bounds[:, 0], bounds[:, 1]
    names = ("height (m)", "weight (kg)", "sex (0 or 1)", "age (years)")
    for row in demographics.tolist():
        for name, value, a, b in zip(names, row, low.tolist(), high.tolist(), strict=True):
            if not a <= value <= b:
                raise DemographicsError(f"The {name} {value:g} is outside {a:g} to {b:g}.")
    return (demographics - low) / (high - low)


def planes(values: Tensor, space: Sequence[int]) -> Tensor:
    """Return (n, k, *space) holding each of the (n, k) values everywhere."""
    return values.reshape(*values.shape, *(1,) * len(space)).expand(*values.shape, *space)


def coordinates(
    shape: Sequence[int], start: Sequence[int], whole: Sequence[int], device: torch.device
) -> Tensor:
    """Return (1, axes, *shape): where each voxel of a patch lies in the whole volume, -1 to 1."""
    lines = [
        (torch.arange(s, s + n, device=device, dtype=torch.float32) + 0.5) * (2 / w) - 1
        for n, s, w in zip(shape, start, whole, strict=True)
    ]
    return torch.stack(torch.meshgrid(*lines, indexing="ij"))[None]
