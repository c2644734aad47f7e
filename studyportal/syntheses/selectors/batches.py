"""What a batch of all ready pairs would request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from studyportal.imaging.selectors import every_pair
from studyportal.imaging.states import PairStatus, SeriesRole, SeriesStatus
from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, site_ids
from studyportal.syntheses.models import (
    ModelRelease,
    SynthesisJob,
)
from studyportal.syntheses.selectors.reads import every_job

if TYPE_CHECKING:
    from studyportal.imaging.models import ScanPair


@dataclass(frozen=True)
class LeftOut:
    """A pair that cannot be synthesised now, and why, in words."""

    pair: ScanPair
    why: str


@dataclass(frozen=True)
class BatchPreview:
    """What a request for all ready pairs would do."""

    new: tuple[ScanPair, ...]
    existing: tuple[SynthesisJob, ...]
    left_out: tuple[LeftOut, ...]


_WHY_LEFT_OUT = {
    PairStatus.AWAITING_IMAGES: "CT or PET is missing",
    PairStatus.CHECKING: "the images are being checked",
    PairStatus.QUERY_OPEN: "a check of the images stands open",
    PairStatus.EXCLUDED: "the pair is excluded",
}


def preview_batch(user: Person, *, release: ModelRelease, seed: int) -> BatchPreview:
    """Pairs at the sites where the person may request: new, with a job already, and left out with the reason."""
    pairs = every_pair().filter(participant__site__in=site_ids(user, Action.REQUEST_SYNTHESIS))
    accepted = {"series__role": SeriesRole.SOURCE, "series__status": SeriesStatus.ACCEPTED}
    sources = dict(pairs.filter(**accepted).values_list("pk", "series__pk"))
    known = {
        job.source_id: job
        for job in every_job().filter(release=release, seed=seed, source__in=sources.values())
    }
    new, existing, left_out = [], [], []
    for pair in pairs:
        if pair.status != PairStatus.READY:
            left_out.append(LeftOut(pair, _WHY_LEFT_OUT[PairStatus(pair.status)]))
        elif pair.pk not in sources:
            left_out.append(LeftOut(pair, "the pair has no CT"))
        elif sources[pair.pk] in known:
            existing.append(known[sources[pair.pk]])
        else:
            new.append(pair)
    return BatchPreview(tuple(new), tuple(existing), tuple(left_out))
