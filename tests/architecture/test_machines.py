"""Every allowed move of every machine works and leaves one row of history; every other move is refused."""

from functools import partial

import pytest

from studyportal.core.errors import Refused, StaleState
from studyportal.core.selectors import history_of
from studyportal.core.services import advance, begin
from tests import factories as make
from tests.architecture.rendering import generate

pytestmark = pytest.mark.django_db

MACHINES = {machine.name: machine for machine in generate.machines()}
ROWS = {
    "protocol version": make.ProtocolVersionFactory,
    "site": make.SiteFactory,
    "data lock": partial(make.DataLockFactory, ended=True),
    "data query": make.DataQueryFactory,
    "participant": make.ParticipantFactory,
    "withdrawal": make.WithdrawalFactory,
    "eligibility override": make.EligibilityOverrideFactory,
    "form": make.FormFactory,
    "form unlock": partial(make.FormUnlockFactory, decided=True),
    "imaging series": make.ImagingSeriesFactory,
    "scan pair": make.ScanPairFactory,
    "arrival": lambda **traits: make.ArrivalFactory(series=make.ImagingSeriesFactory(), **traits),
    "model release": make.ModelReleaseFactory,
    "primary release": make.PrimaryReleaseFactory,
    "synthesis job": make.SynthesisJobFactory,
    "synthetic series": make.SyntheticSeriesFactory,
    "reading session": partial(make.ReadingSessionFactory, ended=True),
    "read": partial(make.ReadFactory, ended=True),
    "data cut": make.DataCutFactory,
    "evaluation run": make.EvaluationRunFactory,
    "release comparison": partial(
        make.ReleaseComparisonFactory, results_sha256=make.digest("results")
    ),
    "result opening": partial(make.ResultOpeningFactory, decided=True),
    "export": make.ExportFactory,
}
MOVES = [
    (name, origin, target)
    for name, machine in MACHINES.items()
    for origin in machine.statuses
    for target in machine.statuses
]
ALLOWED = [move for move in MOVES if MACHINES[move[0]].may_move(*move[1:])]
FORBIDDEN = [move for move in MOVES if move not in ALLOWED]


def test_every_machine_is_walked_here():
    assert set(ROWS) == set(MACHINES)


def history(row, name):
    return list(history_of(name, row.pk).values_list("origin", "target", "by", "reason"))


@pytest.mark.parametrize(("name", "origin", "target"), ALLOWED)
def test_an_allowed_move_is_made_and_kept(name, origin, target):
    row, person = ROWS[name](status=origin), make.UserFactory()
    advance(row, MACHINES[name], target, by=person, reason="because")
    assert row.status == target
    assert type(row).objects.get(pk=row.pk).status == target
    assert history(row, name) == [(origin, target, person.pk, "because")]


@pytest.mark.parametrize(("name", "origin", "target"), FORBIDDEN)
def test_a_move_that_is_not_in_the_table_is_refused_and_changes_nothing(name, origin, target):
    row = ROWS[name](status=origin)
    with pytest.raises(Refused, match="cannot become"):
        advance(row, MACHINES[name], target, by=None)
    assert type(row).objects.get(pk=row.pk).status == origin
    assert history(row, name) == []


@pytest.mark.parametrize("name", ROWS)
def test_of_two_who_move_the_same_row_the_second_is_refused(name):
    machine = MACHINES[name]
    target = next(iter(sorted(machine.moves[machine.initial])))
    row = ROWS[name](status=machine.initial)
    stale = type(row).objects.get(pk=row.pk)
    advance(row, machine, target, by=None)
    with pytest.raises(StaleState):
        advance(stale, machine, target, by=None)
    assert len(history(row, name)) == 1


@pytest.mark.parametrize("name", ROWS)
def test_a_row_begins_its_history_with_the_status_it_was_made_in(name):
    machine = MACHINES[name]
    row = ROWS[name](status=machine.initial)
    begin(row, machine, by=None)
    assert history(row, name) == [("", machine.initial, None, "")]
