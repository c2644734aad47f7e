"""One request for every ready pair that has no such synthetic PET yet."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from studyportal.core import clock
from studyportal.core.models import User
from studyportal.core.services import record
from studyportal.sites.rules import Action
from studyportal.sites.services import require
from studyportal.syntheses.models import ModelRelease, SynthesisBatch, SynthesisJob
from studyportal.syntheses.selectors import preview_batch
from studyportal.syntheses.services.requests import (
    refuse_release,
    refuse_seed,
    request_synthesis,
)


@dataclass(frozen=True)
class BatchOutcome:
    """The jobs that the request made, and the batch that holds them; no batch when there was nothing new."""

    batch: SynthesisBatch | None
    jobs: tuple[SynthesisJob, ...]
    existing: int
    left_out: int


@transaction.atomic
def request_ready_pairs(*, release: ModelRelease, seed: int, by: User) -> BatchOutcome:
    """Every ready pair at the person's sites has a job with this release and seed; asking again adds none.

    Raises
    ------
    Refused
        When the release is not released or the seed cannot be kept.
    """
    require(by, Action.REQUEST_SYNTHESIS)
    refuse_seed(seed)
    refuse_release(release)
    preview = preview_batch(by, release=release, seed=seed)
    counts = {"existing": len(preview.existing), "left_out": len(preview.left_out)}
    if not preview.new:
        return BatchOutcome(batch=None, jobs=(), **counts)
    batch = SynthesisBatch.objects.create(
        release=release,
        seed=seed,
        requested_at=clock.now(),
        requested_by=by,
        new=len(preview.new),
        **counts,
    )
    jobs = tuple(
        request_synthesis(pair=pair, release=release, seed=seed, by=by, batch=batch)
        for pair in preview.new
    )
    sentence = f"A batch of {len(jobs)} synthetic PET was requested with {release}, seed {seed}."
    record("request_batch", batch, sentence, by=by)
    return BatchOutcome(batch=batch, jobs=jobs, **counts)
