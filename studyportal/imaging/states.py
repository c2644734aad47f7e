from enum import StrEnum

from studyportal.core.states import machine


class SeriesStatus(StrEnum):
    RECEIVING = "receiving"  # files come into quarantine
    RECEIVED = "received"  # the manifest is met
    VALIDATING = "validating"
    DEIDENTIFYING = "deidentifying"
    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    PURGED = "purged"


IN_INTAKE = (SeriesStatus.RECEIVED, SeriesStatus.VALIDATING, SeriesStatus.DEIDENTIFYING)


class PairStatus(StrEnum):
    AWAITING_IMAGES = "awaiting_images"
    CHECKING = "checking"
    READY = "ready"
    QUERY_OPEN = "query_open"
    EXCLUDED = "excluded"


class SeriesRole(StrEnum):
    """What a series is in its pair."""

    SOURCE = "source"
    REFERENCE = "reference"
    OUTLINES = "outlines"


class VolumeKind(StrEnum):
    """What a volume that was made for the viewer shows."""

    CT = "ct"
    CT_QUICK = "ct_quick"
    PET = "pet"
    PROJECTIONS = "projections"
    DIFFERENCE = "difference"
    LABELS = "labels"


class ArrivalStatus(StrEnum):
    COLLECTING = "collecting"
    WAITING = "waiting"
    ASSIGNED = "assigned"
    DISCARDED = "discarded"


class Way(StrEnum):
    """How an arrival came."""

    C_STORE = "c_store"
    STOW = "stow"


class EntryField(StrEnum):
    """What a person may enter about the injection of a PET; the unit is part of the name."""

    WEIGHT_KG = "weight_kg"
    DOSE_MBQ = "dose_mbq"
    TRACER = "tracer"
    GLUCOSE_MMOL_PER_L = "glucose_mmol_per_l"


class Grade(StrEnum):
    INFO = "info"
    WARNING = "warning"
    EXCLUDE = "exclude"


IMAGING_SERIES = machine(
    "imaging series",
    SeriesStatus,
    SeriesStatus.RECEIVING,
    receiving="received purged",
    received="validating purged",
    # Back to the start where the worker that had it died; gone where the participant withdrew.
    validating="deidentifying quarantined received purged",
    deidentifying="accepted quarantined received purged",
    accepted="purged",
    quarantined="received purged",
    purged="",
)

SCAN_PAIR = machine(
    "scan pair",
    PairStatus,
    PairStatus.AWAITING_IMAGES,
    awaiting_images="checking excluded",
    checking="ready query_open awaiting_images excluded",
    query_open="checking ready excluded",
    ready="checking excluded",
    excluded="",
)

ARRIVAL = machine(
    "arrival",
    ArrivalStatus,
    ArrivalStatus.COLLECTING,
    collecting="waiting",
    waiting="collecting assigned discarded",
    assigned="discarded",
    discarded="",
)
