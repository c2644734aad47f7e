"""Synthesis for real: a child process, a small phantom, and what happens when it is killed or cancelled."""

import json
import os
import signal
import threading
import time

import pydicom
import pytest
from django.db import connection

from studyportal.core.database.scope import over_every_site
from studyportal.core.storage import path_of, read_bytes
from studyportal.imaging.selectors import accepted_series, stored_paths
from studyportal.imaging.states import SeriesRole
from studyportal.sites.rules import Role
from studyportal.syntheses.models import JobAttempt, SynthesisJob, SyntheticSeries
from studyportal.syntheses.selectors import folder_of
from studyportal.syntheses.services import cancel_job, request_synthesis
from studyportal.syntheses.states import AttemptOutcome, JobStatus, SyntheticStatus
from studyportal.tasks.devices import devices_of_machine
from studyportal.tasks.gpu import running, translate
from synthesis.contract import TranslationResult
from tests.portal.scenes import person, ready_pair, released

CPU = devices_of_machine("cpu")[0]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def job(study, phantom, model_folder):
    return requested(ready_pair(phantom()), released(model_folder))


@pytest.fixture(scope="module", autouse=True)
def no_child_is_left():
    yield
    running._keeper.end()


def requested(pair, release, *, seed: int = 0) -> SynthesisJob:
    by = person(Role.SYNTHESIS_OPERATOR)
    return request_synthesis(pair=pair, release=release, seed=seed, by=by)


class Beside(threading.Thread):
    """Does something once the job shows that the child is translating, as another process would."""

    def __init__(self, job, act):
        super().__init__(daemon=True)
        self._job, self._act, self.done = job, act, False

    @over_every_site("a worker beside the test")
    def run(self):
        deadline = time.monotonic() + 120
        try:
            while time.monotonic() < deadline and not self.done:
                row = SynthesisJob.objects.filter(pk=self._job.pk).first()
                if row is None:  # the test has ended without the job
                    return
                if row.status == JobStatus.RUNNING and row.stage == "translating":
                    self._act(row)
                    self.done = True
                time.sleep(0.005)
        finally:
            connection.close()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_job_makes_a_marked_series_in_the_frame_of_its_ct(job):
    translate(str(job.pk))
    job.refresh_from_db()
    series = SyntheticSeries.objects.get(job=job)
    ct = pydicom.dcmread(stored_paths(job.source.manifest_sha256)[0], stop_before_pixels=True)

    assert (job.status, series.status) == (JobStatus.SUCCEEDED, SyntheticStatus.QC_PASSED)
    assert job.attempt_rows.get().outcome == AttemptOutcome.SUCCEEDED
    assert series.faults == []
    for path in stored_paths(series.manifest_sha256):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        assert header.FrameOfReferenceUID == ct.FrameOfReferenceUID
        assert header.StudyInstanceUID == ct.StudyInstanceUID
        assert header.PatientID == ct.PatientID
        assert "DERIVED" in header.ImageType
    assert read_bytes(series.preview_sha256).startswith(b"\x89PNG")
    assert series.facts["release_digest"] == job.release.digest
    assert "does not state which CTs it learned from" in series.facts["notes"][0]


def test_nothing_of_a_job_is_left_in_the_work_folder(job, settings):
    translate(str(job.pk))
    assert [p for p in settings.WORK_DIR.rglob("*") if p.is_file()] == []


def test_the_same_task_twice_makes_one_series(job):
    translate(str(job.pk))
    translate(str(job.pk))
    assert SyntheticSeries.objects.count() == JobAttempt.objects.count() == 1


def test_two_jobs_with_the_same_ct_and_model_give_the_same_picture(job):
    other = requested(job.pair, job.release, seed=1)
    for row in (job, other):
        translate(str(row.pk))
    pixels = [
        [pydicom.dcmread(path).pixel_array.tobytes() for path in stored_paths(row.manifest_sha256)]
        for row in SyntheticSeries.objects.order_by("job__seed")
    ]
    assert pixels[0] == pixels[1]


def test_the_same_request_again_gives_the_same_bytes(job, tmp_path):
    translate(str(job.pk))
    series = SyntheticSeries.objects.get(job=job)
    kept = {entry["sha256"] for entry in json.loads(read_bytes(series.manifest_sha256))["files"]}
    child = running._keeper.child(CPU)
    child.ask(running.request_of(job, tmp_path / "again", CPU))
    while (event := child.next_event(seconds=30))["event"] != "result":
        pass
    result = TranslationResult.from_json(json.dumps(event["result"]))

    assert {file.sha256 for file in result.files} == kept
    assert result.series_uid == series.series_uid


def test_a_child_killed_in_mid_job_costs_one_attempt_and_the_next_one_succeeds(job):
    killer = Beside(job, lambda _row: os.kill(running._keeper.child(CPU).pid, signal.SIGKILL))
    killer.start()
    translate(str(job.pk))
    killer.join()
    job.refresh_from_db()
    first = job.attempt_rows.get(number=1)

    assert killer.done
    assert job.status == JobStatus.QUEUED
    assert first.outcome == AttemptOutcome.ERRORED
    assert "was killed" in first.reason
    assert not SyntheticSeries.objects.exists()

    translate(str(job.pk))
    job.refresh_from_db()
    assert (job.status, job.attempts) == (JobStatus.SUCCEEDED, 2)
    assert SyntheticSeries.objects.get().status == SyntheticStatus.QC_PASSED


def test_a_job_whose_child_dies_every_time_is_errored_in_words(job, settings):
    settings.SYNTHESIS_MAX_ATTEMPTS = 1
    killer = Beside(job, lambda _row: os.kill(running._keeper.child(CPU).pid, signal.SIGKILL))
    killer.start()
    translate(str(job.pk))
    killer.join()
    job.refresh_from_db()
    assert (job.status, job.attempts) == (JobStatus.ERRORED, 1)
    assert "was killed" in job.reason


def test_cancelling_a_running_job_ends_its_process_and_leaves_no_output(job, settings):
    before = {p for p in settings.ARCHIVE_DIR.rglob("*") if p.is_file()}
    pids = []

    def cancel(row):
        pids.append(running._keeper.child(CPU).pid)
        os.kill(pids[0], signal.SIGSTOP)  # or a quick model ends before the worker hears of it
        cancel_job(job=row, by=person(Role.SYNTHESIS_OPERATOR))

    canceller = Beside(job, cancel)
    canceller.start()
    translate(str(job.pk))
    canceller.join()
    job.refresh_from_db()

    assert canceller.done
    assert job.status == JobStatus.CANCELLED
    assert job.attempt_rows.get().outcome == AttemptOutcome.CANCELLED
    assert not alive(pids[0])
    assert not SyntheticSeries.objects.exists()
    assert [p for p in settings.WORK_DIR.rglob("*") if p.is_file()] == []
    assert {p for p in settings.ARCHIVE_DIR.rglob("*") if p.is_file()} == before


def test_a_job_that_takes_too_long_is_ended_and_waits_again(job, settings):
    settings.SYNTHESIS_TIME_LIMIT_SECONDS = 0
    child = running._keeper.child(CPU).pid
    translate(str(job.pk))
    job.refresh_from_db()

    assert job.status == JobStatus.QUEUED
    assert "took longer" in job.attempt_rows.get().reason
    assert not alive(child)


def test_a_child_that_still_works_on_another_job_never_answers_for_it(job, tmp_path):
    other = requested(job.pair, job.release, seed=1)
    running._keeper.child(CPU).ask(running.request_of(other, tmp_path / "other", CPU))
    translate(str(job.pk))

    series = SyntheticSeries.objects.get()
    header = pydicom.dcmread(stored_paths(series.manifest_sha256)[0], stop_before_pixels=True)
    assert series.job == job
    assert header.SeriesInstanceUID == series.series_uid
    assert (tmp_path / "other").exists()  # the child did make the other one, and it was not taken


def test_a_damaged_ct_is_refused_and_not_translated(job):
    source = accepted_series(job.pair, SeriesRole.SOURCE)
    path = path_of(source.manifest_sha256)
    path.chmod(0o600)
    path.write_bytes(b"{}")
    translate(str(job.pk))
    job.refresh_from_db()
    assert job.status == JobStatus.REFUSED
    assert "damaged" in job.reason


def test_a_ct_with_a_damaged_slice_is_not_translated(job):
    path = stored_paths(job.source.manifest_sha256)[3]
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    translate(str(job.pk))
    job.refresh_from_db()
    assert job.status == JobStatus.REFUSED
    assert "damaged" in job.reason


def test_a_release_whose_weights_changed_since_is_refused(study, phantom, model_folder):
    job = requested(ready_pair(phantom()), released(model_folder))
    weights = folder_of(job.release) / "model.safetensors"
    weights.chmod(0o600)
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    translate(str(job.pk))
    job.refresh_from_db()
    assert job.status == JobStatus.REFUSED
    assert "was changed" in job.reason
