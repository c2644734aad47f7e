"""Scratch folders of attempts: one each, named by job and token, and none is left behind."""

import shutil
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings

from studyportal.syntheses.models import SynthesisJob
from studyportal.syntheses.states import JobStatus


def scratch_of(*, job: SynthesisJob) -> Path:
    """Where this attempt may write."""
    return Path(settings.WORK_DIR) / f"{job.pk}.{job.token}"


def clear_scratch(*, before: datetime) -> int:
    """Folders of attempts that no longer run are gone, once they are older; return how many there were."""
    cleared = 0
    for folder in Path(settings.WORK_DIR).glob("*.*"):
        job_id, _, token = folder.name.partition(".")
        if _is_uuid(job_id) and _is_uuid(token) and _abandoned(folder, job_id, token, before):
            shutil.rmtree(folder, ignore_errors=True)
            cleared += 1
    return cleared


def _abandoned(folder: Path, job_id: str, token: str, before: datetime) -> bool:
    running = SynthesisJob.objects.filter(pk=job_id, token=token, status=JobStatus.RUNNING)
    try:
        old = folder.stat().st_mtime < before.timestamp()
    except FileNotFoundError:  # its attempt has just cleared it
        return False
    return old and not running.exists()


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
