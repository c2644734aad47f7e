"""Model releases: found, checked against their digests, described; knows no torch."""

from synthesis.registry.gate import Criterion, GateVerdict, release_gate
from synthesis.registry.release import (
    CARD,
    DESCRIPTION,
    WEIGHTS,
    Release,
    ReleaseRefusedError,
    load_release,
    packaged_releases,
    write_description,
)

__all__ = [
    "CARD",
    "DESCRIPTION",
    "WEIGHTS",
    "Criterion",
    "GateVerdict",
    "Release",
    "ReleaseRefusedError",
    "load_release",
    "packaged_releases",
    "release_gate",
    "write_description",
]
