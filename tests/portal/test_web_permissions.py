"""Who may open which page: the whole table, page by role."""

import uuid

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from studyportal.sites.rules import Action, Role, may
from studyportal.web.permissions import PAGES, Anyone
from tests.portal.web_study import (
    Study,
    person_at,
    ready_pair,
    released_model,
    screened,
    small_study,
)

pytestmark = pytest.mark.django_db

# Pages without an object, opened by GET.
PLAIN = (
    "worklist",
    "screen",
    "screening_log",
    "declined",
    "consent_versions",
    "consent_declare",
    "inbox",
    "queries",
    "crf_overview",
    "crf_import",
    "signing",
    "verification",
    "pairs",
    "jobs",
    "releases",
    "release_import",
    "reading_list",
    "readings",
    "reading_open",
    "reading_closed",
    "cuts",
    "freeze",
    "exports",
    "dashboard",
    "audit",
    "people",
    "health",
    "role_table",
    "welcome",
)


def web_patterns():
    found = [p for p in get_resolver().url_patterns if getattr(p, "app_name", "") == "web"]
    return found[0].url_patterns


def argument_of(converter: str) -> object:
    """Something that this part of an address can be."""
    return {"IntConverter": 1, "UUIDConverter": uuid.uuid4()}.get(converter, "x")


def signed_in(study: Study, role: Role) -> Client:
    client = Client()
    client.force_login(study.people[role])
    return client


def expected(role: Role, name: str) -> int:
    needed = PAGES[name]
    return 403 if isinstance(needed, Action) and not may(role, needed) else 200


def test_every_address_names_its_permission_and_every_permission_an_address():
    assert {pattern.name for pattern in web_patterns()} == set(PAGES)


def test_nobody_sees_anything_but_sign_in_without_signing_in():
    client = Client()
    for pattern in web_patterns():
        if PAGES[pattern.name] == Anyone.PUBLIC:
            continue
        arguments = {
            name: argument_of(type(converter).__name__)
            for name, converter in pattern.pattern.converters.items()
        }
        answer = client.get(reverse(f"web:{pattern.name}", kwargs=arguments))
        assert answer.status_code == 302, pattern.name
        assert answer["Location"].startswith(reverse("web:login")), pattern.name


def test_each_plain_page_opens_for_exactly_the_roles_of_the_table():
    study = small_study()
    released_model()
    for role in Role:
        client = signed_in(study, role)
        for name in PLAIN:
            answer = client.get(reverse(f"web:{name}"))
            assert answer.status_code == expected(role, name), (role, name)


def test_acts_are_refused_with_a_plain_page_to_roles_without_the_right():
    study = small_study()
    participant = screened(study.sites["SPH"], study.coordinator)
    for role in Role:
        answer = signed_in(study, role).post(reverse("web:enrol", args=[participant.pk]))
        if may(role, Action.SCREEN_PARTICIPANT):
            assert answer.status_code == 302
        else:
            assert answer.status_code == 403
            assert b"Your roles do not allow this" in answer.content
            participant.refresh_from_db()
    participant.refresh_from_db()
    assert participant.status == "enrolled"


def test_another_sites_participant_pair_and_picture_do_not_exist(tmp_path):
    from tests.portal.web_study import phantom_folder

    study = small_study()
    pair = ready_pair(study.sites["SPH"], study.coordinator, phantom_folder(tmp_path / "p"))
    series = pair.series.first()
    places = [
        reverse("web:participant", args=[pair.participant_id]),
        reverse("web:pair", args=[pair.pk]),
        reverse("web:upload", args=[series.pk]),
        reverse("web:series_preview", args=[series.pk]),
    ]
    own, other = Client(), Client()
    own.force_login(study.coordinator)
    other.force_login(person_at(study.sites["SEH"]))
    for place in places:
        assert own.get(place).status_code == 200, place
        assert other.get(place).status_code == 404, place
    assert pair.participant.code.encode() not in other.get(reverse("web:worklist")).content
    sent = other.post(reverse("web:upload_open", args=[pair.participant_id, "source"]))
    assert sent.status_code == 404


@pytest.mark.parametrize(
    ("role", "place"),
    [
        (Role.COORDINATOR, "worklist"),
        (Role.DATA_MANAGER, "pairs"),
        (Role.MONITOR, "pairs"),
        (Role.SYNTHESIS_OPERATOR, "jobs"),
        (Role.STATISTICIAN, "cuts"),
        (Role.SITE_PI, "dashboard"),
        (Role.STUDY_PI, "dashboard"),
        (Role.READER, "reading_list"),
        (Role.ADMINISTRATOR, "people"),
    ],
)
def test_each_role_begins_where_its_work_is(role, place):
    study = small_study()
    answer = signed_in(study, role).get(reverse("web:home"))
    assert answer["Location"] == reverse(f"web:{place}")


def test_results_are_sealed_on_the_dashboard_of_a_site():
    study = small_study()
    sealed = signed_in(study, Role.SITE_PI).get(reverse("web:dashboard"))
    opened = signed_in(study, Role.STUDY_PI).get(reverse("web:dashboard"))
    assert b"Sealed for your role" in sealed.content
    assert b"Sealed for your role" not in opened.content


def test_the_site_pi_counts_the_own_site_only():
    study = small_study()
    screened(study.sites["SEH"], person_at(study.sites["SEH"]))
    answer = signed_in(study, Role.SITE_PI).get(reverse("web:dashboard"))
    assert [site.code for site in answer.context["sites"]] == ["SPH"]
    assert answer.context["participants"] == {}


def test_no_page_carries_inline_script_or_style():
    study = small_study()
    screened(study.sites["SPH"], study.coordinator)
    released_model()
    for role in Role:
        client = signed_in(study, role)
        for name in PLAIN:
            body = client.get(reverse(f"web:{name}")).content.decode()
            assert " style=" not in body, name
            assert "<style" not in body, name
            assert " onclick=" not in body, name
            assert "<script>" not in body, name
