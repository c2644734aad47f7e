"""Cuts, measurements, runs: frozen tables in, immutable results and a report out."""

import csv
import json
from io import StringIO

import pytest
from django.db import DatabaseError, transaction
from hypothesis import given
from hypothesis import strategies as st

from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.selectors import acts_on
from studyportal.core.storage import read_bytes
from studyportal.imaging.services import exclude_pair
from studyportal.outcomes.models import CutPair, DataCut, IndexScore, Measurement, ResultRow
from studyportal.outcomes.rules import read_scores
from studyportal.outcomes.selectors import (
    cuts_visible_to,
    files_of,
    latest_completed_run,
    measured_share,
    measurements_of,
    results_of,
    run_for,
)
from studyportal.outcomes.services import (
    analyse_run,
    enter_scores,
    freeze_cut,
    measure_cut_pair,
    plan_run,
    publish_report,
    tables_of,
)
from studyportal.outcomes.states import CutStatus, RunStatus
from studyportal.participants.rules import Answer
from studyportal.participants.services import screen_participant
from studyportal.sites.rules import PERMISSIONS, Action, Role
from tests.factories import DataCutFactory, ModelReleaseFactory, PrimaryReleaseFactory
from tests.portal.scenes import (
    enrolled,
    facts,
    measured_cut,
    person,
    quick_plan,
    ready_pair,
    released,
    site,
    synthesised,
)

pytestmark = pytest.mark.django_db
SCORE = "R1/ct/malignancy/lesion/1=4"


def scores_of(text: str):
    found, faults = read_scores(text, low=0, high=100)
    assert faults == []
    return found


def statistician():
    return person(Role.STATISTICIAN)


# reader scores


def test_scores_are_read_entry_by_entry():
    found = scores_of(f"{SCORE}; R-2/ct_spet/nodal_metastasis/station/4R=2.5;")
    assert [(s.reader, s.arm, s.condition, s.unit, s.unit_id, s.score) for s in found] == [
        ("R1", "ct", "malignancy", "lesion", "1", 4.0),
        ("R-2", "ct_spet", "nodal_metastasis", "station", "4R", 2.5),
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("R1/ct/malignancy/lesion/1", "score_form"),
        ("R1/ct/malignancy/lesion/1=high", "score_form"),
        ("R1/ct/malignancy/lesion/1=nan", "score_form"),
        ("R1/ct/malignancy/lesion/1=1e3", "score_form"),
        ("/ct/malignancy/lesion/1=3", "score_form"),
        ("R1/ct/cancer/lesion/1=3", "score_word"),
        ("R1/ct/malignancy/organ/1=3", "score_word"),
        ("R1/ct/malignancy/participant/=3", "score_unit"),
        ("R1/ct/malignancy/lesion/x=3", "score_unit"),
        ("R1/ct/malignancy/lesion/1=-1", "score_range"),
        ("R1/ct/malignancy/lesion/1=100.1", "score_range"),
        (f"{SCORE};{SCORE}", "score_twice"),
        (f"{'R' * 41}/ct/malignancy/lesion/1=3", "score_form"),
        (f"R1/{'a' * 21}/malignancy/lesion/1=3", "score_form"),
    ],
)
def test_a_score_that_cannot_be_is_named(text, fault):
    assert [found.id for found in read_scores(text, low=0, high=100)[1]] == [fault]


@pytest.mark.parametrize("score", ["0", "100", "99.9"])
def test_the_ends_of_the_scale_are_scores(score):
    assert scores_of(f"R1/ct/malignancy/lesion/1={score}")[0].score == float(score)


@given(st.text(max_size=80))
def test_no_text_breaks_the_reading_of_scores(text):
    entries, _ = read_scores(text, low=0, high=100)
    assert all(0 <= entry.score <= 100 for entry in entries)


def test_the_same_scores_again_add_nothing_and_another_score_is_refused(study):
    participant, by = enrolled(), person(Role.COORDINATOR)
    for _ in range(2):
        enter_scores(participant=participant, entries=scores_of(SCORE), by=by)
    with pytest.raises(Refused, match="another score"):
        enter_scores(participant=participant, entries=scores_of(SCORE.replace("4", "5")), by=by)
    assert IndexScore.objects.get().score == 4


def test_the_coordinator_of_another_site_enters_no_score(study):
    with pytest.raises(NotAllowed, match="at SEH"):
        enter_scores(
            participant=enrolled(at="SEH"), entries=scores_of(SCORE), by=person(Role.COORDINATOR)
        )


# freezing


def test_a_cut_with_nothing_to_compare_is_refused(study):
    with pytest.raises(Refused, match="No ready pair has a synthetic series"):
        freeze_cut(
            name="first",
            release=PrimaryReleaseFactory().release,
            plan_text=quick_plan(),
            by=statistician(),
        )
    assert not DataCut.objects.exists()


@pytest.mark.parametrize("plan", ["", "schema = ", "schema = 1\n", 'name = "x"\nschema = 99\n'])
def test_a_plan_that_cannot_be_used_is_refused_in_words(study, plan):
    with pytest.raises(Refused, match="The analysis plan cannot be used"):
        freeze_cut(name="first", release=ModelReleaseFactory(), plan_text=plan, by=statistician())


@pytest.mark.parametrize("name", ["", "  ", "taken", " taken ", "n" * 81])
def test_a_cut_needs_a_name_of_its_own(study, name):
    DataCutFactory(name="taken")
    with pytest.raises(Refused, match="that no other cut has"):
        freeze_cut(
            name=name, release=ModelReleaseFactory(), plan_text=quick_plan(), by=statistician()
        )


@pytest.mark.parametrize("role", [r for r in Role if Action.FREEZE_CUT not in PERMISSIONS[r]])
def test_only_the_statistician_freezes_and_runs(study, role):
    by = person(role)
    with pytest.raises(NotAllowed):
        freeze_cut(name="x", release=ModelReleaseFactory(), plan_text=quick_plan(), by=by)
    with pytest.raises(NotAllowed):
        plan_run(cut=DataCutFactory(), by=by)


def test_an_open_cut_is_not_evaluated(study):
    with pytest.raises(Refused, match="Freeze the cut"):
        plan_run(cut=DataCutFactory(open=True), by=statistician())


def test_a_cut_stays_as_it_was_frozen_whatever_happens_later(study, phantom, model_folder):
    release = released(model_folder)
    pair = ready_pair(phantom())
    synthesised(pair, release)
    screen_participant(
        site=site("SEH"),
        facts=facts(site_code="SEH", answers={"EXC-01": Answer.MET}),
        by=person(Role.COORDINATOR, at="SEH"),
    )
    cut = freeze_cut(name=" first ", release=release, plan_text=quick_plan(), by=statistician())
    before = tables_of(cut).participants
    exclude_pair(pair=pair, reason="too late", by=person(Role.DATA_MANAGER))
    enrolled()
    after = tables_of(cut).participants

    assert (cut.name, cut.status) == ("first", CutStatus.FROZEN)
    assert after.equals(before)
    rows = before.set_index("participant")
    assert list(rows.index) == ["SEH-00001", "SPH-00001"]
    assert bool(rows.loc["SPH-00001", "pair_ready"])
    assert not rows.loc["SEH-00001", "eligible"]
    assert "another malignant tumour" in rows.loc["SEH-00001", "exclusion_reason"]
    assert "Settles when" not in rows.loc["SEH-00001", "exclusion_reason"]


def test_a_cut_describes_scanners_and_times_and_leaves_the_unknown_empty(
    study, phantom, model_folder
):
    release = released(model_folder)
    pair = ready_pair(phantom())
    synthesised(pair, release)
    enrolled()
    cut = freeze_cut(name="first", release=release, plan_text=quick_plan(), by=statistician())

    rows = tables_of(cut).participants.set_index("participant")
    scanned, other = rows.loc[pair.participant.code], rows.drop(pair.participant.code).iloc[0]
    pet = pair.series.get(role="reference").summary
    assert scanned["scanner"] == f"{pet['manufacturer']} {pet['model']}"
    assert scanned["uptake_minutes"] == pet["uptake_minutes"]
    assert scanned["ct_pet_days"] == 0
    assert other["scanner"] == ""
    assert other[["uptake_minutes", "ct_pet_days", "body_mass_index"]].isna().all()


# measuring and analysing


def test_a_pair_is_measured_once(study, phantom, model_folder):
    cut = measured_cut(phantom, model_folder, seeds=(3,))
    cut_pair = CutPair.objects.get(cut=cut)
    count, moment = Measurement.objects.count(), cut_pair.measured_at
    cut_pair.measured_at = None  # as a second worker read it before the first one was done
    measure_cut_pair(cut_pair=cut_pair)

    assert cut_pair.fault == ""
    assert (Measurement.objects.count(), measured_share(cut)) == (count, (1, 1))
    assert CutPair.objects.get(cut=cut).measured_at == moment
    found = set(measurements_of(cut).values_list("region", "image", "quantity"))
    assert {("body", "pair", "ssim"), ("body", "pair", "psnr")} <= found
    assert any(
        region.startswith("lesion:") and quantity == "suv_peak" for region, _, quantity in found
    )


def test_a_run_waits_for_unmeasured_pairs(study, phantom, model_folder):
    release = released(model_folder)
    synthesised(ready_pair(phantom()), release)
    cut = freeze_cut(name="first", release=release, plan_text=quick_plan(), by=statistician())
    run = analyse_run(evaluation_run=plan_run(cut=cut, by=statistician()))
    assert run.status == RunStatus.PLANNED
    assert measured_share(cut) == (0, 1)


def test_a_run_gives_results_and_a_report_that_agree_number_by_number(
    study, phantom, model_folder, tmp_path
):
    cut = measured_cut(phantom, model_folder, seeds=(3, 4, 5))
    screen_participant(  # after the cut: not in it
        site=site("SEH"), facts=facts(site_code="SEH"), by=person(Role.COORDINATOR, at="SEH")
    )
    run = analyse_run(evaluation_run=plan_run(cut=cut, by=statistician()))
    rows = {row.order: row for row in results_of(run)}
    files = {file.name: read_bytes(file.sha256) for file in files_of(run)}

    assert run.status == RunStatus.COMPLETED
    assert latest_completed_run() == run
    assert {"report.html", "report.pdf", "results.csv", "results.json"} <= set(files)
    assert files["report.pdf"].startswith(b"%PDF")
    printed = list(csv.DictReader(StringIO(files["results.csv"].decode("utf-8-sig"))))
    assert len(printed) == len(rows) > 100
    for line in printed:
        row = rows[int(line["order"])]
        for name in ("value", "lower", "upper"):
            kept = getattr(row, name)
            assert line[name] == ("" if kept is None else repr(kept)) or float(line[name]) == kept
        assert (line["endpoint"], line["statistic"]) == (row.endpoint, row.statistic)
        assert (int(line["n"]), int(line["missing"])) == (row.n, row.missing)

    people = tables_of(cut).participants
    flow = {
        row.statistic: row.value
        for row in rows.values()
        if (row.endpoint, row.subgroup, row.quantity) == ("participant_flow", "all", "")
    }
    for step in ("screened", "eligible", "enrolled", "pair_ready", "synthesised", "analysed"):
        assert flow[step] == people[step].sum() == 3

    assert run.provenance["tables_sha256"] == cut.tables_sha256
    assert json.loads(files["results.json"])
    assert acts_on("evaluationrun", run.pk).count() == 2

    again = analyse_run(evaluation_run=plan_run(cut=cut, by=statistician()))
    run.refresh_from_db()
    assert (run.status, again.status) == (RunStatus.SUPERSEDED, RunStatus.COMPLETED)
    assert [row.value for row in results_of(again)] == [row.value for row in rows.values()]
    assert run_for(person(Role.STUDY_PI), again.pk) == again
    assert run_for(person(Role.COORDINATOR), again.pk) is None
    assert not cuts_visible_to(person(Role.DATA_MANAGER)).exists()

    with pytest.raises(Refused, match="Only a completed evaluation"):
        publish_report(evaluation_run=run, out=tmp_path, by=statistician())
    published = {
        path.name: path.read_text("utf-8", errors="replace")
        for path in publish_report(evaluation_run=again, out=tmp_path, by=statistician())
    }
    assert "verify.R" in files
    assert "verify.R" not in published
    for code in people["participant"]:
        assert not any(code in text for text in published.values())
    assert acts_on("evaluationrun", again.pk).filter(verb="publish_report").exists()

    for change in (
        lambda: ResultRow.objects.filter(run=run).update(value=1.0),
        lambda: ResultRow.objects.filter(run=run).delete(),
    ):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            change()
