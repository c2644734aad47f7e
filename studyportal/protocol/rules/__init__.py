"""The protocol as data: read from its file, refused with every fault, asked for limits."""

from studyportal.protocol.rules.imaging import ImagingConstraints, LocalLimits, ScreeningLimits
from studyportal.protocol.rules.reading import (
    Criterion,
    Endpoint,
    Fact,
    Protocol,
    ProtocolRefused,
    SiteEntry,
    parse,
)

__all__ = [
    "Criterion",
    "Endpoint",
    "Fact",
    "ImagingConstraints",
    "LocalLimits",
    "Protocol",
    "ProtocolRefused",
    "ScreeningLimits",
    "SiteEntry",
    "parse",
]
