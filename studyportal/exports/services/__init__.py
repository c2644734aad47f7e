"""Requests, builds, hands out and ends exports. Each name here is one use case."""

from studyportal.exports.services.building import build_export, give_up_lost
from studyportal.exports.services.handing import download_export, expire_old
from studyportal.exports.services.requests import (
    request_clinical_export,
    request_export,
    request_pairs_export,
)
from studyportal.exports.services.withdrawing import obey_withdrawal

__all__ = [
    "build_export",
    "download_export",
    "expire_old",
    "give_up_lost",
    "obey_withdrawal",
    "request_clinical_export",
    "request_export",
    "request_pairs_export",
]
