from enum import StrEnum

from studyportal.core.states import machine


class ProtocolVersionStatus(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    SUPERSEDED = "superseded"


PROTOCOL_VERSION = machine(
    "protocol version",
    ProtocolVersionStatus,
    ProtocolVersionStatus.DRAFT,
    draft="active",
    active="superseded",
    superseded="",
)
