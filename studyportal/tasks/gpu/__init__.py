"""Synthesis jobs: one at a time per device, each in a child process that can be ended."""

import socket
from datetime import timedelta

from django.conf import settings

from studyportal.core import clock
from studyportal.syntheses import services
from studyportal.syntheses.selectors import due_jobs, running_on
from studyportal.tasks import dispatch
from studyportal.tasks.devices import Device, DeviceRefused, devices_of_machine
from studyportal.tasks.dispatch import portal_task
from studyportal.tasks.gpu.device import attempt_lock, device_lock, is_held, own_device
from studyportal.tasks.gpu.running import run_job
from synthesis.contract import TranslationResult

_WHY = "jobs of all sites wait for the same devices"

_SETTLED = timedelta(seconds=5)  # between taking a job and holding its attempt


@portal_task(over_every_site=_WHY)
def translate(_job_id: str) -> None:
    """A message only wakes the worker: it takes the job that has waited longest. Safe to run twice.

    The timetable wakes it too, and it looks for dead attempts itself: a sweeper that waits behind long tasks
    of its own queue, or a message that was lost, does not keep an interrupted job from going on.
    """
    requeue_dead()
    try:
        device = own_device()
    except DeviceRefused as refusal:
        refuse_next(str(refusal))
        return
    with device_lock(device):
        ran = run_next(device)
    following = due_jobs(clock.now()).first() if ran else None
    if following is not None:
        dispatch.translate(following.pk)


def run_next(device: Device) -> bool:
    """Whether a job waited; it has ended, or waits again."""
    job = services.claim_next(device=device.label)
    if job is not None and job.token is not None:
        with attempt_lock(job.token):
            run_job(job, device)
    return job is not None


def requeue_dead() -> None:
    """Jobs whose lease has run out wait again, and at once those of this machine whose worker has died."""
    services.requeue_lost()
    try:
        labels = [device.label for device in devices_of_machine(settings.SYNTHESIS_DEVICES)]
    except DeviceRefused:
        return
    for job in running_on(labels, since=clock.now() - _SETTLED):
        if job.token is not None and not is_held(job.token):
            services.requeue_orphan(job=job)


def refuse_next(why: str) -> None:
    """The next job costs an attempt and says why: this worker lacks the device that it was told to use."""
    job = services.claim_next(device=f"{socket.gethostname()} · {settings.SYNTHESIS_DEVICES}")
    if job is not None:
        result = TranslationResult(
            job_id=str(job.pk), status="errored", reason_id="no_cuda", reason=why
        )
        services.record_result(job=job, result=result)
