from enum import StrEnum

from studyportal.core.states import machine


class ExportKind(StrEnum):
    """What an export holds."""

    EVALUATION = "evaluation"
    PAIRS = "pairs"
    CLINICAL = "clinical"


class DataFormat(StrEnum):
    """Formats in which clinical data leave."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    XPORT5 = "xport5"
    XPORT8 = "xport8"
    SPSS = "sav"
    STATA = "dta"
    ODM = "odm"


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
