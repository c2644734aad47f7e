"""Registers releases, requests syntheses and records what became of them. Each name here is one use case."""

from studyportal.syntheses.services.attempts import (
    claim_job,
    heartbeat,
    record_result,
    requeue_lost,
    wants_to_stop,
)
from studyportal.syntheses.services.releases import (
    hand_out_bundle,
    hand_out_release,
    import_release,
    move_release,
    register_release,
)
from studyportal.syntheses.services.requests import cancel_job, request_synthesis, retry_job

__all__ = [
    "cancel_job",
    "claim_job",
    "hand_out_bundle",
    "hand_out_release",
    "heartbeat",
    "import_release",
    "move_release",
    "record_result",
    "register_release",
    "request_synthesis",
    "requeue_lost",
    "retry_job",
    "wants_to_stop",
]
