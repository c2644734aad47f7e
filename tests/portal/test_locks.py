"""Freezes and locks: what they stop, who lifts them, and that nobody slips through."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from studyportal.core import clock
from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.selectors import acts_on, history_of
from studyportal.imaging.services import open_series
from studyportal.imaging.states import SeriesRole
from studyportal.participants.rules import Scope, Why
from studyportal.participants.services import record_withdrawal
from studyportal.sites.models import DataLock
from studyportal.sites.rules import CHANGES_DATA, PERMISSIONS, Action, LockKind, Role
from studyportal.sites.selectors import locks_on, locks_visible_to
from studyportal.sites.services import (
    ask_unlock,
    decline_unlock,
    lift_lock,
    lock_data,
    require,
)
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def site():
    return make.SiteFactory(code="SPH")


@pytest.fixture
def manager():
    return make.person(Role.DATA_MANAGER)


@pytest.fixture
def investigator():
    return make.person(Role.STUDY_PI)


def locked(site, by, kind=LockKind.LOCK):
    return lock_data(site=site, kind=kind, why="The site is closed out.", by=by)


@pytest.mark.parametrize("action", sorted(CHANGES_DATA))
def test_a_freeze_stops_every_change_of_data_at_its_site_alone(site, manager, action):
    other = make.SiteFactory(code="SEH")
    locked(site, manager, LockKind.FREEZE)
    role = next(
        role for role in (Role.COORDINATOR, Role.DATA_MANAGER) if action in PERMISSIONS[role]
    )

    with pytest.raises(Refused, match=r"SPH are frozen since .*: The site is closed out\."):
        require(make.person(role, site), action, site=site)
    require(make.person(role, other), action, site=other)


def test_a_lock_of_the_study_stops_changes_at_every_site(site, investigator):
    locked(None, investigator)
    with pytest.raises(Refused, match="the study are locked"):
        require(make.person(Role.COORDINATOR, site), Action.SCREEN_PARTICIPANT, site=site)


def test_what_changes_no_data_goes_on_under_a_lock(site, manager):
    locked(site, manager)
    require(make.person(Role.COORDINATOR, site), Action.SEE_PARTICIPANTS, site=site)
    require(manager, Action.RAISE_QUERY, site=site)


def test_no_lock_stands_between_a_person_and_their_withdrawal(site, manager):
    participant = make.ConsentFactory(participant__site=site).participant
    locked(site, manager)
    withdrawal = record_withdrawal(
        participant=participant, scope=Scope.REMOVE, withdrawn_on=clock.today(), why=Why.NOT_SAID,
        note="",
        by=make.person(Role.COORDINATOR, site),
    )  # fmt: skip
    assert withdrawal.participant == participant


def test_images_that_the_portal_would_assign_by_itself_wait_under_a_lock(site, manager):
    participant = make.ConsentFactory(participant__site=site).participant
    locked(site, manager)
    with pytest.raises(Refused, match="SPH are locked"):
        open_series(participant=participant, role=SeriesRole.SOURCE, by=None)


def test_one_person_lifts_a_freeze(site, manager):
    lock = locked(site, manager, LockKind.FREEZE)
    lift_lock(lock=lock, why="A form came late.", by=manager)
    require(make.person(Role.COORDINATOR, site), Action.ENTER_CLINICAL, site=site)
    assert lock.lifted_by == manager


def test_two_people_lift_a_lock(site, manager, investigator):
    lock = locked(site, manager)
    with pytest.raises(Refused, match="Ask for the unlocking first"):
        lift_lock(lock=lock, why="A form came late.", by=investigator)
    ask_unlock(lock=lock, why="A form came late.", by=manager)
    with pytest.raises(Refused, match="a second person"):
        lift_lock(lock=lock, why="A form came late.", by=manager)
    lift_lock(lock=lock, why="Agreed.", by=investigator)

    assert not locks_on(site).exists()
    assert [move.target for move in history_of("data lock", lock.pk)] == [
        "standing", "unlock_asked", "lifted",
    ]  # fmt: skip
    assert [act.reason for act in acts_on("datalock", lock.pk)] == [
        "The site is closed out.", "A form came late.", "Agreed.",
    ]  # fmt: skip


def test_a_declined_unlocking_lets_the_lock_stand(site, manager, investigator):
    lock = locked(site, manager)
    ask_unlock(lock=lock, why="A form came late.", by=manager)
    decline_unlock(lock=lock, why="The cut is frozen.", by=investigator)
    assert list(locks_on(site)) == [lock]
    ask_unlock(lock=lock, why="Again.", by=investigator)


def test_the_database_lets_nobody_lift_alone(site, manager):
    lock = make.DataLockFactory(site=site, lock=True, asked_by=manager)
    with pytest.raises(IntegrityError, match="two_people"), transaction.atomic():
        DataLock.objects.filter(pk=lock.pk).update(
            status="lifted", lifted_by=manager, lifted_at=lock.locked_at
        )


def test_a_lock_needs_a_reason_a_right_and_stands_once(site, manager):
    with pytest.raises(Refused, match="Say why"):
        lock_data(site=site, kind=LockKind.LOCK, why=" ", by=manager)
    with pytest.raises(NotAllowed):
        locked(site, make.person(Role.COORDINATOR, site))
    locked(site, manager)
    with pytest.raises(Refused, match="stands already"):
        locked(site, manager)


def test_a_freeze_asks_for_no_second_person(site, manager):
    lock = locked(site, manager, LockKind.FREEZE)
    with pytest.raises(Refused, match="no second person"):
        ask_unlock(lock=lock, why="Late.", by=manager)


def test_who_may_lock_one_site_neither_sees_nor_locks_others(site):
    manager = make.MembershipFactory(role=Role.DATA_MANAGER, site=site).user
    elsewhere = make.DataLockFactory()
    own = locked(site, manager)
    assert list(locks_visible_to(manager)) == [own]
    with pytest.raises(NotAllowed):
        lift_lock(lock=elsewhere, why="Because.", by=manager)
    with pytest.raises(NotAllowed, match="every site"):
        locked(None, manager)
    assert not locks_visible_to(make.person(Role.COORDINATOR, site)).exists()


def test_the_page_locks_asks_and_lifts(client, site, manager, investigator):
    client.force_login(manager)
    told = {"site": "SPH", "kind": "lock", "why": "Closed out."}
    assert client.post(reverse("web:lock_place"), {**told, "kind": ""}).status_code == 404
    client.post(reverse("web:lock_place"), told)
    lock = DataLock.objects.get()
    client.post(reverse("web:lock_ask", args=[lock.pk]), {"why": "A form came late."})
    assert "A second person lifts it." in client.get(reverse("web:locks")).content.decode()
    client.force_login(investigator)
    client.post(reverse("web:lock_decline", args=[lock.pk]), {"why": "No."})
    client.post(reverse("web:lock_ask", args=[lock.pk]), {"why": "Yes, after all."})
    client.force_login(manager)
    client.post(reverse("web:lock_lift", args=[lock.pk]), {"why": "Agreed."})
    page = client.get(reverse("web:locks")).content.decode()
    assert "Nothing is frozen or locked" in page
    assert "Yes, after all." in page
