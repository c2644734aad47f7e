"""What a closed reading session shows: to whom, and what a file of its reads holds."""

from datetime import timedelta
from importlib import resources

import pytest
from django.urls import reverse

from evaluation.analysis import load_plan
from evaluation.readers import reads_from_csv
from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.models import AuditEvent
from studyportal.outcomes.models import DataCut
from studyportal.outcomes.rules import cut_off_faults
from studyportal.outcomes.selectors import arms_are_open, sealed_values
from studyportal.outcomes.services import open_reading_session, read_otherwise, take_out_reads
from studyportal.reading.models import Read
from studyportal.reading.rules import DesignRefused, Opinion, parse_design, readers_agree
from studyportal.reading.selectors import index_reads, own_feedback, readers_of, results_of
from studyportal.reading.services import close_session, export_reads, submit_read
from studyportal.sites.rules import Role
from tests import factories as make
from tests.portal.test_reading import DESIGN, STATIONS, begun, opened, read_all
from tests.portal.test_web_reading import client_of

pytestmark = pytest.mark.django_db
PLAN = (resources.files("evaluation") / "plans" / "nct07243873.toml").read_text("utf-8")
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


def opened_cut(session):
    """Two people opened the final analysis of a cut that holds the reads of the session."""
    opening = make.ResultOpeningFactory(opened=True)
    DataCut.objects.filter(pk=opening.cut_id).update(frozen_at=session.closed_at)
    return opening.cut


def test_a_closed_session_counts_answers_agreement_and_disputes_by_arm():
    results = results_of(closed_session("4", "2"), by_arm=True)
    assert [row.arm.code for row in results.questions] == ["ct", "ct_pet"]
    row = results.questions[0]
    assert (row.readers, row.answers, row.positive, row.disputed, row.settled) == (2, 4, 2, 2, 0)
    assert row.agreement.kappa.value == pytest.approx(-1.0)
    assert {(one.reader, one.cases) for one in results.readers} == {("R01", 2), ("R02", 2)}


def test_over_all_arms_nothing_says_how_many_were_called_positive():
    (row,) = results_of(closed_session("4", "2"), by_arm=False).questions
    assert (row.arm, row.positive, row.readers, row.answers, row.disputed) == (None, None, 2, 8, 4)
    assert row.agreement.units == 4


def test_before_two_people_open_an_analysis_point_neither_page_file_nor_trail_tells_an_arm():
    session = closed_session("4", "2")
    record = {"read_id": Read.objects.first().pk}
    person = make.person(Role.STATISTICIAN)
    client = client_of(person)
    page = client.get(reverse("web:reading_results", args=[session.pk])).content.decode()
    assert "κ" in page
    assert "Nodes?" in page
    assert "CT + PET" not in page
    assert "Positive" not in page
    assert not AuditEvent.objects.filter(verb="see_results").exists()
    asked = client.get(reverse("web:reading_export", args=[session.pk]), follow=True)
    assert "The reads name arms." in asked.content.decode()
    with pytest.raises(Refused, match="sealed until two people open"):
        take_out_reads(session=session, by=person)
    assert sealed_values("reading.readcall", record)

    early = make.ResultOpeningFactory(opened=True).cut  # frozen before the session was closed
    DataCut.objects.filter(pk=early.pk).update(frozen_at=session.closed_at - timedelta(days=1))
    assert not arms_are_open(session)
    opened_cut(session)
    assert not sealed_values("reading.readcall", record)
    page = client.get(reverse("web:reading_results", args=[session.pk])).content.decode()
    assert "CT + PET" in page
    assert AuditEvent.objects.filter(verb="see_results").count() == 1


def test_arms_and_questions_stand_on_the_results_in_the_language_of_the_reader():
    session = closed_session("4", "2")
    opened_cut(session)
    client = client_of(make.person(Role.STATISTICIAN))
    address = reverse("web:reading_results", args=[session.pk])
    page = client.get(address, headers={"Accept-Language": "zh-hans"}).content.decode()
    assert "淋巴结？" in page
    assert "ct_pet" not in page


def test_a_session_is_not_opened_whose_questions_are_cut_off_elsewhere_than_the_index_tests():
    definition = {"kind": "scores", "arm": "ct", "cutoff": {"nodal_metastasis": 3.0}}
    make.IndexTestFactory(code="reader_ct", kind="reader", definition=definition)
    readers = [make.person(Role.READER)]
    with pytest.raises(Refused) as told:
        open_reading_session(
            name="First", design_text=DESIGN, readers=readers, by=make.person(Role.DATA_MANAGER)
        )
    assert [reason.sentence for reason in told.value.reasons] == [
        "Question nodal is positive from 4 on; the index test reader_ct is positive from 3 on."
    ]


@pytest.mark.parametrize(("cut_off", "faults"), [(4.0, 0), (3.0, 1), (5.5, 2), (1.0, 2)])
def test_yes_and_no_must_lie_on_both_sides_of_the_cut_off(cut_off, faults):
    design = parse_design(DESIGN + STATIONS)
    assert len(cut_off_faults(design, {"reader_ct": {"nodal_metastasis": cut_off}})) == faults


def test_a_cut_says_which_session_is_cut_off_elsewhere_than_its_plan():
    closed_session("4")
    plan = load_plan(f"{PLAN}\n")
    told = read_otherwise(plan)
    assert told[0] == (
        "Reading session First: Question nodal is positive from 4 on; the index test reader_ct is "
        "positive from 3 on."
    )
    assert len(told) == 2


CALLS = """
[[question]]
id = "called"
unit = "participant"
scale = "yes_no"
condition = "nodal_metastasis"
index = true
test = "call"
yes = 1
no = 0
required = true
text = "Involved?"
text_zh = "受累？"
"""


def test_a_call_beside_a_score_is_an_index_test_of_its_own():
    session, manager = opened(design=DESIGN + CALLS)
    part = readers_of(session).get()
    fields = {"q.nodal.": "2", "q.called.": "yes"}
    read = submit_read(read=begun(part), fields=fields, based_on=0, by=part.person)
    close_session(session=session, by=manager, reason="Enough.")
    arm = read.arm.code
    assert {(one.arm, one.score) for one in index_reads()} == {(arm, 2.0), (f"{arm}_call", 1.0)}


def test_two_index_tests_of_one_condition_need_names_that_differ():
    with pytest.raises(DesignRefused, match="index test nodal_metastasis/participant stands there twice"):  # fmt: skip
        parse_design(DESIGN + CALLS.replace('test = "call"\n', ""))
    with pytest.raises(DesignRefused, match="more than 20 letters"):
        parse_design(DESIGN + CALLS.replace('"call"', '"a_name_that_is_too_long"'))


def test_nobody_sees_or_takes_out_results_while_a_session_is_open():
    session, _ = read_session("4")
    statistician = make.person(Role.STATISTICIAN)
    with pytest.raises(Refused, match="sealed until the reading session is closed"):
        results_of(session, by_arm=False)
    with pytest.raises(Refused, match="sealed until the reading session is closed"):
        export_reads(session=session, by=statistician)
    for person in statistician, make.person(Role.STUDY_PI):
        page = client_of(person).get(reverse("web:reading_results", args=[session.pk]))
        assert page.status_code == 404
    assert client_of(statistician).get(reverse("web:reading_export", args=[session.pk])).status_code == 404  # fmt: skip


def test_the_statistician_finds_the_results_of_a_closed_session_and_downloads_its_reads():
    session = closed_session("4", "2")
    opened_cut(session)
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
