"""How withdrawal, refusals and what the rooms did are said to people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from studyportal.participants.rules import AgeBand, DeclineReason, Room, Scope, Why

if TYPE_CHECKING:
    from studyportal.participants.models import WithdrawalStep

SCOPE_WORDS: Mapping[str, str | Promise] = {
    Scope.STOP_COLLECTING: _("Stop collecting"),
    Scope.REMOVE: _("Stop collecting and remove the data"),
}
WHY_WORDS: Mapping[str, str | Promise] = {
    Why.NOT_SAID: _("not said"),
    Why.BURDEN: _("too much effort"),
    Why.PRIVACY: _("privacy"),
    Why.HEALTH: _("health"),
    Why.MOVED: _("moved away"),
    Why.FAMILY: _("wish of the family"),
    Why.OTHER: _("something else"),
}
DECLINE_WORDS: Mapping[str, str | Promise] = {
    DeclineReason.NOT_SAID: _("not said"),
    DeclineReason.NO_INTEREST: _("no interest in research"),
    DeclineReason.NO_TIME: _("no time"),
    DeclineReason.PRIVACY: _("privacy"),
    DeclineReason.DISTRUST: _("does not trust the study"),
    DeclineReason.TOO_ILL: _("feels too ill"),
    DeclineReason.FAMILY: _("wish of the family"),
    DeclineReason.OTHER_STUDY: _("takes part in another study"),
}
AGE_WORDS: Mapping[str, str | Promise] = {
    AgeBand.NOT_SAID: _("not noted"),
    AgeBand.UNDER_50: _("under 50"),
    AgeBand.FROM_50: "50–59",
    AgeBand.FROM_60: "60–69",
    AgeBand.FROM_70: "70–79",
    AgeBand.FROM_80: _("80 or over"),
}
ROOM_WORDS: Mapping[str, str | Promise] = {
    Room.QUERIES: _("Data queries"),
    Room.CLINICAL: _("Clinical records"),
    Room.IMAGING: _("Images"),
    Room.SYNTHESES: _("Synthetic images"),
    Room.READING: _("Reading sessions"),
    Room.OUTCOMES: _("Measurements and data cuts"),
    Room.EXPORTS: _("Exports"),
    Room.ARCHIVE: _("Files on disk"),
}
# What a room counts → the words behind the number.
COUNT_WORDS: Mapping[str, str | Promise] = {
    "queries_closed": _("queries closed"),
    "uploads_ended": _("unfinished or refused uploads deleted"),
    "source_removed": _("CT removed"),
    "reference_removed": _("PET removed"),
    "outlines_removed": _("outlines removed"),
    "images_deleted": _("images deleted"),
    "volumes_removed": _("volumes of the viewer removed"),
    "pairs_excluded": _("pairs excluded"),
    "screenings_blanked": _("image screenings emptied"),
    "injection_entries_sealed": _("entries about the injection sealed"),
    "arrivals_discarded": _("arrivals in the inbox discarded"),
    "links_forgotten": _("links to the hospital's patient forgotten"),
    "jobs_cancelled": _("waiting syntheses cancelled"),
    "jobs_stopped": _("running syntheses stopped"),
    "series_withdrawn": _("synthetic series withdrawn"),
    "measurements_given_up": _("measurements that waited given up"),
    "exports_ended": _("exports ended"),
    "files_deleted": _("files deleted from the archive"),
    "folders_emptied": _("folders of quarantine and work emptied"),
    "files_of_others_kept": _("files kept that rows of others rest on too"),
}


_SHOWN_BYTES = 50_000  # less would be shown as 0.0 MB


@dataclass(frozen=True)
class RoomLine:
    """What one room did, as the certificate says it."""

    title: str | Promise
    did: tuple[tuple[str, str | Promise], ...]
    stays: tuple[str, ...]
    waits_for: str
    done_at: datetime | None


def room_line(step: WithdrawalStep) -> RoomLine:
    """The line of the certificate for one step."""
    counts: Mapping[str, int] = step.counts
    did = [(f"{counts[key]:,}", COUNT_WORDS[key]) for key in COUNT_WORDS if counts.get(key)]
    if counts.get("bytes_deleted", 0) >= _SHOWN_BYTES:
        did.append((f"{counts['bytes_deleted'] / 1e6:,.1f}", _("MB deleted")))
    return RoomLine(
        title=ROOM_WORDS[step.room],
        did=tuple(did),
        stays=tuple(step.stays),
        waits_for=step.waits_for,
        done_at=step.done_at,
    )
