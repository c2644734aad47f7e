"""Regions that a person draws in the portal: each change makes a new set of outlines, none is overwritten."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from uuid import UUID

import numpy as np
import pydicom
from django.db import transaction

from evaluation.imaging import Grid, read_series
from studyportal.core import clock
from studyportal.core.errors import Reason, Refused, StaleState
from studyportal.core.models import User
from studyportal.core.services import advance, begin, record
from studyportal.core.storage import StoredFile, discard, store_bytes
from studyportal.imaging import rules
from studyportal.imaging.models import ImagingSeries, OutlineSet, ScanPair
from studyportal.imaging.selectors import (
    accepted_series,
    digests_in_use,
    latest_outlines,
    stored_paths,
)
from studyportal.imaging.services.outlines import masks_of, stored_masks
from studyportal.imaging.services.segmentation_file import segmentation_bytes
from studyportal.imaging.states import IMAGING_SERIES, PairStatus, SeriesRole, SeriesStatus
from studyportal.sites.rules import Action
from studyportal.sites.services import require

_LONGEST = 400  # characters of a method or a reason
Regions = dict[str, dict[str, object]]


@dataclass(frozen=True)
class DrawnRegion:
    """What a person kept: the region's name, the drawing as the browser sent it, how, and why."""

    region: str
    drawing: bytes
    method: str
    reason: str = ""


@dataclass(frozen=True, eq=False)
class _Canvas:
    """What a change starts from."""

    reference: ImagingSeries
    latest: OutlineSet | None
    grid: Grid
    slices: Sequence[pydicom.Dataset]
    masks: Mapping[str, np.ndarray]
    regions: Regions


def draw_outline(
    *, pair: ScanPair, drawn: DrawnRegion, based_on: UUID | None, by: User
) -> OutlineSet:
    """The region has this outline in a new set, beside all others of the set it replaces.

    `based_on` is the set the person saw; where somebody else changed it since, the drawing is refused.

    Raises
    ------
    Refused
        When the name is none of the portal's, nothing is drawn, or a changed region has no reason.
    """
    _may_change(pair, by)
    canvas = _canvas(pair, based_on)
    if faults := _faults(drawn, canvas):
        raise Refused(*faults)
    try:
        mask = rules.mask_of_drawing(drawn.drawing, canvas.grid)
    except ValueError as error:
        raise Refused(Reason("drawing", str(error))) from error
    if not mask.any():
        raise Refused(Reason("empty", "Nothing is drawn yet."))
    again = drawn.region in canvas.masks
    how = f"{drawn.region} was {'corrected' if again else 'drawn'}: {drawn.method}"
    entry = {
        "region": drawn.region,
        "voxels": int(mask.sum()),
        "volume_ml": float(mask.sum() * canvas.grid.voxel_volume_ml),
        "method": drawn.method,
        "by": by.username,
        "at": clock.now().isoformat(),
    }
    return _keep(
        pair,
        canvas,
        masks={**canvas.masks, drawn.region: mask},
        regions={**canvas.regions, drawn.region: entry},
        change=(how, drawn.reason.strip()),
        by=by,
    )


def drop_outline(
    *, pair: ScanPair, region: str, reason: str, based_on: UUID | None, by: User
) -> OutlineSet:
    """The region is no longer part of the outlines that count; the earlier set still has it.

    Raises
    ------
    Refused
        When there is no such region, it is the only one, or no reason is given.
    """
    _may_change(pair, by)
    canvas = _canvas(pair, based_on)
    if region not in canvas.masks:
        raise Refused(Reason("no_region", "There is no such region."))
    if not reason.strip():
        raise Refused(Reason("reason_missing", "Say why the region is taken away."))
    masks = {name: mask for name, mask in canvas.masks.items() if name != region}
    if not masks:
        raise Refused(
            Reason("last_region", "This is the only region. Correct it instead of taking it away.")
        )
    regions = {name: entry for name, entry in canvas.regions.items() if name != region}
    change = (f"{region} was taken away", reason.strip()[:_LONGEST])
    return _keep(pair, canvas, masks=masks, regions=regions, change=change, by=by)


def _may_change(pair: ScanPair, by: User) -> None:
    require(by, Action.OUTLINE_LESIONS, site=pair.participant.site)
    if pair.status == PairStatus.EXCLUDED:
        raise Refused(Reason("excluded", "The pair is excluded; its outlines stay as they are."))


def _canvas(pair: ScanPair, based_on: UUID | None) -> _Canvas:
    reference = accepted_series(pair, SeriesRole.REFERENCE)
    if reference is None:
        raise Refused(Reason("no_pet", "There is no accepted PET to outline on."))
    latest = _unchanged_since(pair, based_on)
    series = read_series(stored_paths(reference.manifest_sha256))
    slices = [pydicom.dcmread(path) for path in series.files]
    if latest is None or latest.reference_id != reference.pk:  # drawn on a PET that was replaced
        return _Canvas(reference, latest, series.grid, slices, {}, {})
    regions: Regions = {str(entry["region"]): entry for entry in latest.regions}
    return _Canvas(reference, latest, series.grid, slices, masks_of(latest), regions)


def _unchanged_since(pair: ScanPair, based_on: UUID | None) -> OutlineSet | None:
    latest = latest_outlines(pair)
    if (latest.pk if latest else None) != based_on:
        raise StaleState(
            Reason(
                "stale",
                "Somebody else changed the outlines in the meantime. Reload, look, and draw again.",
            )
        )
    return latest


def _faults(drawn: DrawnRegion, canvas: _Canvas) -> list[Reason]:
    faults = []
    if not rules.is_region(drawn.region):
        sentence = "Name the region like lesion:1, node:4R, distant:liver or organ:liver."
        faults.append(Reason("region", sentence))
    if not drawn.method.strip() or len(drawn.method) + len(drawn.reason) > _LONGEST:
        faults.append(Reason("method", f"Say how and why in at most {_LONGEST} characters."))
    if drawn.region in canvas.masks and not drawn.reason.strip():
        faults.append(
            Reason(
                "reason_missing", f"{drawn.region} is outlined already. Say why it is corrected."
            )
        )
    return faults


def _keep(
    pair: ScanPair,
    canvas: _Canvas,
    *,
    masks: Mapping[str, np.ndarray],
    regions: Regions,
    change: tuple[str, str],
    by: User,
) -> OutlineSet:
    methods = {name: str(entry["method"]) for name, entry in regions.items() if "method" in entry}
    content = segmentation_bytes(masks, canvas.slices, methods=methods, author=by.username)
    file, arrays = store_bytes(content), stored_masks(masks)
    with transaction.atomic():
        locked = ScanPair.objects.select_for_update().get(pk=pair.pk)
        _still_there(locked, file.sha256, arrays.sha256)
        _unchanged_since(pair, canvas.latest.pk if canvas.latest else None)
        series = _series(pair, file, content, by=by)
        how, why = change
        outlines = OutlineSet.objects.create(
            pair=pair,
            series=series,
            reference=canvas.reference,
            masks_sha256=arrays.sha256,
            regions=[regions[name] for name in sorted(regions)],
            made_at=clock.now(),
            supersedes=canvas.latest,
            drawn_by=by,
            change=f"{how}. {why}".strip(),
        )
        record(
            "draw_outlines",
            outlines,
            f"{pair.participant.code}: {how}.",
            by=by,
            site_code=pair.participant.site.code,
            reason=why,
        )
    return outlines


def _still_there(pair: ScanPair, *stored: str) -> None:
    """Whoever drew while the pair was excluded, as when a participant withdraws, leaves no file behind."""
    if pair.status == PairStatus.EXCLUDED:
        for sha256 in {*stored} - digests_in_use(stored):
            discard(sha256)
        raise Refused(Reason("excluded", "The pair was excluded in the meantime."))


def _series(pair: ScanPair, file: StoredFile, content: bytes, *, by: User) -> ImagingSeries:
    """The row of a segmentation that was made here, with the moves every series makes."""
    header = pydicom.dcmread(BytesIO(content), stop_before_pixels=True)
    listed = {
        "sha256": file.sha256,
        "bytes": file.size,
        "sop_instance_uid": str(header.SOPInstanceUID),
    }
    manifest = store_bytes(json.dumps({"files": [listed]}, sort_keys=True).encode())
    series = ImagingSeries.objects.create(
        pair=pair,
        role=SeriesRole.OUTLINES,
        status=SeriesStatus.RECEIVING,
        opened_at=clock.now(),
        sent_by=by,
    )
    why = "drawn in the portal"
    begin(series, IMAGING_SERIES, by=by, reason=why)
    advance(series, IMAGING_SERIES, SeriesStatus.RECEIVED, by=by, reason=why, received_files=1)
    for step in (SeriesStatus.VALIDATING, SeriesStatus.DEIDENTIFYING):
        advance(series, IMAGING_SERIES, step, by=by, reason=why)
    advance(
        series,
        IMAGING_SERIES,
        SeriesStatus.ACCEPTED,
        by=by,
        reason=why,
        series_uid=str(header.SeriesInstanceUID),
        stored_files=1,
        stored_bytes=file.size,
        manifest_sha256=manifest.sha256,
        settled_at=clock.now(),
    )
    return series
