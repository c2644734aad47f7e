"""The marks by which anybody, and any program, sees that an image is synthetic."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from pydicom.dataset import Dataset

PRIVATE_GROUP = 0x0011
PRIVATE_CREATOR = "STUDYPORTAL SYNTHETIC"
DESCRIPTION_PREFIX = "SYNTHETIC PET"
SENTENCE = "SYNTHETIC image computed from CT by a model; not acquired; research use only."


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a synthetic series comes from."""

    job_id: str
    release_name: str
    release_version: str
    release_digest: str
    seed: int
    labels: dict[str, str] = field(default_factory=dict)


def add_marks(dataset: Dataset, provenance: Provenance) -> None:
    """Write the five marks.

    SyntheticData, the prefix of SeriesDescription, ImageComments, DerivationDescription, and a
    private block with job, release, digest, seed and labels.
    """
    release = f"{provenance.release_name} {provenance.release_version}"
    dataset.SyntheticData = "YES"
    dataset.SeriesDescription = f"{DESCRIPTION_PREFIX} {release}"[:64]
    dataset.ImageComments = SENTENCE
    dataset.DerivationDescription = (
        f"SYNTHETIC: translated from CT by {release}, release SHA-256 {provenance.release_digest}, "
        f"seed {provenance.seed}. {SENTENCE}"
    )[:1024]
    block = dataset.private_block(PRIVATE_GROUP, PRIVATE_CREATOR, create=True)
    block.add_new(0x01, "LO", provenance.job_id[:64])
    block.add_new(0x02, "LO", release[:64])
    block.add_new(0x03, "LO", provenance.release_digest[:64])
    block.add_new(0x04, "IS", str(provenance.seed))
    block.add_new(0x05, "UT", json.dumps(provenance.labels, sort_keys=True))
