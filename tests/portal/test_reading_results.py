"""What a closed reading session shows: to whom, and what a file of its reads holds."""

from importlib import resources

import pytest
from django.urls import reverse

from evaluation.readers import reads_from_csv
from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.models import AuditEvent
from studyportal.reading.rules import Opinion, readers_agree
from studyportal.reading.selectors import own_feedback, readers_of, results_of
from studyportal.reading.services import close_session, export_reads
from studyportal.sites.rules import Role
from tests import factories as make
from tests.portal.test_reading import opened, read_all
from tests.portal.test_web_reading import client_of

pytestmark = pytest.mark.django_db
TURING = (resources.files("studyportal.reading") / "designs" / "turing.toml").read_text("utf-8")


def read_session(*scores):
    """A session that one reader per score has read, each with this one score for everything."""
    session, manager = opened(readers=len(scores))
    for part, score in zip(readers_of(session), scores, strict=True):
        read_all(part, score)
    return session, manager


def closed_session(*scores):
    session, manager = read_session(*scores)
    close_session(session=session, by=manager, reason="All is read.")
    session.refresh_from_db()
    return session


def turing_session(**session_facts):
    """A reader of a visual Turing test who was right of four images in three."""
    session = make.ReadingSessionFactory(design_text=TURING, **session_facts)
    part = make.SessionReaderFactory(session=session, person=make.person(Role.READER))
    arms = {code: make.ReadingArmFactory(session=session, code=code) for code in ("real", "synthetic")}  # fmt: skip
    for arm, score in (("real", 0.0), ("real", 1.0), ("synthetic", 1.0), ("synthetic", 1.0)):
        read = make.ReadFactory(reader=part, arm=arms[arm], submitted=True)
        make.ReadCallFactory(read=read, question="origin", score=score, call="positive" if score else "negative")  # fmt: skip
    return session, part


def test_readers_who_always_agree_have_a_kappa_of_one_over_the_units_that_all_called():
    def opinions(*calls):
        return [Opinion(str(n), "", call, 1.0, not call) for n, call in enumerate(calls)]

    units = [opinions("positive", "positive"), opinions("negative", "negative"), opinions("positive", "")]  # fmt: skip
    found = readers_agree(units, readers=2)
    assert (found.units, found.kappa.value) == (2, 1.0)
    assert readers_agree(units[:1], readers=1).kappa is None


def test_a_closed_session_counts_answers_agreement_and_disputes_by_arm():
    results = results_of(closed_session("4", "2"))
    assert [row.arm for row in results.questions] == ["ct", "ct_pet"]
    row = results.questions[0]
    assert (row.readers, row.answers, row.positive, row.disputed, row.settled) == (2, 4, 2, 2, 0)
    assert row.agreement.kappa.value == pytest.approx(-1.0)
    assert {(one.reader, one.cases) for one in results.readers} == {("R01", 2), ("R02", 2)}


def test_nobody_sees_or_takes_out_results_while_a_session_is_open():
    session, _ = read_session("4")
    statistician = make.person(Role.STATISTICIAN)
    with pytest.raises(Refused, match="sealed until the reading session is closed"):
        results_of(session)
    with pytest.raises(Refused, match="sealed until the reading session is closed"):
        export_reads(session=session, by=statistician)
    for person in statistician, make.person(Role.STUDY_PI):
        page = client_of(person).get(reverse("web:reading_results", args=[session.pk]))
        assert page.status_code == 404
    assert client_of(statistician).get(reverse("web:reading_export", args=[session.pk])).status_code == 404  # fmt: skip


def test_the_statistician_finds_the_results_of_a_closed_session_and_downloads_its_reads():
    session = closed_session("4", "2")
    client = client_of(make.person(Role.STATISTICIAN))
    address = reverse("web:reading_results", args=[session.pk])
    assert address in client.get(reverse("web:reading_closed")).content.decode()
    page = client.get(address).content.decode()
    assert "κ -1.00" in page
    answer = client.get(reverse("web:reading_export", args=[session.pk]))
    reads, faults = reads_from_csv(answer.content.decode())
    assert faults == []
    assert len(reads) == 8
    said = {(one.arm, one.reader, one.question, one.unit, one.score, one.call) for one in reads.values()}  # fmt: skip
    assert said == {
        (arm, reader, "nodal_metastasis", "participant", score, call)
        for arm in ("ct", "ct_pet")
        for reader, score, call in (("R01", 4.0, "positive"), ("R02", 2.0, "negative"))
    }
    assert AuditEvent.objects.filter(verb="export_reads").count() == 1


def test_who_runs_a_session_sees_no_results_without_the_right_to_outcomes():
    session = closed_session("4")
    manager = make.person(Role.DATA_MANAGER)
    client = client_of(manager)
    assert client.get(reverse("web:reading_results", args=[session.pk])).status_code == 403
    with pytest.raises(NotAllowed):
        export_reads(session=session, by=manager)


def test_a_reader_learns_the_own_accuracy_only_once_the_turing_test_is_closed():
    _, part = turing_session()
    assert own_feedback(part.person) == []
    session, part = turing_session(closed=True)
    (found,) = own_feedback(part.person)
    assert found.own.accuracy.value == 0.75
    assert found.own.accuracy.lower < 0.75 < found.own.accuracy.upper
    page = client_of(part.person).get(reverse("web:reading_list")).content.decode()
    assert session.name in page
    assert "0.75 (" in page
    assert own_feedback(make.person(Role.READER)) == []


def test_the_api_gives_a_reader_the_own_list_and_nothing_that_unblinds():
    session, _ = opened()
    part = readers_of(session).get()
    client = client_of(part.person)
    (row,) = client.get("/api/v1/reading-list/").json()
    assert (row["session"], row["done"], row["left"]) == ("First", 0, 4)
    assert set(row) == {"session", "reader", "done", "left", "today", "next_code", "waits_until"}
    assert client.get("/api/v1/reading-sessions/").status_code == 403


def test_the_api_gives_progress_without_an_answer():
    session, manager = read_session("4")
    answer = client_of(manager).get(f"/api/v1/reading-sessions/{session.pk}/progress/")
    (row,) = answer.json()
    assert (row["reader"], row["done"], row["total"]) == ("R01", 4, 4)
    assert not any(word in str(answer.json()) for word in ("positive", "ct_pet", "score"))
