"""Reads of source data verification: the plan of each site, how far it is carried out, and what comes next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, When

from studyportal.clinical.models import Form, SampledParticipant, SamplingPlan
from studyportal.clinical.rules import (
    FORMS,
    FROM_PAGE,
    VerifiedScope,
    asked_twice,
    chosen_by_draw,
    critical_by_form,
    scope_of,
)
from studyportal.clinical.selectors.rows import records_of_forms, row_of
from studyportal.clinical.states import FormStatus
from studyportal.core.database.scope import in_scope, over_every_site
from studyportal.participants.selectors import removed_ids
from studyportal.queries.selectors import live_among
from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, site_ids, sites_visible_to

if TYPE_CHECKING:
    from studyportal.clinical.models import Record
    from studyportal.clinical.rules import Field
    from studyportal.sites.models import Site

_DONE = frozenset({FormStatus.VERIFIED, FormStatus.SIGNED, FormStatus.LOCKED})
_COMPARED = (VerifiedScope.WHOLE, VerifiedScope.CRITICAL)


@dataclass(frozen=True)
class Share:
    """So many of so many forms."""

    done: int
    due: int

    @property
    def percent(self) -> int | None:
        """Share that is done, rounded down, so that 100 means all; None of nothing."""
        return self.done * 100 // self.due if self.due else None


@dataclass(frozen=True)
class ToVerify:
    """One complete form that a monitor compares with its sources next."""

    form: Form
    scope: VerifiedScope
    fields: tuple[Field, ...]
    queries: int
    second_missing: bool

    @property
    def clear(self) -> bool:
        """Whether nothing stands in the way of verifying it."""
        return not self.queries and not self.second_missing


@dataclass(frozen=True)
class SiteProgress:
    """How far the plan of a site is carried out."""

    site: Site
    plan: SamplingPlan | None
    drawn: int
    chosen: int
    same: bool
    by_scope: Mapping[str, Share]

    @property
    def waiting(self) -> int:
        """Complete forms that are still to be compared with their sources."""
        return sum(self.by_scope[scope].due - self.by_scope[scope].done for scope in _COMPARED)


def plan_in_force(site: Site) -> SamplingPlan | None:
    """The plan of the site; without one every form is compared whole."""
    return SamplingPlan.objects.filter(site=site, superseded_at=None).first()


def plans_visible_to(user: Person) -> QuerySet[SamplingPlan]:
    """Every plan, superseded ones too, of the sites at which the person verifies."""
    rows = SamplingPlan.objects.filter(site__in=site_ids(user, Action.VERIFY_FORM))
    return rows.select_related("site", "made_by")


def drawn_of(plan: SamplingPlan) -> QuerySet[SampledParticipant]:
    """What the draw gave, in its order."""
    return SampledParticipant.objects.filter(plan=plan).select_related("participant")


Drawn = Iterable[tuple[int, bool]]  # number in the order of the draw, and whether compared whole


def draw_is_the_same(plan: SamplingPlan, drawn: Drawn | None = None) -> bool:
    """Whether seed and order give today what was stored."""
    if drawn is None:
        drawn = SampledParticipant.objects.filter(plan=plan).values_list("number", "whole")
    return all(
        whole == chosen_by_draw(seed=plan.seed, share_percent=plan.share_percent, number=number)
        for number, whole in drawn
    )


def scope_for(form: Form) -> VerifiedScope:
    """How much of this form the plan of its site asks to be compared; the whole of it where there is no plan."""
    plan = plan_in_force(form.participant.site)
    if plan is None:
        return VerifiedScope.WHOLE
    row = SampledParticipant.objects.filter(plan=plan, participant=form.participant).first()
    # Somebody who was never drawn is compared whole: nothing is left out that no draw left out.
    return scope_of(form.kind, whole=row is None or row.whole, critical=plan.critical)


def critical_fields(form: Form) -> list[Field]:
    """Fields of this form that the plan of its site compares for everybody."""
    plan = plan_in_force(form.participant.site)
    names = critical_by_form(plan.critical).get(form.kind, ()) if plan else ()
    return [one for one in FORMS[form.kind].entered if one.name in names]


def verification_progress(user: Person) -> list[SiteProgress]:
    """How far each site is at which the person verifies forms; a plan's draw is drawn again and compared."""
    sites = list(sites_visible_to(user, Action.VERIFY_FORM))
    plans = {plan.site_id: plan for plan in _in_force(site.pk for site in sites)}
    rows = SampledParticipant.objects.filter(plan__in=[plan.pk for plan in plans.values()])
    by_plan = rows.order_by().values_list("plan_id")
    arrays = by_plan.annotate(numbers=ArrayAgg("number"), wholes=ArrayAgg("whole"))
    drawn = {plan: list(zip(numbers, wholes, strict=True)) for plan, numbers, wholes in arrays}
    counts = _counts([site.pk for site in sites], plans)
    return [
        _progress(site, plans.get(site.pk), drawn, counts.get(site.pk, Counter())) for site in sites
    ]


def _in_force(keys: Iterable[UUID]) -> QuerySet[SamplingPlan]:
    rows = SamplingPlan.objects.filter(site__in=list(keys), superseded_at=None)
    return rows.select_related("site", "made_by")


def _progress(
    site: Site,
    plan: SamplingPlan | None,
    drawn: Mapping[UUID, list[tuple[int, bool]]],
    counts: Counter[tuple[str, bool]],
) -> SiteProgress:
    rows = drawn.get(plan.pk, []) if plan else []
    shares = {
        scope.value: Share(counts[scope, True], counts[scope, True] + counts[scope, False])
        for scope in VerifiedScope
    }
    same = plan is None or draw_is_the_same(plan, rows)
    return SiteProgress(site, plan, len(rows), sum(whole for _, whole in rows), same, shares)


def _counts(
    keys: Collection[UUID], plans: Mapping[UUID, SamplingPlan]
) -> dict[UUID, Counter[tuple[str, bool]]]:
    """Forms past their draft by site, by what is asked of them and whether it is done."""
    found: dict[UUID, Counter[tuple[str, bool]]] = {}
    rows = in_scope(_past_draft(keys), site="participant__site")
    read_once = When(participant__in=_left_out().values("participant"), then=True)
    named = rows.annotate(left=Case(read_once, default=False)).order_by()
    with over_every_site("Only numbers of the scope's own forms come out."):
        grouped = list(
            named.values_list("participant__site", "kind", "left", "status").annotate(n=Count("pk"))
        )
    for site_id, kind, left, status, count in grouped:
        plan = plans.get(site_id)
        whole = plan is None or not left
        scope = scope_of(kind, whole=whole, critical=plan.critical if plan else ())
        found.setdefault(site_id, Counter())[scope, status in _DONE] += count
    return found


def _past_draft(keys: Collection[UUID]) -> QuerySet[Form]:
    rows = Form.objects.filter(participant__site__in=keys).exclude(status=FormStatus.DRAFT)
    return rows.exclude(participant__in=removed_ids())


def _left_out() -> QuerySet[SampledParticipant]:
    """Whom the draw of the plan in force left out."""
    return SampledParticipant.objects.filter(plan__superseded_at=None, whole=False).order_by()


def forms_to_verify(user: Person, *, site: str = "") -> QuerySet[Form]:
    """Complete forms that the plans ask to compare with their sources, the longest waiting first; `left` as drawn."""
    sites = sites_visible_to(user, Action.VERIFY_FORM)
    keys = list((sites.filter(code=site) if site else sites).values_list("pk", flat=True))
    rows = _past_draft(keys).filter(status=FormStatus.COMPLETE)
    rows = rows.annotate(left=Exists(_left_out().filter(participant=OuterRef("participant"))))
    asked = Q(left=False)
    for plan in _in_force(keys):
        asked |= Q(participant__site=plan.site_id, kind__in=list(critical_by_form(plan.critical)))
    people = ("participant__site", "completed_by", "second_entry")
    return rows.filter(asked).select_related(*people).order_by("completed_at", "id")


def as_tasks(forms: Collection[Form]) -> list[ToVerify]:
    """What to compare on each of these forms of `forms_to_verify`, and what stands in the way."""
    plans = {plan.site_id: plan for plan in _in_force({form.participant.site_id for form in forms})}
    asked = live_among([form.pk for form in forms])
    rows = records_of_forms(forms)
    return [
        _task(form, plans.get(form.participant.site_id), asked.get(form.pk, 0), rows[form.pk])
        for form in forms
    ]


def _task(
    form: Form, plan: SamplingPlan | None, queries: int, records: Collection[Record]
) -> ToVerify:
    critical = plan.critical if plan else ()
    whole = plan is None or not form.left  # type: ignore[attr-defined]  # forms_to_verify sets it
    scope = scope_of(form.kind, whole=whole, critical=critical)
    names = critical_by_form(critical).get(form.kind, ()) if scope is VerifiedScope.CRITICAL else ()
    fields = tuple(one for one in FORMS[form.kind].entered if one.name in names)
    counting = {row.unit: row_of(row) for row in records if not row.void_reason}
    typed = form.source == FROM_PAGE and bool(asked_twice(FORMS[form.kind], counting))
    return ToVerify(form, scope, fields, queries, typed and not hasattr(form, "second_entry"))
