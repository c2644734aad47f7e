"""Receives, de-identifies, checks and pairs series. Each name here is one use case."""

from studyportal.imaging.services.arrivals import (
    assign_arrival,
    discard_arrival,
    discard_stale,
    settle_conflict,
)
from studyportal.imaging.services.inbox import read_spool, settle_inbox
from studyportal.imaging.services.intake import check_series
from studyportal.imaging.services.outlines import masks_of
from studyportal.imaging.services.previews import preview_of_volume
from studyportal.imaging.services.receiving import (
    add_file,
    complete_series,
    empty_quarantine,
    open_series,
    purge_series,
    purge_stale,
    receive_series,
)
from studyportal.imaging.services.settling import (
    accept_finding,
    exclude_pair,
    judge_artefacts,
    settle_pair,
)

__all__ = [
    "accept_finding",
    "add_file",
    "assign_arrival",
    "check_series",
    "complete_series",
    "discard_arrival",
    "discard_stale",
    "empty_quarantine",
    "exclude_pair",
    "judge_artefacts",
    "masks_of",
    "open_series",
    "preview_of_volume",
    "purge_series",
    "purge_stale",
    "read_spool",
    "receive_series",
    "settle_conflict",
    "settle_inbox",
    "settle_pair",
]
