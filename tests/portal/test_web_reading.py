"""Pages of reading: what a blinded reader can fetch, and what windows beside each other do."""

import pytest
from django.test import Client
from django.urls import reverse

from studyportal.core.storage import store_bytes
from studyportal.reading.models import CaseVolume, Read
from studyportal.reading.selectors import next_reads, readers_of
from studyportal.sites.rules import Role
from tests import factories as make
from tests.portal.test_reading import opened

pytestmark = pytest.mark.django_db


def client_of(person):
    client = Client()
    client.force_login(person)
    return client


def with_images(session):
    """Every image of the session lies in the archive."""
    for volume in CaseVolume.objects.filter(case__session=session):
        stored = store_bytes(f"voxels of {volume.pk}".encode())
        CaseVolume.objects.filter(pk=volume.pk).update(sha256=stored.sha256)


def scene():
    session, manager = opened(readers=2)
    with_images(session)
    part = readers_of(session).order_by("code").first()
    return session, manager, part, client_of(part.person)


def begin(client, part):
    read = next_reads(part)[0]
    client.post(reverse("web:reading_begin", args=[read.code]))
    return Read.objects.get(pk=read.pk)


def bodies(client, read):
    """Everything that this reader's session can fetch around one case: pages, data, images, errors."""
    code = read.code
    answers = [
        client.get(reverse("web:home"), follow=True),
        client.get(reverse("web:reading_list")),
        client.get(reverse("web:reading", args=[code])),
        client.get(reverse("web:reading", args=[code]), headers={"X-Part": "case"}),
        client.get(reverse("web:reading_layers", args=[code])),
        client.post(reverse("web:reading_draft", args=[code]), {"q.nodal.": "2", "version": 0}),
        client.post(reverse("web:reading_draft", args=[code]), {"q.nodal.": "3", "version": 0}),
        client.post(reverse("web:reading_time", args=[code])),
        client.post(reverse("web:reading_submit", args=[code]), {"version": 1}),
        client.get(reverse("web:reading_image", args=[code, "nothing"])),
        client.get(reverse("web:reading", args=["OTHER1"])),
        client.get(reverse("web:welcome")),
        client.get(reverse("web:role_table")),
        client.get(reverse("web:help", args=["reading"])),
    ]
    layers = answers[4].json()
    shown = [*layers["layers"], *layers["next"]]
    return answers + [client.get(layer["volume"]["url"]) for layer in shown]


def test_nothing_a_reader_can_fetch_names_a_participant_a_site_an_arm_or_another_reader():
    session, manager, part, client = scene()
    read = begin(client, part)
    secrets = {manager.username, "ct_pet"}
    for case in session.cases.all():
        site = case.pair.participant.site
        secrets |= {
            case.pair.participant.code,
            site.code,
            site.name,
            str(case.pair_id),
            str(case.pk),
        }
        secrets |= {case.source.series_uid, case.reference.series_uid}
        secrets |= set(case.volumes.values_list("sha256", flat=True))
    other = readers_of(session).exclude(pk=part.pk).get()
    secrets |= {
        other.person.username,
        *Read.objects.filter(reader=other).values_list("code", flat=True),
    }
    for answer in bodies(client, read):
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        text = body.decode("utf-8", "replace") + str(dict(answer.items()))
        assert [one for one in secrets if one and one in text] == [], answer.request["PATH_INFO"]


def test_images_reach_only_the_reader_whose_turn_it_is():
    session, _, part, client = scene()
    read = begin(client, part)
    image = reverse("web:reading_image", args=[read.code, "ct"])
    other = readers_of(session).exclude(pk=part.pk).get()
    shown = client.get(image)
    assert b"".join(shown.streaming_content).startswith(b"voxels of")
    assert shown.status_code == 200
    assert client_of(other.person).get(image).status_code == 404
    future = Read.objects.filter(reader=part, period=1).first()
    assert client.get(reverse("web:reading_image", args=[future.code, "ct"])).status_code == 404


def test_an_arm_shows_its_own_images_and_no_other():
    _session, _, part, client = scene()
    reads = [begin(client, part)]
    client.post(
        reverse("web:reading_submit", args=[reads[0].code]), {"q.nodal.": "2", "version": 0}
    )
    reads.append(Read.objects.get(reader=part, status="in_progress"))
    shown = {
        read.arm.code: {row["key"] for row in client.get(reverse("web:reading_layers", args=[read.code])).json()["layers"]}
        for read in reads[1:]
    }  # fmt: skip
    expected = {"ct": {"ct"}, "ct_pet": {"ct", "pet"}}
    assert shown.items() <= expected.items()


def test_a_window_that_is_behind_is_told_and_gets_both_answers():
    _, _, part, client = scene()
    read = begin(client, part)
    address = reverse("web:reading_draft", args=[read.code])
    assert client.post(address, {"q.nodal.": "2", "version": 0}).json() == {"version": 1}
    told = client.post(address, {"q.nodal.": "5", "version": 0})
    assert told.status_code == 409
    assert told.json()["version"] == 1
    assert told.json()["draft"] == {"q.nodal.": "2"}


def test_a_read_without_answers_is_not_submitted_and_says_where():
    _, _, part, client = scene()
    read = begin(client, part)
    answer = client.post(reverse("web:reading_submit", args=[read.code]), {"version": 0})
    assert answer.status_code == 422
    assert answer.json()["fields"] == ["q.nodal."]


def test_submitting_leads_to_the_next_case_and_sent_again_it_leads_there_too():
    _, _, part, client = scene()
    read = begin(client, part)
    sent = {"q.nodal.": "2", "version": 0}
    address = reverse("web:reading_submit", args=[read.code])
    first, again = client.post(address, sent).json(), client.post(address, sent).json()
    assert first == again
    assert not first["end"]
    assert client.get(first["next"]).status_code == 200


def test_who_runs_a_session_sees_progress_and_no_answer():
    session, manager, part, client = scene()
    read = begin(client, part)
    client.post(reverse("web:reading_submit", args=[read.code]), {"q.nodal.": "2", "version": 0})
    page = client_of(manager).get(reverse("web:reading_session", args=[session.pk]))
    assert page.status_code == 200
    assert "1 of 4" in page.content.decode()
    assert page.context["sees_results"] is False


def test_a_data_manager_of_one_site_runs_no_session():
    session, *_ = scene()
    manager = make.MembershipFactory(role=Role.DATA_MANAGER, site=make.SiteFactory()).user
    page = client_of(manager).get(reverse("web:reading_session", args=[session.pk]))
    assert page.status_code == 404


def test_who_has_many_pages_finds_them_in_groups_of_the_menu_and_who_has_few_in_one_line():
    make.ProtocolVersionFactory()
    page = client_of(make.person(Role.STUDY_PI)).get(reverse("web:readings")).content.decode()
    menu = page[page.index("<nav") : page.index("</nav>")]
    assert menu.count("<details") == 2
    for name in ("pairs", "jobs", "releases", "cuts", "locks", "audit"):
        assert f'href="{reverse(f"web:{name}")}"' in menu
    few = client_of(make.person(Role.READER)).get(reverse("web:reading_list")).content.decode()
    assert "<details" not in few[few.index("<nav") : few.index("</nav>")]


def test_who_runs_a_session_opens_a_case_again_by_its_code_with_a_reason():
    session, manager, part, client = scene()
    read = begin(client, part)
    client.post(reverse("web:reading_submit", args=[read.code]), {"q.nodal.": "2", "version": 0})
    address = reverse("web:reading_open_again", args=[session.pk])
    runs = client_of(manager)
    for fields in ({"code": "WRONG1", "reason": "Mixed up."}, {"code": read.code, "reason": " "}):
        runs.post(address, fields)
        assert not Read.objects.filter(corrects=read).exists()
    runs.post(address, {"code": read.code.lower(), "reason": "Mixed up."})
    assert Read.objects.get(corrects=read).correction_reason == "Mixed up."
    assert client.post(address, {"code": read.code, "reason": "Mixed up."}).status_code == 403
