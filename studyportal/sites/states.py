from enum import StrEnum

from studyportal.core.states import machine


class SiteStatus(StrEnum):
    PLANNED = "planned"
    RECRUITING = "recruiting"
    CLOSED = "closed"


SITE = machine(
    "site", SiteStatus, SiteStatus.PLANNED, planned="recruiting", recruiting="closed", closed=""
)
