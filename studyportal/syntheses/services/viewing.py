"""Everything the viewer shows of a pair: its images, its outlines, its synthetic PETs and what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studyportal.imaging.selectors import accepted_series, latest_outlines
from studyportal.imaging.services import (
    derive_difference,
    derive_labels,
    derive_pet,
    derive_volumes,
)
from studyportal.imaging.states import SeriesRole
from studyportal.syntheses.selectors import shown_synthetics

if TYPE_CHECKING:
    from studyportal.imaging.models import ImagingSeries, ScanPair


def derive_pair(*, pair: ScanPair) -> None:
    """Every volume the viewer wants of this pair is stored, or says why there is none; run again, nothing changes."""
    source = accepted_series(pair, SeriesRole.SOURCE)
    reference = accepted_series(pair, SeriesRole.REFERENCE)
    for series in (source, reference):
        if series is not None:
            derive_volumes(series=series)
    outlines = latest_outlines(pair)
    if outlines is not None:
        derive_labels(outlines=outlines)
    _derive_synthetics(pair, reference)


def _derive_synthetics(pair: ScanPair, reference: ImagingSeries | None) -> None:
    for synthetic in shown_synthetics(pair):
        derive_pet(manifest_sha256=synthetic.manifest_sha256)
        if reference is not None:
            derive_difference(reference=reference, synthetic=synthetic.manifest_sha256)
