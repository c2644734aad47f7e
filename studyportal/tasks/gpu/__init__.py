"""Synthesis jobs: one at a time per device, each in a child process that can be ended."""

import socket

from django.conf import settings

from studyportal.core import clock
from studyportal.syntheses import services
from studyportal.syntheses.selectors import due_jobs
from studyportal.tasks import dispatch
from studyportal.tasks.devices import Device, DeviceRefused
from studyportal.tasks.dispatch import portal_task
from studyportal.tasks.gpu.device import device_lock, own_device
from studyportal.tasks.gpu.running import run_job
from synthesis.contract import TranslationResult


@portal_task
def translate(_job_id: str) -> None:
    """A message only wakes the worker: it takes the job that has waited longest. Safe to run twice."""
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
    if job is not None:
        run_job(job, device)
    return job is not None


def refuse_next(why: str) -> None:
    """The next job costs an attempt and says why: this worker lacks the device that it was told to use."""
    job = services.claim_next(device=f"{socket.gethostname()} · {settings.SYNTHESIS_DEVICES}")
    if job is not None:
        result = TranslationResult(
            job_id=str(job.pk), status="errored", reason_id="no_cuda", reason=why
        )
        services.record_result(job=job, result=result)
