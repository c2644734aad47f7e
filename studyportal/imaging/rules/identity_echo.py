"""Finds the words of a direct identifier again where technical text should stand."""

import re
import struct
from collections.abc import Iterator

from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError

from studyportal.imaging.rules.element_values import texts_of

_NAMES = [
    "PatientName",
    "OtherPatientNames",
    "PatientBirthName",
    "PatientMotherBirthName",
    "ReferringPhysicianName",
    "PerformingPhysicianName",
    "OperatorsName",
    "PhysiciansOfRecord",
    "NameOfPhysiciansReadingStudy",
    "RequestingPhysician",
    "ResponsiblePerson",
]
_WHOLE = [
    "PatientID",
    "OtherPatientIDs",
    "AccessionNumber",
    "PatientBirthDate",
    "PatientAddress",
    "PatientTelephoneNumbers",
    "InstitutionName",
    "MilitaryRank",
    "StudyID",
]
IDENTIFYING = (*_NAMES, *_WHOLE)
# Words that fill name fields of departments and phantoms, and settings of scanners alike.
_ORDINARY = frozenset(
    [
        "abdomen",
        "body",
        "brain",
        "breast",
        "chest",
        "clinic",
        "consultant",
        "department",
        "doctor",
        "emission",
        "head",
        "hospital",
        "lung",
        "medical",
        "medicine",
        "neck",
        "nuclear",
        "original",
        "pelvis",
        "philips",
        "phantom",
        "physician",
        "primary",
        "radiology",
        "siemens",
        "standard",
        "static",
        "systems",
        "thorax",
        "unknown",
        "whole",
    ]
)
_SHORTEST = 4  # shorter words (a title, "CT1") would strike out scanner settings
_SHORTEST_HAN = 2  # a Chinese name is two or three characters
# What pydicom raises on values that break their own kind.
UNREADABLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    BytesLengthException,
    struct.error,
    InvalidDicomError,
)


def echo_pattern(dataset: Dataset) -> re.Pattern[str] | None:
    """A pattern that finds any identifier of this file in other text; none if it names no one."""
    words = {word.casefold() for word in _identifying_words(dataset)} - _ORDINARY
    if not words:
        return None
    return re.compile("|".join(_bounded(word) for word in sorted(words, key=len, reverse=True)))


def _identifying_words(dataset: Dataset) -> Iterator[str]:
    for keyword in _NAMES:
        for text in _texts(dataset, keyword):
            yield from (word for word in re.split(r"[\^=\s,]+", text) if _long_enough(word))
    for keyword in _WHOLE:
        yield from (text for text in _texts(dataset, keyword) if _long_enough(text))


def _texts(dataset: Dataset, keyword: str) -> list[str]:
    try:
        return texts_of(dataset[keyword]) if keyword in dataset else []
    except UNREADABLE:
        return []


def _long_enough(word: str) -> bool:
    return len(word) >= (_SHORTEST if word.isascii() else _SHORTEST_HAN)


def _bounded(word: str) -> str:
    plain = re.escape(word)
    return rf"(?<![a-z0-9]){plain}(?![a-z0-9])" if word.isascii() else plain
