"""Receives, de-identifies, checks and pairs series. Each name here is one use case."""

from studyportal.imaging.rules import preview_of_volume
from studyportal.imaging.services.arrivals import (
    assign_arrival,
    discard_arrival,
    discard_stale,
    settle_conflict,
)
from studyportal.imaging.services.drawing import DrawnRegion, draw_outline, drop_outline
from studyportal.imaging.services.growing import METHODS, GrowthRequest, grow_region
from studyportal.imaging.services.inbox import read_spool, settle_inbox
from studyportal.imaging.services.intake import check_series
from studyportal.imaging.services.outlines import masks_of
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
from studyportal.imaging.services.volumes import (
    derive_difference,
    derive_labels,
    derive_pet,
    derive_volumes,
)

__all__ = [
    "METHODS",
    "DrawnRegion",
    "GrowthRequest",
    "accept_finding",
    "add_file",
    "assign_arrival",
    "check_series",
    "complete_series",
    "derive_difference",
    "derive_labels",
    "derive_pet",
    "derive_volumes",
    "discard_arrival",
    "discard_stale",
    "draw_outline",
    "drop_outline",
    "empty_quarantine",
    "exclude_pair",
    "grow_region",
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
