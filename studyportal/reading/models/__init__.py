from studyportal.reading.models.reads import Read, ReadCall
from studyportal.reading.models.sessions import (
    CaseVolume,
    ReadingArm,
    ReadingCase,
    ReadingSession,
    SessionReader,
)

__all__ = [
    "CaseVolume",
    "Read",
    "ReadCall",
    "ReadingArm",
    "ReadingCase",
    "ReadingSession",
    "SessionReader",
]
