"""Model releases: found, checked against their digests, described; knows no torch."""

from synthesis.registry.archive import (
    BUNDLE,
    LARGEST_ARCHIVE,
    files_of,
    load_bundle,
    unpack_release,
    write_zip,
)
from synthesis.registry.facts import ReleaseFacts, facts_of
from synthesis.registry.gate import Criterion, GateVerdict, release_gate
from synthesis.registry.lineage import Learned, Lineage, Relation, lineage_tables
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
    "BUNDLE",
    "CARD",
    "DESCRIPTION",
    "LARGEST_ARCHIVE",
    "WEIGHTS",
    "Criterion",
    "GateVerdict",
    "Learned",
    "Lineage",
    "Relation",
    "Release",
    "ReleaseFacts",
    "ReleaseRefusedError",
    "TensorHead",
    "facts_of",
    "files_of",
    "lineage_tables",
    "load_bundle",
    "load_release",
    "packaged_releases",
    "read_description",
    "read_heads",
    "release_gate",
    "unpack_release",
    "write_description",
    "write_zip",
]
