"""Plans how much of a site's forms is compared with the sources, and draws the participants."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Min

from studyportal.clinical.models import Form, SampledParticipant, SamplingPlan
from studyportal.clinical.rules import chosen_by_draw, plan_faults
from studyportal.clinical.rules.sampling import SEEDS
from studyportal.core import clock
from studyportal.core.audit_context import because
from studyportal.core.errors import refuse_if
from studyportal.core.models import User
from studyportal.core.services import record
from studyportal.participants.selectors import removed_ids
from studyportal.sites.rules import Action
from studyportal.sites.services import lock_site, require

if TYPE_CHECKING:
    from uuid import UUID

    from studyportal.sites.models import Site


@transaction.atomic
def plan_verification(
    *,
    site: Site,
    share_percent: int,
    critical: Sequence[str],
    reason: str,
    by: User,
    seed: int | None = None,
) -> SamplingPlan:
    """The plan is in force at the site, the one before stays as it was, and everybody so far is drawn by the new one.

    The seed is drawn where none is given; it is kept, so that the draw can be drawn again.

    Raises
    ------
    Refused
        When the share is no share, a field does not exist, or no reason is given.
    """
    require(by, Action.PLAN_VERIFICATION, site=site)
    refuse_if(plan_faults(share_percent=share_percent, critical=critical, reason=reason))
    lock_site(site)
    with because(reason.strip()):
        SamplingPlan.objects.filter(site=site, superseded_at=None).update(superseded_at=clock.now())
    plan = SamplingPlan.objects.create(
        site=site,
        share_percent=share_percent,
        critical=sorted(set(critical)),
        seed=secrets.randbelow(SEEDS) if seed is None else seed,
        reason=reason.strip(),
        made_at=clock.now(),
        made_by=by,
    )
    for number, key in enumerate(_in_order(site), start=1):
        _draw(plan, key, number)
    sentence = f"{site.code}: {share_percent} % of the participants are compared whole from now on."
    record("plan_verification", plan, sentence, by=by, site_code=site.code, reason=plan.reason)
    return plan


def _in_order(site: Site) -> list[UUID]:
    """Participants with a complete form, in the order in which their first one was completed."""
    rows = Form.objects.filter(participant__site=site, completed_at__isnull=False)
    rows = rows.exclude(participant__in=removed_ids()).order_by()
    first = rows.values("participant", "participant__code").annotate(first=Min("completed_at"))
    ordered = first.order_by("first", "participant__code")
    return list(ordered.values_list("participant", flat=True))


def draw_participant(form: Form) -> None:
    """The participant of a form that has just been completed has a place in the draw of the site's plan, if there is one.

    For services, inside their transaction.
    """
    site = form.participant.site
    plans = SamplingPlan.objects.filter(site=site, superseded_at=None)
    plan = plans.select_for_update().first()
    if plan is None:
        return
    drawn = SampledParticipant.objects.filter(plan=plan)
    if not drawn.filter(participant=form.participant).exists():
        _draw(plan, form.participant_id, drawn.count() + 1)


def _draw(plan: SamplingPlan, participant_id: UUID, number: int) -> None:
    SampledParticipant.objects.create(
        plan=plan,
        participant_id=participant_id,
        number=number,
        whole=chosen_by_draw(seed=plan.seed, share_percent=plan.share_percent, number=number),
        drawn_at=clock.now(),
    )
