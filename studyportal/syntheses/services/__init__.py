"""Registers releases, requests syntheses and records what became of them. Each name here is one use case."""

from studyportal.syntheses.services.attempts import (
    claim_job,
    heartbeat,
    record_result,
    requeue_lost,
    wants_to_stop,
)
from studyportal.syntheses.services.releases import (
    move_release,
    register_release,
)
from studyportal.syntheses.services.requests import cancel_job, request_synthesis, retry_job
from studyportal.syntheses.services.viewing import derive_pair

__all__ = [
    "cancel_job",
    "claim_job",
    "derive_pair",
    "heartbeat",
    "move_release",
    "record_result",
    "register_release",
    "request_synthesis",
    "requeue_lost",
    "retry_job",
    "wants_to_stop",
]
