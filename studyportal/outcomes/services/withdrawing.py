"""What outcomes do when a participant has withdrawn consent and had the data removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studyportal.core import clock
from studyportal.outcomes.models import ComparedSeries, CutPair, DataCut, IndexScore
from studyportal.outcomes.services.tables import REMOVED
from studyportal.participants.rules import Obeyed, Scope

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from studyportal.participants.models import Withdrawal


def obey_withdrawal(*, withdrawal: Withdrawal) -> Obeyed:
    """Nothing of the participant is measured any more; cuts that were frozen before stay and are named.

    Later runs, comparisons and cuts leave the participant out by themselves (`tables_of`, `freeze_cut`).
    """
    participant = withdrawal.participant
    cuts = DataCut.objects.filter(frozen_at__gte=participant.created_at).order_by("frozen_at")
    if withdrawal.scope != Scope.REMOVE:
        return Obeyed(stays=("What was collected before stays in past and later data cuts.",))
    told = {"measured_at": clock.now(), "fault": REMOVED, "lease_until": None}
    pairs = CutPair.objects.filter(pair__participant=participant, measured_at=None).update(**told)
    compared = ComparedSeries.objects.filter(
        cut_pair__pair__participant=participant, measured_at=None
    ).update(**told)
    scores = IndexScore.objects.filter(participant=participant).count()
    counts = {"measurements_given_up": pairs + compared}
    return Obeyed(
        counts={key: count for key, count in counts.items() if count},
        stays=(*_frozen(cuts), *_sealed(scores)),
    )


def _frozen(cuts: QuerySet[DataCut]) -> list[str]:
    return [
        f"Data cut “{cut.name}”, frozen on {cut.frozen_at:%Y-%m-%d}, and the results computed from it stay as they were; "
        "new runs leave the participant out."
        for cut in cuts
    ]


def _sealed(scores: int) -> list[str]:
    return [f"{scores} reader scores are sealed: no later data cut has them."] if scores else []
