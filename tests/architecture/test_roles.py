"""The role × action table, cell by cell, through memberships in the database."""

import pytest
from django.contrib.auth.models import AnonymousUser

from studyportal.sites.rules import (
    ACTION_WORDS,
    PERMISSIONS,
    ROLE_NAMES,
    SITE_ROLES,
    STUDY_ROLES,
    Action,
    Role,
)
from studyportal.sites.selectors import may, sites_visible_to
from tests import factories as make

pytestmark = pytest.mark.django_db

# The table as the study agreed on it, one letter per role in the order of `Role`:
# Coordinator, data Manager, mOnitor, Reader, sYnthesis operator, Statistician, site Pi, stUdy pi, Administrator.
LETTERS = dict(zip("CMORYSPUA", Role, strict=True))
AGREED = {
    Action.SEE_PARTICIPANTS: "CMOSPU",
    Action.SCREEN_PARTICIPANT: "C",
    Action.ASK_OVERRIDE: "CP",
    Action.DECIDE_OVERRIDE: "PU",
    Action.ENTER_CLINICAL: "CM",
    Action.SEE_IMAGES: "CMOYSPU",
    Action.UPLOAD_IMAGES: "CM",
    Action.OUTLINE_LESIONS: "CMP",
    Action.SORT_INBOX: "CM",
    Action.ENTER_INJECTION: "CM",
    Action.ACCEPT_FINDING: "M",
    Action.SEE_QUERIES: "CMOSPU",
    Action.ANSWER_QUERY: "CP",
    Action.RAISE_QUERY: "MO",
    Action.CLOSE_QUERY: "MO",
    Action.SEE_SYNTHESES: "CMOYSPU",
    Action.REQUEST_SYNTHESIS: "Y",
    Action.CANCEL_SYNTHESIS: "Y",
    Action.REGISTER_RELEASE: "Y",
    Action.NAME_PRIMARY_RELEASE: "U",
    Action.FREEZE_CUT: "S",
    Action.RUN_EVALUATION: "S",
    Action.SEE_OUTCOMES: "SU",
    Action.OPEN_RESULTS: "SU",
    Action.EXPORT: "S",
    Action.SEE_DASHBOARD: "MOSPUA",
    Action.SEE_AUDIT: "MOPUA",
    Action.MANAGE_PEOPLE: "A",
    Action.MANAGE_PROTOCOL: "UA",
    Action.READ_CASES: "R",
    Action.SEE_REFERENCE: "CMOSPU",
    Action.RUN_READINGS: "MU",
    Action.LOCK_DATA: "MU",
    Action.PLAN_VERIFICATION: "M",
    Action.SIGN_RECORDS: "P",
    Action.VERIFY_FORM: "MO",
    Action.RECONCILE_ENTRIES: "M",
}
CELLS = [(role, action) for role in Role for action in Action]


def agreed(role, action):
    return role in {LETTERS[letter] for letter in AGREED[action]}


def test_every_action_and_role_is_agreed_on_and_has_words():
    assert set(AGREED) == set(Action) == set(ACTION_WORDS)
    assert set(ROLE_NAMES) == set(Role) == set(PERMISSIONS)
    assert not SITE_ROLES & STUDY_ROLES


@pytest.mark.parametrize(("role", "action"), CELLS)
def test_a_role_at_a_site_gives_its_rights_there_and_nowhere_else(role, action):
    here, elsewhere = make.SiteFactory(), make.SiteFactory()
    person = make.MembershipFactory(role=role, site=here).user
    assert may(person, action, site=here) == agreed(role, action)
    assert may(person, action) == agreed(role, action)
    assert not may(person, action, site=elsewhere)
    assert list(sites_visible_to(person, action)) == ([here] if agreed(role, action) else [])


@pytest.mark.parametrize(("role", "action"), CELLS)
def test_a_role_in_the_study_gives_its_rights_at_every_site(role, action):
    site = make.SiteFactory()
    person = make.MembershipFactory(role=role, site=None).user
    assert may(person, action, site=site) == agreed(role, action)
    assert list(sites_visible_to(person, action)) == ([site] if agreed(role, action) else [])


@pytest.mark.parametrize("action", Action)
def test_nobody_and_whoever_left_may_nothing(action):
    left = make.MembershipFactory(study_wide=True, ended=True).user
    inactive = make.MembershipFactory(user__is_active=False).user
    flagged = make.UserFactory(is_superuser=True, is_staff=True)  # flags of Django give no right
    for person in (AnonymousUser(), left, inactive, flagged):
        assert not may(person, action)
