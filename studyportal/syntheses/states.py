from enum import StrEnum

from studyportal.core.states import machine


class ReleaseStatus(StrEnum):
    CANDIDATE = "candidate"
    VALIDATED = "validated"
    RELEASED = "released"
    RETIRED = "retired"


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    ERRORED = "errored"
    CANCELLED = "cancelled"


class SyntheticStatus(StrEnum):
    PRODUCED = "produced"
    QC_PASSED = "qc_passed"
    QC_FAILED = "qc_failed"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"


class PrimaryStatus(StrEnum):
    NAMED = "named"
    SEALED = "sealed"
    REPLACED = "replaced"


class AttemptOutcome(StrEnum):
    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    ERRORED = "errored"
    CANCELLED = "cancelled"
    LOST = "lost"


class AttemptCause(StrEnum):
    """What ended an attempt that did not succeed."""

    BROKE = "broke"
    OUT_OF_MEMORY = "out_of_memory"
    KILLED = "killed"
    TIME_LIMIT = "time_limit"
    NO_DEVICE = "no_device"
    WORKER_LOST = "worker_lost"


class AnalysisRole(StrEnum):
    """Whether a synthetic series belongs to the primary analysis or stands beside it."""

    PRIMARY = "primary"
    EXPLORATORY = "exploratory"


MODEL_RELEASE = machine(
    "model release",
    ReleaseStatus,
    ReleaseStatus.CANDIDATE,
    candidate="validated retired",
    validated="released retired",
    released="retired",
    retired="",
)

# A lost or failed attempt puts the job back into the queue until its attempts are used up.
SYNTHESIS_JOB = machine(
    "synthesis job",
    JobStatus,
    JobStatus.QUEUED,
    queued="running cancelled errored",
    running="succeeded refused errored cancelled queued",
    succeeded="",
    refused="",
    errored="queued",
    cancelled="",
)

SYNTHETIC_SERIES = machine(
    "synthetic series",
    SyntheticStatus,
    SyntheticStatus.PRODUCED,
    produced="qc_passed qc_failed",
    qc_passed="released withdrawn",
    qc_failed="withdrawn",
    released="withdrawn",
    withdrawn="",
)

# Named until the first primary cut is frozen; from then on it stays for this version of the protocol.
PRIMARY_RELEASE = machine(
    "primary release",
    PrimaryStatus,
    PrimaryStatus.NAMED,
    named="sealed replaced",
    sealed="",
    replaced="",
)
