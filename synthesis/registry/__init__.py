"""Model releases: found, checked against their digests, described; knows no torch."""

from synthesis.registry.lineage import Learned, Lineage, Relation, lineage_tables
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
    "Learned",
    "Lineage",
    "Relation",
    "Release",
    "ReleaseRefusedError",
    "lineage_tables",
    "load_release",
    "packaged_releases",
    "write_description",
]
