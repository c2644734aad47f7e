"""Sites, roles and who may do what where."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction

from studyportal.clinical.selectors import reference_for
from studyportal.core import clock
from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.models import AuditEvent, User
from studyportal.protocol.selectors import active_protocol
from studyportal.sites.models import Membership, Site
from studyportal.sites.rules import (
    SITE_ROLES,
    STUDY_ROLES,
    Action,
    Role,
    scope_fault,
)
from studyportal.sites.rules.blinding import blinded_by, blinding_fault
from studyportal.sites.selectors import may, roles_of, sites_visible_to
from studyportal.sites.services import give_role, open_sites, require
from studyportal.sites.states import SiteStatus
from tests import factories as make
from tests.portal.scenes import person, site


@pytest.mark.parametrize("role", sorted(STUDY_ROLES))
def test_a_role_of_the_study_cannot_be_given_for_one_site(role):
    assert "whole study" in scope_fault(role, for_site=True)
    assert scope_fault(role, for_site=False) == ""


@pytest.mark.parametrize("role", sorted(SITE_ROLES))
def test_a_role_of_a_site_needs_a_site(role):
    assert "name the site" in scope_fault(role, for_site=False)
    assert scope_fault(role, for_site=True) == ""


@pytest.mark.django_db
def test_opening_sites_twice_opens_each_once(study):
    assert Site.objects.count() == 5
    before = AuditEvent.objects.count()
    sites = open_sites(protocol=active_protocol(), by=None)

    assert {row.status for row in sites} == {SiteStatus.RECRUITING}
    assert (Site.objects.count(), AuditEvent.objects.count()) == (5, before)


@pytest.mark.django_db
def test_a_coordinator_acts_at_the_own_site_only(study):
    coordinator = person(Role.COORDINATOR, at="SPH")

    assert may(coordinator, Action.UPLOAD_IMAGES, site=site("SPH"))
    assert not may(coordinator, Action.UPLOAD_IMAGES, site=site("SEH"))
    assert may(coordinator, Action.UPLOAD_IMAGES)
    assert list(sites_visible_to(coordinator, Action.SEE_IMAGES)) == [site("SPH")]


@pytest.mark.django_db
def test_a_role_of_the_study_acts_at_every_site(study):
    statistician = person(Role.STATISTICIAN)
    assert all(may(statistician, Action.SEE_IMAGES, site=row) for row in Site.objects.all())
    assert sites_visible_to(statistician, Action.SEE_IMAGES).count() == 5
    assert not sites_visible_to(statistician, Action.UPLOAD_IMAGES).exists()


@pytest.mark.django_db
def test_two_roles_at_two_sites_do_not_lend_each_other_rights(study):
    user = person(Role.COORDINATOR, at="SPH")
    give_role(user=user, role=Role.MONITOR, site=site("SEH"), by=None)
    user = User.objects.get(pk=user.pk)

    assert may(user, Action.SEE_AUDIT, site=site("SEH"))
    assert not may(user, Action.SEE_AUDIT, site=site("SPH"))
    assert not may(user, Action.UPLOAD_IMAGES, site=site("SEH"))


@pytest.mark.django_db
def test_what_is_not_allowed_is_refused_naming_the_act_and_the_site(study):
    with pytest.raises(NotAllowed, match="at SEH: upload ct and pet"):
        require(person(Role.COORDINATOR), Action.UPLOAD_IMAGES, site=site("SEH"))


@pytest.mark.django_db
def test_an_ended_role_gives_no_right(study):
    user = person(Role.STATISTICIAN)
    Membership.objects.filter(user=user).update(ended_at=clock.now())
    assert not may(User.objects.get(pk=user.pk), Action.EXPORT)


@pytest.mark.django_db
def test_nobody_who_is_unknown_or_left_has_a_right(study):
    user = person(Role.STATISTICIAN)
    user.is_active = False
    assert not may(user, Action.EXPORT)
    assert roles_of(AnonymousUser()) == frozenset()
    assert not sites_visible_to(AnonymousUser(), Action.SEE_IMAGES).exists()


@pytest.mark.django_db
def test_giving_a_role_twice_gives_it_once_and_is_kept_once(study):
    user = person(Role.MONITOR)
    give_role(user=user, role=Role.MONITOR, site=None, by=None)
    assert Membership.objects.filter(user=user).count() == 1
    assert AuditEvent.objects.filter(verb="give_role").count() == 1


@pytest.mark.django_db
def test_a_role_in_the_wrong_scope_is_refused(study):
    user = User.objects.create_user("someone")
    with pytest.raises(Refused, match="whole study"):
        give_role(user=user, role=Role.STATISTICIAN, site=site("SPH"), by=None)
    with pytest.raises(Refused, match="name the site"):
        give_role(user=user, role=Role.COORDINATOR, site=None, by=None)


@pytest.mark.django_db
def test_the_database_holds_no_role_twice_even_for_the_whole_study(study):
    user = person(Role.MONITOR)
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(user=user, role=Role.MONITOR, site=None, began_at=clock.now())


# blinding


def test_a_reader_is_blinded_to_truth_arm_and_results():
    told = {Action.SEE_REFERENCE, Action.SEE_IMAGES, Action.SEE_SYNTHESES, Action.SEE_OUTCOMES}
    assert told <= blinded_by([Role.READER])
    assert blinded_by(set(Role) - {Role.READER}) == frozenset()


@pytest.mark.parametrize("other", sorted(set(Role) - {Role.READER, Role.ADMINISTRATOR}))
def test_a_reader_cannot_be_given_a_role_that_sees_what_a_reader_must_not_know(other):
    for first, second in ((Role.READER, other), (other, Role.READER)):
        assert "blinded" in blinding_fault(second, held=[first])


def test_a_reader_may_manage_people():
    assert blinding_fault(Role.READER, held=[Role.ADMINISTRATOR]) == ""


@pytest.mark.django_db
def test_giving_a_role_that_unblinds_a_reader_is_refused_and_says_why(study):
    reader = person(Role.READER)
    with pytest.raises(Refused, match="Reader and Monitor cannot be one person"):
        give_role(user=reader, role=Role.MONITOR, site=None, by=None)
    assert roles_of(User.objects.get(pk=reader.pk)) == {Role.READER}


@pytest.mark.django_db
def test_what_blinds_a_person_wins_over_what_another_role_allows(study):
    reader = make.person(Role.READER)
    make.MembershipFactory(user=reader, role=Role.COORDINATOR, site=site("SPH"))
    assert may(reader, Action.SCREEN_PARTICIPANT, site=site("SPH"))
    assert not may(reader, Action.SEE_IMAGES, site=site("SPH"))
    assert not sites_visible_to(reader, Action.SEE_REFERENCE).exists()
    participant = make.ReferenceStandardFactory(participant__site=site("SPH")).participant
    assert not reference_for(reader, participant).exists()
    assert reference_for(person(Role.COORDINATOR), participant).exists()
