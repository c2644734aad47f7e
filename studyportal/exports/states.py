from enum import StrEnum

from studyportal.core.states import machine


class ExportKind(StrEnum):
    """What an export holds."""

    EVALUATION = "evaluation"
    PAIRS = "pairs"


class ExportStatus(StrEnum):
    REQUESTED = "requested"
    BUILDING = "building"
    READY = "ready"
    ERRORED = "errored"
    EXPIRED = "expired"


EXPORT = machine(
    "export",
    ExportStatus,
    ExportStatus.REQUESTED,
    requested="building errored",
    building="ready errored",
    ready="expired",
    errored="",
    expired="",
)
