"""Source data verification: the draw can be drawn again, what a plan asks for, progress, and what comes next."""

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from studyportal.clinical.models import SampledParticipant, SamplingPlan
from studyportal.clinical.rules import (
    FORMS,
    VerifiedScope,
    chosen_by_draw,
    default_critical,
    plan_faults,
)
from studyportal.clinical.selectors import (
    as_tasks,
    draw_is_the_same,
    drawn_of,
    forms_to_verify,
    scope_for,
    verification_progress,
)
from studyportal.clinical.services import plan_verification, verify_form
from studyportal.clinical.services.sampling import draw_participant
from studyportal.core.database.scope import Scope, within
from studyportal.core.errors import NotAllowed, Refused
from studyportal.sites.rules import Role
from tests import factories as make

# the draw


@settings(max_examples=10)
@given(st.integers(0, 2**63 - 1), st.sampled_from(range(0, 101, 5)), st.integers(0, 5))
def test_of_every_twenty_exactly_the_share_is_drawn(seed, share, block):
    numbers = range(block * 20 + 1, block * 20 + 21)
    drawn = [chosen_by_draw(seed=seed, share_percent=share, number=n) for n in numbers]
    assert sum(drawn) == share // 5


def test_another_seed_draws_others():
    draws = {
        tuple(chosen_by_draw(seed=seed, share_percent=20, number=n) for n in range(1, 21))
        for seed in range(20)
    }
    assert len(draws) > 15


def test_what_is_entered_twice_is_critical_unless_a_plan_says_otherwise():
    assert "baseline.weight_kg" in default_critical()
    assert all(name.partition(".")[0] in FORMS for name in default_critical())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"share_percent": 101}, "share"),
        ({"share_percent": 7}, "share"),
        ({"critical": ["baseline.shoe_size"]}, "field_unknown"),
        ({"reason": " "}, "reason_missing"),
    ],
)
def test_a_plan_that_cannot_be_says_why(changes, reason):
    facts = {"share_percent": 20, "critical": [], "reason": "By plan."} | changes
    assert [fault.id for fault in plan_faults(**facts)] == [reason]


# plans


@pytest.fixture
def site(db):
    return make.SiteFactory(code="SPH")


@pytest.fixture
def manager(site):
    return make.person(Role.DATA_MANAGER)


def complete(site, kind="baseline"):
    form = make.FormFactory(participant__site=site, kind=kind, complete=True)
    if kind == "baseline":
        make.BaselineFactory(form=form)
    return form


def planned(site, by, **changes):
    facts = {"share_percent": 20, "critical": ["pathology.result"], "reason": "By plan."}
    return plan_verification(site=site, by=by, **(facts | changes))


def test_a_plan_draws_everybody_so_far_and_gives_the_same_again(site, manager):
    for _ in range(6):
        complete(site)
    plan = planned(site, manager, seed=11)
    rows = list(drawn_of(plan))
    assert [row.number for row in rows] == [1, 2, 3, 4, 5, 6]
    assert draw_is_the_same(plan)
    assert not draw_is_the_same(plan, [(row.number, not row.whole) for row in rows])
    again = planned(site, manager, seed=11, reason="Again.")
    assert [row.whole for row in drawn_of(again)] == [row.whole for row in rows]


def test_a_new_plan_supersedes_the_one_before_which_stays(site, manager):
    first, second = planned(site, manager), planned(site, manager, share_percent=50)
    first.refresh_from_db()
    assert first.superseded_at is not None
    assert SamplingPlan.objects.get(superseded_at=None) == second


def test_who_completes_a_first_form_is_drawn_once(site, manager):
    plan = planned(site, manager)
    form = complete(site)
    draw_participant(form)
    draw_participant(form)
    assert [row.number for row in drawn_of(plan)] == [1]


def test_what_was_drawn_stays_drawn(db):
    make.SampledParticipantFactory()
    with pytest.raises(DatabaseError, match=r"append-only|permission denied"), transaction.atomic():
        SampledParticipant.objects.update(whole=False)


def test_only_who_may_plans(site):
    with pytest.raises(NotAllowed):
        planned(site, make.person(Role.MONITOR))


# what is asked of a form


def test_without_a_plan_every_form_is_compared_whole(site):
    assert scope_for(complete(site)) is VerifiedScope.WHOLE


def test_who_is_not_drawn_is_compared_in_the_critical_fields_only(site, manager):
    form, other = complete(site), complete(site, "pathology")
    plan = planned(site, manager, share_percent=0)
    assert scope_for(form) is VerifiedScope.REVIEW
    assert scope_for(other) is VerifiedScope.CRITICAL
    SamplingPlan.objects.filter(pk=plan.pk).update(superseded_at=plan.made_at)
    planned(site, manager, share_percent=100)
    assert scope_for(form) is VerifiedScope.WHOLE


def test_a_verified_form_keeps_how_much_was_compared(site, manager):
    form = complete(site, "treatment")
    planned(site, manager, share_percent=0)
    assert verify_form(form=form, by=manager).verified_scope == VerifiedScope.REVIEW
    with pytest.raises(Refused):
        verify_form(form=form, by=manager)


def test_the_worklist_holds_what_the_plans_ask_for_with_what_stands_in_the_way(site, manager):
    whole, critical = complete(make.SiteFactory()), complete(site, "pathology")
    complete(site, "treatment")
    planned(site, manager, share_percent=0)
    make.DataQueryFactory(subject_id=critical.pk, participant_code=critical.participant.code)
    tasks = {task.form.pk: task for task in as_tasks(forms_to_verify(manager))}
    assert set(tasks) == {whole.pk, critical.pk}
    assert tasks[whole.pk].second_missing
    assert [field.name for field in tasks[critical.pk].fields] == ["result"]
    assert (tasks[critical.pk].queries, tasks[critical.pk].clear) == (1, False)
    waiting = {one.site: one.waiting for one in verification_progress(manager) if one.waiting}
    assert waiting == {whole.participant.site: 1, site: 1}  # by which the page counts its pages
    assert not forms_to_verify(make.person(Role.COORDINATOR, site)).exists()


def test_progress_counts_what_is_asked_for_and_done(site, manager):
    complete(site, "pathology")
    done = complete(site, "treatment")
    planned(site, manager, share_percent=100)
    verify_form(form=done, by=manager)
    progress = next(one for one in verification_progress(manager) if one.site == site)
    share = progress.by_scope["whole"]
    assert (share.done, share.due, share.percent) == (1, 2, 50)
    assert (progress.drawn, progress.chosen, progress.waiting) == (2, 2, 1)


def test_progress_counts_no_form_outside_of_the_scope(site, manager):
    complete(site), complete(make.SiteFactory())
    with within(Scope(frozenset({site.pk}))):
        progress = verification_progress(manager)
    assert {one.site: one.waiting for one in progress if one.waiting} == {site: 1}


def test_the_pages_plan_draw_and_list(client, site, manager):
    form = complete(site)
    client.force_login(manager)
    plan = reverse("web:verification_plan", args=["SPH"])
    assert "Weight" in client.get(plan).content.decode()
    posted = {"share_percent": "100", "critical": ["baseline.weight_kg"], "reason": "By plan."}
    answer = client.post(plan, posted)
    page = client.get(answer["Location"]).content.decode()
    assert "Drawn again just now from seed and order: the same." in page
    listed = client.get(reverse("web:verification")).content.decode()
    assert form.participant.code in listed
    assert "whole form" in listed
    refused = client.post(plan, {"share_percent": "7", "reason": ""})
    assert refused.status_code == 422
