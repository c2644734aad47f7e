"""What a training file says of the release that comes of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReleaseConfig:
    """What the release is called."""

    name: str
    version: str
    created: str  # ISO date, given by a person: the same config gives the same release
