"""The worklist and the dashboard against the database."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from studyportal.clinical.rules import ReferenceEntry, ReferenceStatus, TargetCondition, Unit
from studyportal.clinical.services import enter_reference
from studyportal.core.database.scope import Scope, within
from studyportal.dashboards.ordering import keys_of, number_of, ordered
from studyportal.dashboards.rules import Step
from studyportal.dashboards.selectors import (
    WorkFilter,
    enrolment_curve,
    pair_counts,
    participant_counts,
    recruitment,
    worklist,
)
from studyportal.imaging.services import judge_artefacts
from studyportal.imaging.states import SeriesRole
from studyportal.participants.rules import Answer
from studyportal.participants.selectors import every_participant
from studyportal.protocol.selectors import active_protocol
from studyportal.sites.rules import Role
from tests import factories as make
from tests.portal.web_study import (
    enrolled,
    person_at,
    phantom_folder,
    screened,
    sent,
    small_study,
)

pytestmark = pytest.mark.django_db


def steps(user, chosen=None):
    return {row.code: row.missing.step for row in worklist(user, chosen)}


def test_each_participant_shows_the_step_that_is_next(tmp_path):
    study = small_study()
    site, by = study.sites["SPH"], study.coordinator
    folder = phantom_folder(tmp_path / "phantom")
    screened(site, by, INC_01=Answer.UNKNOWN)
    screened(site, by, INC_02=Answer.UNKNOWN)
    screened(site, by, EXC_01=Answer.MET)
    screened(site, by)
    enrolled(site, by)
    whole = enrolled(site, by)
    sent(whole, SeriesRole.SOURCE, folder / "CT", by)
    assert steps(by) == {
        "SPH-00001": Step.ANSWER_CRITERIA,
        "SPH-00002": Step.RECORD_CONSENT,
        "SPH-00003": Step.ENDED,
        "SPH-00004": Step.ENROL,
        "SPH-00005": Step.SEND_CT,
        "SPH-00006": Step.SEND_PET,
    }
    sent(whole, SeriesRole.REFERENCE, folder / "PET", by)
    assert steps(by)[whole.code] == Step.JUDGE_ARTEFACTS
    manager = study.people[Role.DATA_MANAGER]
    judge_artefacts(pair=whole.scan_pair, artefacts=False, reason="clean", by=manager)
    assert steps(by)[whole.code] == Step.ENTER_REFERENCE
    entry = ReferenceEntry(
        TargetCondition.DISTANT_METASTASIS, Unit.PARTICIPANT, "", ReferenceStatus.NEGATIVE
    )
    enter_reference(participant=whole, entries=[entry], source="histology", by=by)
    assert steps(by)[whole.code] == Step.WAIT_SYNTHESIS


def test_images_that_are_refused_come_back_as_images_to_mend(tmp_path):
    study = small_study()
    by = study.coordinator
    participant = enrolled(study.sites["SPH"], by)
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    (wrong / "letter.txt").write_text("not an image")
    sent(participant, SeriesRole.SOURCE, wrong, by)
    assert steps(by) == {participant.code: Step.MEND_FINDING}


def test_what_needs_the_person_stands_first_and_others_work_after_it():
    study = small_study()
    site, by = study.sites["SPH"], study.coordinator
    screened(site, by, EXC_01=Answer.MET)
    screened(site, by)
    rows = worklist(by)
    assert [row.mine for row in rows] == [True, False]
    assert not any(row.mine for row in worklist(study.people[Role.MONITOR]))


def test_the_number_of_queries_does_not_grow_with_the_participants():
    study = small_study()
    site, by = study.sites["SPH"], study.coordinator

    def queries() -> int:
        by.__dict__.pop("_memberships", None)
        with CaptureQueriesContext(connection) as seen:
            worklist(by)
        return len(seen)

    screened(site, by)
    few = queries()
    for _ in range(6):
        enrolled(site, by)
    assert queries() == few
    assert few <= 5


def test_filters_narrow_by_site_status_step_and_code():
    study = small_study()
    screened(study.sites["SPH"], study.coordinator)
    enrolled(study.sites["SEH"], person_at(study.sites["SEH"]))
    monitor = study.people[Role.MONITOR]
    assert set(steps(monitor)) == {"SPH-00001", "SEH-00001"}
    assert set(steps(monitor, WorkFilter(site="SEH"))) == {"SEH-00001"}
    assert set(steps(monitor, WorkFilter(status="eligible"))) == {"SPH-00001"}
    assert set(steps(monitor, WorkFilter(step="send_ct"))) == {"SEH-00001"}
    assert set(steps(monitor, WorkFilter(search="sph"))) == {"SPH-00001"}


def test_the_dashboard_counts_what_is_there():
    study = small_study()
    site, by = study.sites["SPH"], study.coordinator
    screened(site, by, EXC_01=Answer.MET)
    participant = enrolled(site, by)
    pi = study.people[Role.STUDY_PI]
    rows = {row.code: row for row in recruitment(pi)}
    assert list(rows) == sorted(study.sites)
    assert (rows["SPH"].screened, rows["SPH"].enrolled, rows["SPH"].target) == (2, 1, 4000)
    assert rows["SEH"].enrolled == 0
    assert participant_counts(pi) == {"enrolled": 1, "screen_failed": 1}
    assert enrolment_curve(pi) == [(participant.enrolled_on, 1)]
    assert pair_counts(pi) == {}


def test_an_order_whose_filter_was_forgotten_holds_the_sites_of_the_scope_alone():
    small_study()
    own, other = make.ParticipantFactory(), make.ParticipantFactory()
    for scope, seen in ((Scope(frozenset({own.site_id})), [own.pk]), (Scope(), [])):
        with within(scope):
            rows = ordered(every_participant(), active_protocol(), mine=())
            assert (keys_of(rows), number_of(rows)) == (seen, len(seen))
    rows = ordered(every_participant(), active_protocol(), mine=())
    assert set(keys_of(rows)) == {own.pk, other.pk}
