"""The link between a hospital's patient and a participant is forgotten; what is stored stays, without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from studyportal.core import spool
from studyportal.core.services import record
from studyportal.imaging.models import Arrival, ArrivalConflict, ImagingSeries, PatientBinding

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from studyportal.core.models import User
    from studyportal.participants.models import Participant


@transaction.atomic
def forget_identity(*, participant: Participant, reason: str, by: User | None) -> bool:
    """No keyed hash of an original identifier of the participant is left; whether there was one.

    Forgotten are the patient's number, the UIDs of what came over the network, and the digests of
    what came in. Images of the same patient are strangers from now on.
    """
    arrivals = Arrival.objects.filter(series__pair__participant=participant)
    keys = list(arrivals.exclude(series_key="").values_list("series_key", flat=True))
    bound, _ = PatientBinding.objects.filter(participant=participant).delete()
    received = ImagingSeries.objects.filter(pair__participant=participant)
    digests = received.exclude(received_digest="").update(received_digest="")
    ledger = [*keys, *(ledger_key(series) for series in received)]
    if not (keys or bound or digests):
        return False
    _blank(arrivals)
    site = participant.site.code
    record(
        "forget_identity",
        participant,
        f"{participant.code}: the link to the hospital's patient was forgotten.",
        by=by,
        site_code=site,
        reason=reason,
    )
    transaction.on_commit(lambda: spool.forget_series(site, ledger))
    return True


def ledger_key(series: ImagingSeries) -> str:
    """Under which the ledger holds the images of a series that did not come over the network."""
    return spool.keyed(series.pair.participant.site.code, str(series.pk))


def forget_arrival(arrival: Arrival) -> None:
    """The row of an arrival stays and says nothing of whose images it was."""
    _blank(Arrival.objects.filter(pk=arrival.pk))


def _blank(arrivals: QuerySet[Arrival]) -> None:
    for conflict in ArrivalConflict.objects.filter(arrival__in=arrivals):
        conflict.instance_key = conflict.pk.hex  # conflicts of one arrival must stay apart
        conflict.kept_sha256 = conflict.refused_sha256 = ""
        conflict.save(update_fields=["instance_key", "kept_sha256", "refused_sha256"])
    arrivals.update(patient_key="", study_key="", series_key="")
