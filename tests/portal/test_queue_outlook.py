"""Places, devices and expected ends: measured from earlier jobs, and not known where too few tell."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studyportal.dashboards.queue import outlook
from studyportal.syntheses.rules import backoff_seconds, pace_of, seconds_until_done
from studyportal.syntheses.states import AttemptCause, AttemptOutcome, JobStatus
from studyportal.web.queue_words import end_sentence, next_sentence, place_sentence
from tests import factories as make

NOW = make.MOMENT + timedelta(days=1)


def earlier(release, *, device: str, seconds: float, n: int = 3) -> None:
    """So many jobs of this release took so long for each slice on this device, long ago."""
    for _ in range(n):
        job = make.SynthesisJobFactory(release=release, succeeded=True)
        ended = make.MOMENT + timedelta(seconds=seconds * job.source.stored_files)
        make.JobAttemptFactory(
            job=job, device=device, outcome=AttemptOutcome.SUCCEEDED, ended_at=ended
        )


def running(release, *, device: str, since: float = 0.0):
    started = NOW - timedelta(seconds=since)
    return make.SynthesisJobFactory(
        release=release, running=True, device=device, started_at=started
    )


@pytest.mark.parametrize(
    ("cause", "waits"),
    [
        (AttemptCause.BROKE, [0, 30, 300, 300]),
        (AttemptCause.OUT_OF_MEMORY, [0, 30, 300, 300]),
        (AttemptCause.NO_DEVICE, [30, 300, 300, 300]),
        (AttemptCause.WORKER_LOST, [0, 0, 0, 0]),
    ],
)
def test_the_wait_grows_with_the_attempts_that_broke(cause, waits):
    assert [backoff_seconds(cause, failed=n) for n in (1, 2, 3, 4)] == waits


def test_two_earlier_jobs_tell_no_pace_and_three_do():
    assert pace_of([1.0, 2.0]) is None
    assert pace_of([1.0, 2.0, 9.0]).seconds_per_slice == 2.0


def test_each_device_takes_the_next_job_as_it_gets_free():
    takes = [{"a": 10.0, "b": 20.0}] * 3
    assert seconds_until_done(free_in={"a": 5.0, "b": 0.0}, waiting=takes) == [20.0, 15.0, 25.0]


@pytest.mark.parametrize("free_in", [{}, {"a": None}, {"a": 0.0, "b": None}])
def test_nothing_is_expected_of_a_queue_whose_devices_are_not_known(free_in):
    takes = [{"a": 1.0, "b": 1.0}]
    assert seconds_until_done(free_in=free_in, waiting=takes) == [None]


def test_behind_a_job_of_unknown_length_nothing_is_known():
    takes = [{"a": 1.0}, {"a": None}, {"a": 1.0}]
    assert seconds_until_done(free_in={"a": 0.0}, waiting=takes) == [1.0, None, None]


@given(st.lists(st.floats(0.1, 1e4), max_size=20), st.integers(1, 4))
def test_the_last_job_ends_no_sooner_than_the_work_shared_by_all_devices(lengths, devices):
    names = [str(n) for n in range(devices)]
    takes = [dict.fromkeys(names, length) for length in lengths]
    done = seconds_until_done(free_in=dict.fromkeys(names, 0.0), waiting=takes)
    assert max(done, default=0.0) >= sum(lengths) / devices - 1e-6


@pytest.mark.django_db
def test_a_running_job_ends_at_the_pace_of_earlier_jobs_with_its_release_on_its_device():
    release = make.ModelReleaseFactory()
    earlier(release, device="gpu", seconds=2.0)
    job = running(release, device="gpu", since=1.0)
    expected = outlook(NOW).of(job)
    slices = job.source.stored_files
    assert expected.ends_at == job.started_at + timedelta(seconds=2.0 * slices)
    assert expected.jobs == 3


@pytest.mark.django_db
@pytest.mark.parametrize("other", [{"device": "cpu"}, {"n": 2}])
def test_another_device_or_too_few_jobs_tell_nothing_and_the_page_says_so(other):
    release = make.ModelReleaseFactory()
    earlier(release, **{"device": "gpu", "seconds": 2.0, **other})
    job = running(release, device="gpu")
    expected = outlook(NOW).of(job)
    assert expected.ends_at is None
    assert "not known" in end_sentence(job, expected, NOW)


@pytest.mark.django_db
def test_a_job_that_takes_longer_than_earlier_ones_is_late_and_no_end_is_made_up():
    release = make.ModelReleaseFactory()
    earlier(release, device="gpu", seconds=0.1)
    job = running(release, device="gpu", since=3600.0)
    waiting = make.SynthesisJobFactory(release=release)
    queue = outlook(NOW)
    assert queue.of(job).late
    assert queue.of(waiting).ends_at is None
    assert "longer than 3 earlier jobs" in end_sentence(job, queue.of(job), NOW)


@pytest.mark.django_db
def test_a_waiting_job_knows_its_place_and_what_runs_where():
    release = make.ModelReleaseFactory()
    running(release, device="gpu-1 · cuda:0")
    first = make.SynthesisJobFactory(release=release)
    second = make.SynthesisJobFactory(
        release=release, requested_at=make.MOMENT + timedelta(seconds=1)
    )
    queue = outlook(NOW)
    assert [queue.of(job).place for job in (first, second)] == [1, 2]
    said = place_sentence(queue.of(second), queue)
    assert said == "Place 2 of 2 in the queue. 1 running on gpu-1 · cuda:0."


@pytest.mark.django_db
def test_what_happens_next_is_said_for_every_state():
    queue = outlook(NOW)
    jobs = [make.SynthesisJobFactory(status=status, attempts=1) for status in JobStatus]
    assert len({next_sentence(job, queue, NOW) for job in jobs}) == len(JobStatus)


@pytest.mark.django_db
def test_a_job_that_waits_to_be_tried_again_says_when():
    job = make.SynthesisJobFactory(attempts=2, not_before=NOW + timedelta(seconds=30))
    said = next_sentence(job, outlook(NOW), NOW)
    assert said == "It is tried again in 30 s: attempt 3 of 3."
