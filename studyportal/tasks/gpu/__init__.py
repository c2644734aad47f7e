"""Synthesis jobs: one at a time per device, each in a child process that can be ended."""

from uuid import UUID

from studyportal.syntheses import services
from studyportal.syntheses.states import JobStatus
from studyportal.tasks import dispatch
from studyportal.tasks.dispatch import portal_task
from studyportal.tasks.gpu.device import device_lock
from studyportal.tasks.gpu.running import run_job


@portal_task
def translate(job_id: str) -> None:
    """Safe to run twice: one attempt claims the row, and only its token may write."""
    with device_lock():
        job = services.claim_job(job_id=UUID(job_id))
        if job is None:
            return
        job = run_job(job)
    if job.status == JobStatus.QUEUED:  # an attempt failed and others are left
        dispatch.translate(job.pk)
