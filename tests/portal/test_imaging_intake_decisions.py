"""What people decide about findings and pairs."""

from pathlib import Path

import pydicom
import pytest

from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.selectors import acts_on
from studyportal.imaging.models import Finding, ScanPair
from studyportal.imaging.selectors import (
    open_findings,
    pair_of,
    unjudged_pairs,
)
from studyportal.imaging.services import (
    accept_finding,
    exclude_pair,
    judge_artefacts,
    open_series,
)
from studyportal.imaging.states import Grade, PairStatus, SeriesRole
from studyportal.participants.rules import Answer
from studyportal.participants.selectors import latest_assessment
from studyportal.sites.rules import PERMISSIONS, Action, Role
from tests.portal.scenes import (
    enrolled,
    person,
    ready_pair,
    taken_in,
)

# Bytes of quarantine are removed once the transaction has been committed.
pytestmark = pytest.mark.django_db(transaction=True)
CT, PET, OUTLINES = SeriesRole.SOURCE, SeriesRole.REFERENCE, SeriesRole.OUTLINES


def edited(source: Path, target: Path, change) -> Path:
    """Copy a series with a change made to the header of every file."""
    target.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        dataset = pydicom.dcmread(path)
        change(dataset)
        dataset.save_as(target / path.name)
    return target


def answer_to(pair: ScanPair, criterion: str) -> str:
    return latest_assessment(pair.participant).answers.get(criterion=criterion).answer


@pytest.fixture
def queried(study, phantom, tmp_path):
    """A complete pair whose positions do not fit: CT and PET name different frames of reference."""

    def move(dataset):
        dataset.FrameOfReferenceUID = "2.25.77"

    participant = enrolled()
    taken_in(participant, CT, edited(phantom() / "CT", tmp_path / "CT", move))
    taken_in(participant, PET, phantom() / "PET")
    pair = pair_of(participant)
    assert pair.status == PairStatus.QUERY_OPEN
    return pair


def blocking(pair):
    return open_findings(pair).get(grade=Grade.EXCLUDE)


def test_accepting_the_last_finding_in_the_way_makes_the_pair_ready(queried):
    finding = blocking(queried)
    accept_finding(finding=finding, reason="same table, checked", by=person(Role.DATA_MANAGER))
    queried.refresh_from_db()

    assert queried.status == PairStatus.READY
    assert acts_on("finding", finding.pk).get().reason == "same table, checked"
    assert answer_to(queried, "EXC-04") == Answer.NOT_MET


def test_a_finding_is_accepted_once_and_for_a_reason(queried):
    finding, by = blocking(queried), person(Role.DATA_MANAGER)
    with pytest.raises(Refused, match="Say why"):
        accept_finding(finding=finding, reason="  ", by=by)
    accept_finding(finding=finding, reason="checked", by=by)
    with pytest.raises(Refused, match="settled already"):
        accept_finding(finding=finding, reason="again", by=by)


def test_a_finding_of_a_refused_series_cannot_be_accepted(study, phantom):
    series = taken_in(enrolled(), CT, phantom() / "PET")
    with pytest.raises(Refused, match="must be sent again"):
        accept_finding(
            finding=Finding.objects.filter(series=series, grade=Grade.EXCLUDE).first(),
            reason="looks fine",
            by=person(Role.DATA_MANAGER),
        )


@pytest.mark.parametrize("role", [r for r in Role if Action.ACCEPT_FINDING not in PERMISSIONS[r]])
def test_only_a_data_manager_decides_about_findings_and_pairs(queried, role):
    by = person(role)
    with pytest.raises(NotAllowed):
        accept_finding(finding=blocking(queried), reason="why not", by=by)
    with pytest.raises(NotAllowed):
        exclude_pair(pair=queried, reason="why not", by=by)
    with pytest.raises(NotAllowed):
        judge_artefacts(pair=queried, artefacts=False, reason="fine", by=by)


def test_an_excluded_pair_keeps_its_reason_and_takes_no_images(queried):
    exclude_pair(pair=queried, reason="wrong examination", by=person(Role.DATA_MANAGER))
    queried.refresh_from_db()

    assert (queried.status, queried.exclusion_reason) == (PairStatus.EXCLUDED, "wrong examination")
    assert answer_to(queried, "EXC-04") == Answer.MET
    with pytest.raises(Refused, match="was excluded"):
        open_series(participant=queried.participant, role=CT, by=person(Role.COORDINATOR))


def test_an_exclusion_needs_a_reason_and_happens_once(queried):
    by = person(Role.DATA_MANAGER)
    with pytest.raises(Refused, match="Say why"):
        exclude_pair(pair=queried, reason="", by=by)
    exclude_pair(pair=queried, reason="wrong examination", by=by)
    with pytest.raises(Refused, match="excluded cannot become excluded"):
        exclude_pair(pair=queried, reason="again", by=by)


def test_images_without_artefacts_settle_the_criterion_and_leave_the_pair_ready(study, phantom):
    pair = ready_pair(phantom())
    assert unjudged_pairs() == [pair]
    judge_artefacts(pair=pair, artefacts=False, reason="clean", by=person(Role.DATA_MANAGER))
    pair.refresh_from_db()

    assert (pair.status, answer_to(pair, "EXC-02")) == (PairStatus.READY, Answer.NOT_MET)
    assert unjudged_pairs() == []


def test_images_with_artefacts_exclude_the_pair_with_what_was_seen(study, phantom):
    pair = ready_pair(phantom())
    judge_artefacts(pair=pair, artefacts=True, reason="metal", by=person(Role.DATA_MANAGER))
    pair.refresh_from_db()

    assert (pair.status, answer_to(pair, "EXC-02")) == (PairStatus.EXCLUDED, Answer.MET)
    assert pair.exclusion_reason == "Image artefacts: metal"


def test_nobody_judges_images_that_are_not_all_there(study, phantom):
    participant = enrolled()
    taken_in(participant, CT, phantom() / "CT")
    by = person(Role.DATA_MANAGER)
    with pytest.raises(Refused, match="Both CT and PET"):
        judge_artefacts(pair=pair_of(participant), artefacts=False, reason="clean", by=by)
    with pytest.raises(Refused, match="Say what you saw"):
        judge_artefacts(pair=pair_of(participant), artefacts=False, reason=" ", by=by)
