"""Registers releases, requests syntheses and records what became of them. Each name here is one use case."""

from studyportal.syntheses.services.attempts import (
    claim_job,
    claim_next,
    heartbeat,
    requeue_lost,
    requeue_orphan,
    wants_to_stop,
)
from studyportal.syntheses.services.batches import request_ready_pairs
from studyportal.syntheses.services.policy import name_primary_release, seal_primary_release
from studyportal.syntheses.services.releases import (
    hand_out_bundle,
    hand_out_release,
    import_release,
    move_release,
    register_release,
)
from studyportal.syntheses.services.requests import cancel_job, request_synthesis, retry_job
from studyportal.syntheses.services.results import record_result
from studyportal.syntheses.services.scratch import clear_scratch, scratch_of
from studyportal.syntheses.services.viewing import derive_pair
from studyportal.syntheses.services.withdrawing import obey_withdrawal

__all__ = [
    "cancel_job",
    "claim_job",
    "claim_next",
    "clear_scratch",
    "derive_pair",
    "hand_out_bundle",
    "hand_out_release",
    "heartbeat",
    "import_release",
    "move_release",
    "name_primary_release",
    "obey_withdrawal",
    "record_result",
    "register_release",
    "request_ready_pairs",
    "request_synthesis",
    "requeue_lost",
    "requeue_orphan",
    "retry_job",
    "scratch_of",
    "seal_primary_release",
    "wants_to_stop",
]
