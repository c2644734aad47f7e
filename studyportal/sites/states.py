from enum import StrEnum

from studyportal.core.states import machine


class SiteStatus(StrEnum):
    PLANNED = "planned"
    RECRUITING = "recruiting"
    CLOSED = "closed"


SITE = machine(
    "site", SiteStatus, SiteStatus.PLANNED, planned="recruiting", recruiting="closed", closed=""
)


class LockStatus(StrEnum):
    STANDING = "standing"
    UNLOCK_ASKED = "unlock_asked"
    LIFTED = "lifted"


DATA_LOCK = machine(
    "data lock",
    LockStatus,
    LockStatus.STANDING,
    standing="unlock_asked lifted",
    unlock_asked="standing lifted",
    lifted="",
)
