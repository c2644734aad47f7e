"""Results stay sealed until two people open an analysis point; index tests are locked before that."""

import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, transaction
from django.urls import reverse

from evaluation.analysis import load_plan
from evaluation.analysis.locking import definition_digest, definition_of
from studyportal.core.errors import NotAllowed, Refused
from studyportal.exports.services import request_export
from studyportal.outcomes.models import IndexTest, ResultOpening
from studyportal.outcomes.selectors import (
    files_of,
    headline_results,
    is_open,
    looks_at,
    measurements_of_pair,
    opened_points,
    results_of,
    results_of_comparison,
)
from studyportal.outcomes.services import (
    ask_opening,
    decline_opening,
    lock_index_test,
    note_look,
    open_results,
    publish_report,
    register_index_tests,
)
from studyportal.outcomes.services.index_tests import lock_tests_of, not_locked_in_time
from studyportal.outcomes.states import OpeningStatus, Seen
from studyportal.sites.rules import PERMISSIONS, Action, Role
from tests import factories as make
from tests.portal.scenes import opened, person, quick_plan
from tests.portal.signed_in import signed_in

pytestmark = pytest.mark.django_db
FIGURE = 0.913731  # in no other number of the portal


@pytest.fixture
def run(study):
    run = make.EvaluationRunFactory(completed=True)
    make.ResultRowFactory(run=run, endpoint="ssim", quantity="ssim", statistic="mean", value=FIGURE)
    make.ResultRowFactory(run=run, family="flow", endpoint="participant_flow", value=31337,
                          statistic="screened")  # fmt: skip
    make.ResultRowFactory(run=run, family="flow", endpoint="stard_flow", test="reader_ct",
                          target_condition="malignancy", value=FIGURE)  # fmt: skip
    make.ResultRowFactory(run=run, family="secondary", endpoint="malignancy", value=4711,
                          target_condition="malignancy", statistic="reference_positive")  # fmt: skip
    make.RunFileFactory(run=run, name="report.html")
    return run


def test_before_an_opening_no_selector_gives_a_figure(run):
    pair = make.MeasurementFactory(value=FIGURE).cut_pair.pair
    comparison = make.ReleaseComparisonFactory(completed=True, cut=run.cut)
    assert not results_of(run).exists()
    assert not files_of(run).exists()
    assert not headline_results(run).exists()
    assert not measurements_of_pair(person(Role.STATISTICIAN), pair.pk).exists()
    assert results_of_comparison(comparison) is None


@pytest.mark.parametrize("role", [Role.STATISTICIAN, Role.STUDY_PI])
def test_walking_the_portal_before_an_opening_meets_no_figure(run, role):
    pair = make.MeasurementFactory(value=FIGURE, cut_pair__cut=run.cut).cut_pair.pair
    comparison = make.ReleaseComparisonFactory(completed=True, cut=run.cut)
    client = signed_in(person(role))
    names = [("cuts", ()), ("dashboard", ()), ("run", (run.pk,)), ("run_progress", (run.pk,)),
             ("seal", (run.cut_id,)), ("compare", (run.cut_id,)), ("index_tests", ()),
             ("comparison", (comparison.pk,)), ("comparison_csv", (comparison.pk,)),
             ("run_file", (run.pk, "report.html")), ("pair", (pair.pk,)), ("audit", ()),
             ("exports", ()), ("participant", (pair.participant.pk,))]  # fmt: skip
    addresses = [reverse(f"web:{name}", args=arguments) for name, arguments in names]
    addresses += [
        f"/api/v1/evaluation-runs/{run.pk}/",
        f"/api/v1/evaluation-runs/{run.pk}/results/",
        f"/api/v1/release-comparisons/{comparison.pk}/",
        f"/api/v1/data-cuts/{run.cut_id}/",
    ]
    for address in addresses:
        text = b"".join(client.get(address)).decode()
        assert not {"0.914", "0.913731"} & set(text.replace("<", " ").replace(",", " ").split()), (
            address
        )
        assert "0.9137" not in text, address
        assert "31337" not in text, address
        assert "4711" not in text, address
    assert not looks_at(run.cut).exists()


def test_before_an_opening_nothing_leaves(run, tmp_path):
    by = person(Role.STATISTICIAN)
    with pytest.raises(Refused, match="sealed"):
        request_export(run=run, by=by)
    with pytest.raises(Refused, match="sealed"):
        publish_report(evaluation_run=run, out=tmp_path, by=by)


def test_two_people_open_the_final_analysis_and_everything_shows(run):
    opened(run.cut)
    assert is_open(run.cut)
    assert results_of(run).count() == 4
    assert files_of(run).count() == 1


def test_the_person_who_asked_does_not_open_it(run):
    by = person(Role.STATISTICIAN)
    opening = ask_opening(cut=run.cut, point="final", why="All was read.", by=by)
    with pytest.raises(Refused, match="second person"):
        open_results(opening=opening, why="", by=by)
    assert not is_open(run.cut)


def test_the_database_refuses_an_opening_by_one_person():
    opening = make.ResultOpeningFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        ResultOpening.objects.filter(pk=opening.pk).update(
            status=OpeningStatus.OPENED, decided_by=opening.asked_by, decided_at=make.MOMENT
        )


def test_a_look_for_quality_shows_what_the_plan_allows_and_no_arm_or_outcome(run):
    asking, other = person(Role.STATISTICIAN), person(Role.STUDY_PI)
    opening = ask_opening(cut=run.cut, point="quality_look", why="1,000 pairs.", by=asking)
    open_results(opening=opening, why="", by=other)
    shown = set(results_of(run).values_list("endpoint", "statistic"))
    assert shown == {("participant_flow", "screened"), ("malignancy", "reference_positive")}
    assert not is_open(run.cut)
    assert not files_of(run).exists()


def test_a_declined_opening_can_be_asked_for_again(run):
    asking, other = person(Role.STATISTICIAN), person(Role.STUDY_PI)
    opening = ask_opening(cut=run.cut, point="final", why="Now?", by=asking)
    with pytest.raises(Refused, match="asked for already"):
        ask_opening(cut=run.cut, point="final", why="Now?", by=other)
    decline_opening(opening=opening, why="Two reads are open.", by=other)
    ask_opening(cut=run.cut, point="final", why="Now.", by=asking)
    assert not opened_points(run.cut).exists()


@pytest.mark.parametrize(
    ("point", "why", "said"), [("nowhere", "So.", "no analysis point"), ("final", " ", "Say why")]
)
def test_an_opening_that_cannot_be_is_refused_in_words(run, point, why, said):
    with pytest.raises(Refused, match=said):
        ask_opening(cut=run.cut, point=point, why=why, by=person(Role.STATISTICIAN))


@pytest.mark.parametrize("role", [r for r in Role if Action.OPEN_RESULTS not in PERMISSIONS[r]])
def test_nobody_else_asks_or_opens(study, role):
    by, opening = person(role), make.ResultOpeningFactory()
    with pytest.raises(NotAllowed):
        ask_opening(cut=make.DataCutFactory(), point="final", why="So.", by=by)
    with pytest.raises(NotAllowed):
        open_results(opening=opening, why="", by=by)


def test_every_look_at_opened_results_is_kept(run):
    opened(run.cut)
    client = signed_in(person(Role.STUDY_PI))
    client.get(reverse("web:run", args=[run.pk]))
    client.get("/api/v1/evaluation-runs/" + f"{run.pk}/results/")
    client.get(reverse("web:dashboard"))
    seen = list(looks_at(run.cut).values_list("by__username", flat=True))
    assert seen == [person(Role.STUDY_PI).username] * 3
    page = client.get(reverse("web:seal", args=[run.cut_id])).content.decode()
    assert "headline results" in page


def test_the_pictures_of_one_page_are_one_look(run):
    by = person(Role.STUDY_PI)
    for moment in ("2026-11-26 10:00Z", "2026-11-26 10:09Z", "2026-11-26 10:21Z"):
        with time_machine.travel(moment, tick=True):
            note_look(cut=run.cut, what=Seen.FIGURES, by=by)
    note_look(cut=run.cut, what=Seen.FILE, of="report.html", by=by)
    assert looks_at(run.cut).filter(sentence__contains="figures of the report").count() == 2
    assert looks_at(run.cut).count() == 3


def test_a_person_opens_results_in_the_browser(run):
    first, second = signed_in(person(Role.STATISTICIAN)), signed_in(person(Role.STUDY_PI))
    ask = reverse("web:opening_ask", args=[run.cut_id])
    first.post(ask, {"point": "final", "why": "All was read."})
    opening = ResultOpening.objects.get()
    for client, open_ in ((first, False), (second, True)):
        client.post(reverse("web:opening_open", args=[opening.pk]), {"why": "Agreed."})
        assert is_open(run.cut) is open_


# index tests


def plan():
    return load_plan(quick_plan())


def test_a_plan_locks_its_tests_with_their_digests():
    lock_tests_of(plan(), by=person(Role.STATISTICIAN))
    rows = {row.code: row for row in IndexTest.objects.all()}
    for stated in plan().index_test:
        assert rows[stated.id].digest == definition_digest(definition_of(stated))
        assert rows[stated.id].locked_at is not None


def test_a_locked_test_is_changed_by_nobody():
    test = make.IndexTestFactory(locked=True)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        IndexTest.objects.filter(pk=test.pk).update(definition={})
    with pytest.raises(Refused, match="locked already"):
        lock_index_test(test=test, by=person(Role.STATISTICIAN))


def test_a_registered_test_that_nobody_locked_is_exploratory(run):
    by = person(Role.STATISTICIAN)
    tests = register_index_tests(plan_text=quick_plan(), by=by)
    lock_tests_of(plan(), by=by)
    assert set(not_locked_in_time(plan(), used_at=make.MOMENT)) == {t.code for t in tests}
    lock_index_test(test=tests[0], by=by)
    tests[0].refresh_from_db()
    late = not_locked_in_time(plan(), used_at=tests[0].locked_at)
    assert set(late) == {t.code for t in tests[1:]}


def test_a_test_that_is_locked_after_outcomes_were_opened_is_exploratory(run):
    by = person(Role.STATISTICIAN)
    lock_tests_of(plan(), by=by)
    opened(run.cut)
    other = load_plan(quick_plan().replace("malignancy = 3.0", "malignancy = 2.0"))
    lock_tests_of(other, by=by)
    used_at = IndexTest.objects.latest("locked_at").locked_at
    assert not_locked_in_time(plan(), used_at=used_at) == {}
    late = not_locked_in_time(other, used_at=used_at)
    assert set(late) == {"reader_ct", "reader_ct_spet", "reader_ct_pet"}
    assert "after outcomes had been opened" in late["reader_ct"]


def test_a_plan_whose_digest_is_not_that_of_its_test_is_refused():
    text = quick_plan().replace('id = "reader_ct"\n', f'id = "reader_ct"\nsha256 = "{"0" * 64}"\n')
    with pytest.raises(Refused, match="reader_ct with the digest"):
        register_index_tests(plan_text=text, by=person(Role.STATISTICIAN))
