"""Model releases: found, checked against their digests, described; knows no torch."""

from synthesis.registry.archive import LARGEST_ARCHIVE, unpack_release
from synthesis.registry.gate import Criterion, GateVerdict, release_gate
from synthesis.registry.release import (
    CARD,
    DESCRIPTION,
    WEIGHTS,
    Release,
    ReleaseRefusedError,
    load_release,
    packaged_releases,
    read_description,
    write_description,
)
from synthesis.registry.tensors import TensorHead, read_heads

__all__ = [
    "CARD",
    "DESCRIPTION",
    "LARGEST_ARCHIVE",
    "WEIGHTS",
    "Criterion",
    "GateVerdict",
    "Release",
    "ReleaseRefusedError",
    "TensorHead",
    "load_release",
    "packaged_releases",
    "read_description",
    "read_heads",
    "release_gate",
    "unpack_release",
    "write_description",
]
