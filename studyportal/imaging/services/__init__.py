"""Receives, de-identifies, checks and pairs series. Each name here is one use case."""

from studyportal.imaging.rules import preview_of_volume
from studyportal.imaging.services.arrivals import (
    assign_arrival,
    discard_arrival,
    discard_stale,
    settle_conflict,
)
from studyportal.imaging.services.drawing import DrawnRegion, draw_outline, drop_outline
from studyportal.imaging.services.entries import enter_injection
from studyportal.imaging.services.forgetting import forget_identity
from studyportal.imaging.services.growing import METHODS, GrowthRequest, grow_region
from studyportal.imaging.services.inbox import read_spool, settle_inbox
from studyportal.imaging.services.intake import check_series
from studyportal.imaging.services.outlines import masks_of
from studyportal.imaging.services.reading import headlines_of
from studyportal.imaging.services.receiving import (
    add_file,
    complete_series,
    empty_quarantine,
    open_series,
    purge_series,
    purge_stale,
    receive_series,
)
from studyportal.imaging.services.reconstructions import choose_reconstruction
from studyportal.imaging.services.screening import screen_pair
from studyportal.imaging.services.seeding import PairSeed, seed_pairs
from studyportal.imaging.services.settling import (
    accept_finding,
    exclude_pair,
    judge_artefacts,
    settle_pair,
)
from studyportal.imaging.services.uploading import (
    abandon_upload,
    announce_files,
    complete_upload,
    take_files,
)
from studyportal.imaging.services.uptake import read_reference, read_reference_as_frozen
from studyportal.imaging.services.volumes import (
    derive_difference,
    derive_labels,
    derive_pet,
    derive_volumes,
)
from studyportal.imaging.services.withdrawing import (
    drop_volumes,
    forget_withdrawn,
    obey_withdrawal,
)

__all__ = [
    "METHODS",
    "DrawnRegion",
    "GrowthRequest",
    "PairSeed",
    "abandon_upload",
    "accept_finding",
    "add_file",
    "announce_files",
    "assign_arrival",
    "check_series",
    "choose_reconstruction",
    "complete_series",
    "complete_upload",
    "derive_difference",
    "derive_labels",
    "derive_pet",
    "derive_volumes",
    "discard_arrival",
    "discard_stale",
    "draw_outline",
    "drop_outline",
    "drop_volumes",
    "empty_quarantine",
    "enter_injection",
    "exclude_pair",
    "forget_identity",
    "forget_withdrawn",
    "grow_region",
    "headlines_of",
    "judge_artefacts",
    "masks_of",
    "obey_withdrawal",
    "open_series",
    "preview_of_volume",
    "purge_series",
    "purge_stale",
    "read_reference",
    "read_reference_as_frozen",
    "read_spool",
    "receive_series",
    "screen_pair",
    "seed_pairs",
    "settle_conflict",
    "settle_inbox",
    "settle_pair",
    "take_files",
]
