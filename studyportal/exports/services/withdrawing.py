"""What exports do when a participant has withdrawn consent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from studyportal.exports.models import Export, ExportDownload
from studyportal.exports.services.handing import expire
from studyportal.exports.states import ExportKind, ExportStatus
from studyportal.participants.rules import Obeyed, Scope

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from studyportal.participants.models import Participant, Withdrawal

_ENDED = "Somebody in this export withdrew. Ask for a new one."


def obey_withdrawal(*, withdrawal: Withdrawal) -> Obeyed:
    """No archive that holds data of the participant can be had any more; those that left before are named.

    Image archives end in either case, since they serve more than this study's own analysis; tables of evaluations
    end when the data are removed. One that is being built now is waited for.
    """
    participant = withdrawal.participant
    holding = _holding(participant, tables=withdrawal.scope == Scope.REMOVE)
    files, ended = set(), 0
    for export in holding.filter(status=ExportStatus.READY):
        files.add(export.archive_sha256)
        expire(export, _ENDED)
        ended += 1
    building = _being_built(tables=withdrawal.scope == Scope.REMOVE).count()
    return Obeyed(
        counts={"exports_ended": ended} if ended else {},
        files=frozenset(files - {""}),
        waits_for=f"{building} exports are being built." if building else "",
        stays=_left_before(participant),
    )


def _holding(participant: Participant, *, tables: bool) -> QuerySet[Export]:
    """Exports with images of the participant and, where `tables` are asked for, those with rows of them."""
    images = Q(kind=ExportKind.PAIRS, contents__contains=[{"name": f"{participant.code}/"}])
    rows = Q(kind=ExportKind.EVALUATION, run__cut__frozen_at__gte=participant.created_at)
    own = Q(site=None) | Q(site=participant.site)
    rows |= Q(kind=ExportKind.CLINICAL, started_at__gte=participant.created_at) & own
    return Export.objects.select_related("site").filter(images | rows if tables else images)


def _being_built(*, tables: bool) -> QuerySet[Export]:
    building = Export.objects.filter(status=ExportStatus.BUILDING)
    return building if tables else building.filter(kind=ExportKind.PAIRS)


def _left_before(participant: Participant) -> tuple[str, ...]:
    taken = (
        ExportDownload.objects.filter(export__in=_holding(participant, tables=True))
        .select_related("by", "export")
        .order_by("at")
    )
    return tuple(
        f"An export ({row.export.archive_sha256[:12]}…, {row.export.kind}) was downloaded by {row.by} on "
        f"{row.at:%Y-%m-%d}. Ask them to delete what they have of the participant."
        for row in taken
    )
