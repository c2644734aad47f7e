"""What can go wrong on a device, with real processes that misbehave; the model itself is not needed."""

import itertools
import os
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.db import connection

from studyportal.core import clock
from studyportal.core.database.scope import over_every_site
from studyportal.core.errors import StaleState
from studyportal.core.storage import INCOMING, clear_incoming
from studyportal.sites.rules import Role
from studyportal.syntheses.models import JobAttempt, SynthesisJob, SyntheticSeries
from studyportal.syntheses.selectors import due_jobs, overdue_jobs
from studyportal.syntheses.services import (
    cancel_job,
    claim_next,
    clear_scratch,
    record_result,
    results,
    scratch_of,
)
from studyportal.syntheses.states import AttemptCause, AttemptOutcome, JobStatus
from studyportal.tasks import gpu
from studyportal.tasks.devices import devices_of_machine
from studyportal.tasks.gpu import child, run_next, running, translate
from studyportal.tasks.gpu.device import attempt_lock, device_lock
from synthesis.contract import TranslationResult
from tests.factories import SynthesisJobFactory
from tests.portal.scenes import person

CPU = devices_of_machine("cpu")[0]
pytestmark = pytest.mark.django_db(transaction=True)

HEAR = """
import json, os, signal, sys, time
request = json.loads(sys.stdin.readline())
def say(**event): print(json.dumps({"job_id": request["job_id"], **event}), flush=True)
say(event="progress", stage="translating", done=1, total=9)
"""
HANG = "time.sleep(600)"
DIE = "os.kill(os.getpid(), signal.SIGKILL)"
NO_MEMORY = """
result = {"job_id": request["job_id"], "status": "errored", "reason_id": "out_of_memory"}
say(event="result", result={**result, "reason": "The model ran out of memory."})
"""
GREEDY = """
try:
    kept = bytearray(1 << 30)
    reason = "enough"
except MemoryError:
    reason = "none left"
result = {"job_id": request["job_id"], "status": "refused", "reason": reason}
say(event="result", result=result)
"""


@pytest.fixture
def serving(monkeypatch, settings):
    """Make the child a program that behaves like this."""
    settings.SYNTHESIS_DEVICES = "cpu"
    monkeypatch.setattr(running, "_TICK_SECONDS", 0.05)
    monkeypatch.setattr(running, "stored_paths", lambda _manifest: [])

    def behave(program: str) -> None:
        running._keeper.end()
        monkeypatch.setattr(child, "SERVE", (sys.executable, "-c", HEAR + program))

    yield behave
    running._keeper.end()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def ran(job: SynthesisJob) -> JobAttempt:
    """The only attempt of the job, once the worker was woken."""
    translate(str(job.pk))
    job.refresh_from_db()
    return JobAttempt.objects.get(job=job)


def test_a_child_that_hangs_is_ended_at_the_limit_and_says_so(serving, settings):
    settings.SYNTHESIS_TIME_LIMIT_SECONDS = 1
    serving(HANG)
    pids = []
    began = time.monotonic()
    job = SynthesisJobFactory()
    watch = threading.Timer(0.5, lambda: pids.append(running._keeper._child.pid))
    watch.start()
    attempt = ran(job)
    assert time.monotonic() - began < 11
    assert (attempt.cause, job.status) == (AttemptCause.TIME_LIMIT, JobStatus.QUEUED)
    assert attempt.reason == "The job took longer than 1 seconds and was ended."
    assert not alive(pids[0])


def test_cancelling_a_child_that_hangs_ends_its_process_and_leaves_nothing(serving, settings):
    serving(HANG)
    job, pids = SynthesisJobFactory(), []

    @over_every_site("a worker beside the test")
    def cancel() -> None:
        while SynthesisJob.objects.get(pk=job.pk).stage != "translating":
            time.sleep(0.02)
        pids.append(running._keeper._child.pid)
        cancel_job(job=job, by=person(Role.SYNTHESIS_OPERATOR))
        connection.close()

    beside = threading.Thread(target=cancel)
    beside.start()
    attempt = ran(job)
    beside.join()
    assert (job.status, attempt.outcome) == (JobStatus.CANCELLED, AttemptOutcome.CANCELLED)
    assert not alive(pids[0])
    assert not SyntheticSeries.objects.exists()
    assert list(settings.WORK_DIR.iterdir()) == []


def test_a_poison_job_is_dead_after_three_attempts_and_delays_nobody(serving):
    serving(DIE)
    poison = SynthesisJobFactory()
    other = SynthesisJobFactory(requested_at=poison.requested_at + timedelta(seconds=1))
    order = []
    for minutes in (0, 0, 0, 6, 6):
        with time_machine.travel(clock.now() + timedelta(minutes=minutes), tick=True):
            run_next(CPU)
            order.append(JobAttempt.objects.latest("pk").job_id)
    poison.refresh_from_db()
    attempts = JobAttempt.objects.filter(job=poison)
    assert order[:3] == [poison.pk, poison.pk, other.pk]  # its second wait lets the other one pass
    assert (poison.status, poison.attempts) == (JobStatus.ERRORED, 3)
    assert {attempt.cause for attempt in attempts} == {AttemptCause.KILLED}
    assert poison not in due_jobs(clock.now() + timedelta(days=1))


def test_want_of_memory_costs_an_attempt_says_so_and_gives_the_memory_back(serving):
    serving(NO_MEMORY)
    attempt = ran(SynthesisJobFactory())
    assert attempt.cause == AttemptCause.OUT_OF_MEMORY
    assert running._keeper._child is None


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is one of Linux")
def test_a_child_gets_no_more_memory_than_its_limit(serving, settings):
    settings.SYNTHESIS_MEMORY_LIMIT_MIB = 512
    serving(GREEDY)
    assert ran(SynthesisJobFactory()).reason == "none left"


def test_a_worker_without_the_gpu_it_was_told_to_use_costs_an_attempt_and_never_runs_on_the_cpu(
    serving, settings
):
    settings.SYNTHESIS_DEVICES = "cuda:7"
    serving(DIE)
    job = SynthesisJobFactory()
    attempt = ran(job)
    assert (attempt.cause, job.status) == (AttemptCause.NO_DEVICE, JobStatus.QUEUED)
    assert "cuda:7 was demanded" in attempt.reason
    assert running._keeper._child is None
    assert job.not_before > clock.now() + timedelta(seconds=25)


def test_a_child_that_sees_no_gpu_is_a_fault_of_the_worker_and_tried_again():
    job = claim_next(device="gpu-1") if SynthesisJobFactory() else None
    said = TranslationResult(
        job_id=str(job.pk), status="refused", reason_id="no_cuda", reason="No CUDA device."
    )
    record_result(job=job, result=said)
    assert job.status == JobStatus.QUEUED
    assert JobAttempt.objects.get().cause == AttemptCause.NO_DEVICE


def test_two_workers_of_one_device_run_one_job_at_a_time(monkeypatch, settings):
    settings.SYNTHESIS_DEVICES = "cpu"
    spans: list[tuple[float, float]] = []

    def work(_device):
        began = time.monotonic()
        time.sleep(0.1)
        spans.append((began, time.monotonic()))

    monkeypatch.setattr(gpu, "run_next", work)

    def worker():
        translate("any")
        connection.close()

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spans.sort()
    assert len(spans) == 4
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


def test_workers_of_two_devices_do_not_wait_for_each_other():
    entered = threading.Event()

    def worker():
        with device_lock(replace(CPU, key="another device")):
            entered.set()
        connection.close()

    with device_lock(CPU):
        beside = threading.Thread(target=worker)
        beside.start()
        assert entered.wait(10)
    beside.join()


def test_a_message_takes_the_job_that_has_waited_longest_whatever_it_names(monkeypatch, settings):
    settings.SYNTHESIS_DEVICES = "cpu"
    taken, sent = [], []
    monkeypatch.setattr(gpu, "run_job", lambda job, _device: taken.append(job.pk))
    monkeypatch.setattr(gpu.dispatch, "translate", sent.append)
    old = SynthesisJobFactory()
    new = SynthesisJobFactory(requested_at=old.requested_at + timedelta(seconds=1))
    translate(str(new.pk))
    assert (taken, sent) == ([old.pk], [new.pk])  # and the next one is woken for


def test_a_slow_attempt_that_was_taken_over_stores_nothing(monkeypatch, settings):
    SynthesisJobFactory()
    slow = claim_next(device="gpu-1")
    SynthesisJob.objects.update(token=None)
    monkeypatch.setattr(results, "_read_back", lambda *_: None)
    with pytest.raises(StaleState):
        record_result(job=slow, result=TranslationResult(job_id=str(slow.pk), status="succeeded"))
    assert not settings.ARCHIVE_DIR.exists()


def test_a_cancel_during_the_last_check_comes_before_anything_is_stored(monkeypatch, settings):
    SynthesisJobFactory()
    job = claim_next(device="gpu-1")
    by = person(Role.SYNTHESIS_OPERATOR)
    monkeypatch.setattr(results, "_read_back", lambda *_: cancel_job(job=job, by=by))
    record_result(job=job, result=TranslationResult(job_id=str(job.pk), status="succeeded"))
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED
    assert not settings.ARCHIVE_DIR.exists()


def claimed_a_while_ago(device: str) -> SynthesisJob:
    SynthesisJobFactory()
    job = claim_next(device=device)
    SynthesisJob.objects.update(started_at=clock.now() - timedelta(seconds=6))
    return job


def test_the_job_of_a_dead_worker_of_this_machine_waits_again_at_once(settings):
    settings.SYNTHESIS_DEVICES = "cpu"
    job = claimed_a_while_ago(CPU.label)
    gpu.requeue_dead()
    job.refresh_from_db()
    assert (job.status, job.attempt_rows.get().cause) == (
        JobStatus.QUEUED,
        AttemptCause.WORKER_LOST,
    )


def test_the_job_of_a_living_worker_is_left_to_it(settings):
    settings.SYNTHESIS_DEVICES = "cpu"
    job = claimed_a_while_ago(CPU.label)
    looked = []

    @over_every_site("a worker beside the test")
    def beside():
        gpu.requeue_dead()
        looked.append(True)
        connection.close()

    with attempt_lock(job.token):
        thread = threading.Thread(target=beside)
        thread.start()
        thread.join()
    job.refresh_from_db()
    assert (looked, job.status) == ([True], JobStatus.RUNNING)


def test_the_job_of_another_machine_is_left_to_its_lease(settings):
    settings.SYNTHESIS_DEVICES = "cpu"
    job = claimed_a_while_ago("elsewhere · cpu")
    gpu.requeue_dead()
    job.refresh_from_db()
    assert job.status == JobStatus.RUNNING


def test_scratch_of_a_dead_attempt_is_cleared_and_that_of_a_living_one_is_not(settings):
    SynthesisJobFactory()
    job = claim_next(device="gpu-1")
    living, foreign = scratch_of(job=job), settings.WORK_DIR / "notes.txt"
    dead = living.with_name(f"{job.pk}.{job.pk}")
    for folder in (living, dead, foreign):
        folder.mkdir(parents=True)
    later = clock.now() + timedelta(minutes=1)
    assert clear_scratch(before=clock.now() - timedelta(minutes=1)) == 0
    assert clear_scratch(before=later) == 1
    assert (living.exists(), dead.exists(), foreign.exists()) == (True, False, True)


def test_a_file_that_a_killed_process_left_half_written_is_cleared(settings):
    half = settings.ARCHIVE_DIR / INCOMING / "tmp123"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    assert clear_incoming(before=clock.now() - timedelta(minutes=1)) == 0
    assert clear_incoming(before=clock.now() + timedelta(minutes=1)) == 1
    assert not half.exists()


def test_the_sweeper_leaves_alone_a_job_that_waits_to_be_tried_again():
    waiting = SynthesisJobFactory(attempts=2, not_before=clock.now() + timedelta(seconds=30))
    patience = timedelta(seconds=60)
    assert not overdue_jobs(clock.now(), patience=patience).exists()
    soon = clock.now() + timedelta(seconds=31)
    assert list(overdue_jobs(soon, patience=patience)) == [waiting]
