"""A reading session from opening to closing, through services and selectors."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.db import DatabaseError, transaction

from studyportal.core import clock
from studyportal.core.errors import NotAllowed, Refused, StaleState
from studyportal.core.storage import read_bytes
from studyportal.imaging.services import exclude_pair, purge_series
from studyportal.imaging.states import SeriesRole
from studyportal.outcomes.services.tables import freeze_tables
from studyportal.participants.rules import Scope
from studyportal.reading.models import CaseVolume, Read, ReadCall
from studyportal.reading.selectors import (
    index_reads,
    left_out_of,
    next_reads,
    own_list,
    own_lists,
    progress_of,
    read_for,
    readers_of,
    scores_of,
    settled_calls,
)
from studyportal.reading.services import (
    OtherTab,
    begin_consensus,
    close_session,
    exclude_case,
    keep_time,
    obey_withdrawal,
    open_session,
    reopen_read,
    save_draft,
    start_read,
    submit_read,
    withdraw_reader,
)
from studyportal.sites.rules import Role
from studyportal.syntheses.states import SyntheticStatus
from tests import factories as make

pytestmark = pytest.mark.django_db

DESIGN = """
kind = "diagnostic"
plan = "crossed"
groups = 1
seed = 5
washout_days = 28
block_size = 4
repeats = 0
showing = "single"
lesions = "none"
score_gap = 0
[sampling]
cases = 2
practice = 0
[[arm]]
code = "ct"
shows = ["ct"]
plane = "axial"
ct_window = "lung"
pet_scale = "suv7"
[[arm]]
code = "ct_pet"
shows = ["ct", "pet"]
plane = "axial"
ct_window = "lung"
pet_scale = "suv7"
[[question]]
id = "nodal"
unit = "participant"
scale = "1-5"
condition = "nodal_metastasis"
positive_from = 4
index = true
required = true
text = "Nodes?"
text_zh = "淋巴结？"
"""
STATIONS = """
[[question]]
id = "stations"
unit = "station"
scale = "yes_no"
condition = "nodal_metastasis"
index = true
yes = 5
no = 1
required = false
text = "Stations?"
text_zh = "淋巴结站？"
"""


def person(role):
    return make.MembershipFactory(role=role, site=None).user


def opened(*, readers=1, adjudicator=False, design=DESIGN):
    make.ProtocolVersionFactory()
    for _ in range(2):
        pair = make.ScanPairFactory(ready=True)
        make.ImagingSeriesFactory(pair=pair, accepted=True)
        make.ImagingSeriesFactory(pair=pair, accepted=True, role=SeriesRole.REFERENCE)
    manager = person(Role.DATA_MANAGER)
    session = open_session(
        name="First", design_text=design, readers=[person(Role.READER) for _ in range(readers)],
        adjudicator=person(Role.READER) if adjudicator else None, by=manager,
    )  # fmt: skip
    for case in session.cases.all():
        for layer in ("ct", "pet"):
            make.CaseVolumeFactory(case=case, layer=layer)
    return session, manager


def begun(part):
    read = next_reads(part)[0]
    return start_read(read=read, by=part.person)


def submitted(part, score="4"):
    read = begun(part)
    return submit_read(read=read, fields={"q.nodal.": score}, based_on=0, by=part.person)


def read_all(part, score="4"):
    """Both rounds, the wash-out between them."""
    with time_machine.travel(clock.now(), tick=True) as traveller:
        for _ in range(2):
            while next_reads(part):
                submitted(part, score)
            traveller.shift(timedelta(days=29))


def withdraw(case, what):
    """One image of the case, or the pair, is in the study no more."""
    if what == "pair":
        exclude_pair(pair=case.pair, reason="Metal.", by=person(Role.DATA_MANAGER))
    elif what == "synthetic":
        job = make.SynthesisJobFactory(pair=case.pair, source=case.source, succeeded=True)
        case.synthetic = make.SyntheticSeriesFactory(job=job, status=SyntheticStatus.WITHDRAWN)
        case.save()
    else:
        purge_series(series=getattr(case, what), reason="Other person.", by=person(Role.DATA_MANAGER))  # fmt: skip


def test_an_open_session_gives_each_reader_every_case_in_every_arm():
    session, _ = opened(readers=2)
    reads = Read.objects.filter(reader__session=session)
    assert reads.count() == 2 * 2 * 2
    assert len({read.code for read in reads}) == 8
    assert all(one["holds"] for one in session.proof)


def test_a_second_arm_waits_for_the_washout_and_opens_after_it():
    session, _ = opened()
    part = readers_of(session).get()
    submitted(part)
    submitted(part)
    assert next_reads(part) == []
    assert own_list(part).waits_until is not None
    later = Read.objects.filter(reader=part, period=1).first()
    with pytest.raises(Refused, match="can be read again from"):
        start_read(read=later, by=part.person)
    with time_machine.travel(clock.now() + timedelta(days=28, minutes=1)):
        assert {read.period for read in next_reads(part, count=9)} == {1}


def test_a_draft_of_another_window_is_never_overwritten():
    session, _ = opened()
    part = readers_of(session).get()
    read = begun(part)
    assert save_draft(read=read, fields={"q.nodal.": "2"}, based_on=0, by=part.person).version == 1
    with pytest.raises(OtherTab) as told:
        save_draft(read=read, fields={"q.nodal.": "5"}, based_on=0, by=part.person)
    assert (told.value.version, told.value.draft) == (1, {"q.nodal.": "2"})


def test_a_submitted_read_is_locked_and_sending_it_again_changes_nothing():
    session, _ = opened()
    part = readers_of(session).get()
    read = submitted(part)
    again = submit_read(read=read, fields={"q.nodal.": "4"}, based_on=0, by=part.person)
    assert again.pk == read.pk
    assert ReadCall.objects.filter(read=read).count() == 1
    with pytest.raises(StaleState):
        save_draft(read=read, fields={"q.nodal.": "1"}, based_on=1, by=part.person)
    for change in (
        lambda: Read.objects.filter(pk=read.pk).update(seconds=1.0),
        lambda: ReadCall.objects.filter(read=read).update(score=1.0),
        lambda: ReadCall.objects.filter(read=read).delete(),
    ):
        with (
            pytest.raises(DatabaseError, match=r"kept as it is|permission denied"),
            transaction.atomic(),
        ):
            change()


def test_a_correction_stands_beside_the_read_it_corrects_and_counts_once_submitted():
    session, manager = opened()
    part = readers_of(session).get()
    first = submitted(part, "2")
    with pytest.raises(Refused, match="Say why"):
        reopen_read(read=first, reason=" ", by=part.person)
    second = reopen_read(read=first, reason="Typed wrongly.", by=part.person)
    submit_read(read=second, fields={"q.nodal.": "5"}, based_on=0, by=part.person)
    close_session(session=session, by=manager, reason="Enough.")
    assert [row.score for row in scores_of(session)] == [5.0]
    assert ReadCall.objects.get(read=first).score == 2.0


def test_the_time_of_a_case_leaves_out_pauses_and_a_clock_that_went_back():
    session, _ = opened()
    part = readers_of(session).get()
    start = clock.now()
    with time_machine.travel(start, tick=False) as traveller:
        code = begun(part).code
        for seconds in (30, 3600, -600, 20):
            traveller.shift(timedelta(seconds=seconds))
            keep_time(read=read_for(part.person, code), by=part.person)
    assert Read.objects.get(code=code).seconds == 50.0


def test_reads_are_sealed_until_the_session_is_closed():
    session, manager = opened()
    submitted(readers_of(session).get())
    with pytest.raises(Refused, match="sealed"):
        scores_of(session)
    with pytest.raises(Refused, match="3 reads are not submitted yet"):
        close_session(session=session, by=manager)


def test_where_readers_differ_the_adjudicator_decides_and_their_reads_stay():
    session, manager = opened(readers=2, adjudicator=True)
    one, two = readers_of(session).filter(part="reader")
    read_all(one, "5")
    read_all(two, "1")
    begin_consensus(session=session, by=manager)
    judge = readers_of(session).get(part="adjudicator")
    while next_reads(judge):
        submitted(judge, "5")
    close_session(session=session, by=manager)
    assert sorted(row.score for row in scores_of(session)) == [1.0] * 4 + [5.0] * 4
    assert set(settled_calls(session).values()) == {"positive"}


def test_a_reader_who_leaves_reads_no_more_and_what_was_read_stays():
    session, manager = opened()
    part = readers_of(session).get()
    submitted(part)
    withdraw_reader(reader=part, reason="Ill.", by=manager)
    assert own_lists(part.person) == []
    close_session(session=session, by=manager)
    assert [row.reader_left for row in scores_of(session)] == [True]
    assert [(one.what, one.reason) for one in left_out_of(session)] == [("reader", "Ill.")]


def test_a_case_that_is_taken_out_is_read_no_more_and_analysed_no_more():
    session, manager = opened()
    part = readers_of(session).get()
    read = submitted(part)
    exclude_case(case=read.case, reason="Metal.", by=manager)
    assert {one.case_id for one in next_reads(part, count=9)}.isdisjoint({read.case_id})
    close_session(session=session, by=manager, reason="Enough.")
    assert scores_of(session) == []
    assert ReadCall.objects.filter(read=read).exists()


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("source", "Its CT was withdrawn from the study."),
        ("reference", "Its PET was withdrawn from the study."),
        ("synthetic", "Its synthetic PET was withdrawn."),
        ("pair", "Its images were excluded: Metal."),
    ],
)
def test_a_case_whose_image_is_withdrawn_midway_is_read_no_more_and_its_reads_stay(what, why):
    session, manager = opened()
    part = readers_of(session).get()
    read = submitted(part)
    assert progress_of(session)[0].total == 4
    withdraw(read.case, what)
    read = Read.objects.get(pk=read.pk)
    assert read_for(part.person, read.code) is None
    assert {one.case_id for one in next_reads(part, count=9)}.isdisjoint({read.case_id})
    assert (progress_of(session)[0].done, progress_of(session)[0].total) == (0, 2)
    with pytest.raises(Refused, match="read no more"):
        reopen_read(read=read, reason="Typed wrongly.", by=part.person)
    close_session(session=session, by=manager, reason="Enough.")
    assert scores_of(session) == []
    assert ReadCall.objects.filter(read=read).exists()
    code = read.case.pair.participant.code
    assert [(one.what, one.name, one.reason) for one in left_out_of(session)] == [("case", code, why)]  # fmt: skip


def test_of_a_participant_whose_data_are_removed_no_image_is_left_to_read():
    session, _ = opened()
    part = readers_of(session).get()
    read = begun(part)
    withdrawal = make.WithdrawalFactory(participant=read.case.pair.participant, scope=Scope.REMOVE)
    digests = set(CaseVolume.objects.filter(case=read.case).values_list("sha256", flat=True))
    obeyed = obey_withdrawal(withdrawal=withdrawal)
    assert obeyed.files == digests
    assert read_for(part.person, read.code) is None


def test_who_sees_more_than_a_reader_may_is_neither_taken_in_nor_let_on():
    session, manager = opened()
    seer = person(Role.READER)
    make.MembershipFactory(user=seer, role=Role.STATISTICIAN, site=None)
    with pytest.raises(Refused, match="cannot read blinded"):
        open_session(name="Second", design_text=DESIGN, readers=[seer], by=manager)
    part = readers_of(session).get()
    make.MembershipFactory(user=part.person, role=Role.MONITOR, site=None)
    part = readers_of(session).get()
    with pytest.raises(NotAllowed, match="cannot read blinded"):
        start_read(read=next_reads(part)[0], by=part.person)


def test_progress_tells_how_far_everybody_is_and_no_result():
    session, _ = opened()
    submitted(readers_of(session).get())
    row = progress_of(session)[0]
    assert (row.done, row.total, row.corrections) == (1, 4, 0)


def test_reads_of_a_closed_session_become_scores_of_its_index_tests():
    session, manager = opened(design=DESIGN + STATIONS)
    part = readers_of(session).get()
    read = begun(part)
    answers = {"q.nodal.": "4", "q.stations.7": "yes", "q.stations.8": "no", "i.stations.9": "on"}
    submit_read(read=read, fields=answers, based_on=0, by=part.person)
    assert index_reads() == []  # sealed while the session is open
    close_session(session=session, by=manager, reason="Enough.")
    found = {(one.unit, one.unit_id): (one.score, one.indeterminate) for one in index_reads()}
    assert found == {
        ("participant", ""): (4.0, False), ("station", "7"): (5.0, False),
        ("station", "8"): (1.0, False), ("station", "9"): (None, True),
    }  # fmt: skip
    assert {one.reader for one in index_reads()} == {f"{part.code} (First)"}
    frozen = json.loads(read_bytes(freeze_tables(set(), development={}).sha256))["index_scores"]
    assert {(row["test"], row["target_condition"]) for row in frozen} == {
        (f"reader_{read.arm.code}", "nodal_metastasis")
    }
    assert len(frozen) == 4
