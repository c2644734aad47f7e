"""Tasks are thin: a key in, one service called, safe to run twice; the sweeper finds what was left."""

import pytest
import time_machine
from celery import Celery

from studyportal.exports.states import ExportStatus
from studyportal.imaging.selectors import unscreened_pairs
from studyportal.imaging.states import SeriesRole, SeriesStatus
from studyportal.outcomes.models import CutPair
from studyportal.outcomes.services import freeze_cut, plan_run
from studyportal.outcomes.states import RunStatus
from studyportal.sites.rules import Role
from studyportal.syntheses.states import JobStatus
from studyportal.tasks import anchoring, dispatch, evaluation, exports, intake, mails, sweep
from tests.factories import (
    CutPairFactory,
    EvaluationRunFactory,
    ExportFactory,
    ImagingSeriesFactory,
    SynthesisJobFactory,
)
from tests.portal.scenes import (
    enrolled,
    opened,
    person,
    quick_plan,
    ready_pair,
    released,
    sent,
    synthesised,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def outbox(monkeypatch) -> list[tuple[str, str, str]]:
    """What would be sent to the broker, in order."""
    sent_messages: list[tuple[str, str, str]] = []

    def send_task(name, args, queue, retry, expires=None):
        sent_messages.append((name.removeprefix("studyportal.tasks."), args[0], queue))

    monkeypatch.setattr(dispatch.app, "send_task", send_task)
    return sent_messages


def test_every_task_of_the_timetable_exists(settings):
    wanted = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {anchoring.anchor_chain.name, mails.send_digests.name} <= wanted
    assert wanted <= set(sweep.sweep.app.tasks)


def test_a_message_is_sent_after_the_commit_and_not_before(
    outbox, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        dispatch.translate("key")
        assert outbox == []
    assert outbox == [("gpu.translate", "key", "gpu")]


def test_a_broker_that_is_down_breaks_nothing(
    monkeypatch, caplog, django_capture_on_commit_callbacks
):
    dead = "redis://127.0.0.1:1/0"
    monkeypatch.setenv("CELERY_BROKER_URL", dead)  # Celery prefers it to what the app says
    monkeypatch.setattr(dispatch, "app", Celery("dead", broker=dead))
    with django_capture_on_commit_callbacks(execute=True):
        dispatch.translate("key")
    assert "the sweeper sends it again" in caplog.text


def test_intake_as_a_task_may_run_twice(study, phantom):
    series = sent(enrolled(), SeriesRole.SOURCE, phantom() / "CT")
    for _ in range(2):
        intake.check_series(str(series.pk))
    series.refresh_from_db()
    assert series.status == SeriesStatus.ACCEPTED


def test_the_last_measured_pair_wakes_its_run_which_is_analysed_once(
    study, phantom, model_folder, outbox, django_capture_on_commit_callbacks
):
    release, by = released(model_folder), person(Role.STATISTICIAN)
    synthesised(ready_pair(phantom(), outlines=True), release)
    cut = freeze_cut(name="first", release=release, plan_text=quick_plan(), by=by)
    run = plan_run(cut=cut, by=by)
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            evaluation.measure(str(CutPair.objects.get().pk))
    assert outbox == [("evaluation.analyse", str(run.pk), "cpu")] * 2
    for _ in range(2):
        evaluation.analyse(str(run.pk))
    run.refresh_from_db()
    assert run.status == RunStatus.COMPLETED
    assert run.results.count() == len(set(run.results.values_list("order", flat=True)))

    opened(cut)
    export = ExportFactory(run=run)
    for _ in range(2):
        exports.build(str(export.pk))
    export.refresh_from_db()
    assert export.status == ExportStatus.READY


def test_the_sweeper_sends_everything_that_waits_longer_than_a_minute(
    study, outbox, django_capture_on_commit_callbacks
):
    job = SynthesisJobFactory()
    series = ImagingSeriesFactory(received=True)
    run = EvaluationRunFactory(cut=CutPairFactory().cut)
    done = EvaluationRunFactory(cut=CutPairFactory(measured=True).cut)
    export = ExportFactory()
    SynthesisJobFactory(succeeded=True)
    unscreened = unscreened_pairs()
    with django_capture_on_commit_callbacks(execute=True):
        sweep.sweep()

    assert len(unscreened) == 2
    assert set(outbox) == {
        *(("intake.screen_pair", str(pair.pk), "cpu") for pair in unscreened),
        ("gpu.translate", str(job.pk), "gpu"),
        ("intake.check_series", str(series.pk), "intake"),
        ("evaluation.measure", str(run.cut.pairs.get().pk), "cpu"),
        ("evaluation.analyse", str(done.pk), "cpu"),
        ("exports.build", str(export.pk), "cpu"),
    }


def test_the_sweeper_leaves_what_was_just_asked_to_its_first_message(
    study, outbox, django_capture_on_commit_callbacks
):
    with time_machine.travel("2026-02-03T04:05:30Z", tick=False):  # 24 s after the rows were made
        SynthesisJobFactory()
        ImagingSeriesFactory(received=True)
        ExportFactory()
        with django_capture_on_commit_callbacks(execute=True):
            sweep.sweep()
    assert outbox == []


def test_the_sweeper_brings_back_a_job_whose_worker_died(
    study, outbox, django_capture_on_commit_callbacks
):
    job = SynthesisJobFactory(running=True)
    with django_capture_on_commit_callbacks(execute=True):
        sweep.sweep()
    job.refresh_from_db()
    assert job.status == JobStatus.QUEUED
    assert outbox == [("gpu.translate", str(job.pk), "gpu")]


def test_outlines_that_wait_for_their_pet_are_not_sent_again_and_again(
    study, phantom, outbox, django_capture_on_commit_callbacks
):
    waiting = sent(enrolled(), SeriesRole.OUTLINES, phantom() / "LESIONS" / "seg.dcm")
    intake.check_series(str(waiting.pk))
    with (
        time_machine.travel("2030-01-01T00:00:00Z"),
        django_capture_on_commit_callbacks(execute=True),
    ):
        sweep.sweep()
    assert outbox == []
