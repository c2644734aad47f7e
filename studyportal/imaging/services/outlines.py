"""Outlines come in as DICOM SEG, RTSTRUCT or NIfTI and are kept as masks on the grid of the reference PET."""

import json
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
from django.conf import settings
from django.db import transaction

from evaluation.imaging import (
    Grid,
    Reason,
    Segment,
    SegmentationRefused,
    read_segmentation,
    read_series,
)
from studyportal.core import clock
from studyportal.core.errors import StaleState
from studyportal.core.services import advance, record
from studyportal.core.storage import read_bytes, store_bytes
from studyportal.imaging import rules
from studyportal.imaging.models import ImagingSeries, OutlineSet
from studyportal.imaging.selectors import accepted_series, quarantine_of, stored_paths
from studyportal.imaging.services.receiving import empty_quarantine
from studyportal.imaging.services.settling import keep_findings
from studyportal.imaging.states import IMAGING_SERIES, SeriesRole, SeriesStatus

_REGION = re.compile(r"^(lesion:\d+|node:[\w]+|distant:[\w]+|organ:[\w]+)$")


def keep_outlines(*, series: ImagingSeries) -> ImagingSeries:
    """The outlines are masks on the reference grid, or quarantined with the reason; without a PET they wait."""
    reference = accepted_series(series.pair, SeriesRole.REFERENCE)
    if series.status != SeriesStatus.RECEIVED or reference is None:
        return series
    paths = sorted(quarantine_of(series.pk).glob("[0-9a-f]*"))
    grid = read_series(stored_paths(reference.manifest_sha256)).grid
    try:
        _settle(series, reference, paths, grid)
    except StaleState:  # another worker finished the same outlines first
        series.refresh_from_db()
    return series


def _settle(series: ImagingSeries, reference: ImagingSeries, paths: list[Path], grid: Grid) -> None:
    try:
        masks = _masks(series, reference, paths, grid)
    except SegmentationRefused as refusal:
        _refuse(series, rules.refusal_findings(refusal.reasons))
        return
    if masks:
        _accept(series, reference, masks, grid)
    else:
        _refuse(
            series, [_finding("no_regions", "The outlines name no region that lies in the PET.")]
        )


def masks_of(outlines: OutlineSet) -> dict[str, np.ndarray]:
    """Region names and boolean masks [z, y, x] on the grid of the reference PET, verified on read."""
    with np.load(BytesIO(read_bytes(outlines.masks_sha256))) as archive:
        return {
            name.replace("__", ":"): archive[name].astype(bool) for name in sorted(archive.files)
        }


def region_names(segments: dict[int, Segment], *, option: str) -> dict[str, Segment]:
    """Regions by their name in the portal: `lesion:1`, `node:4R`, `distant:…`, `organ:…`.

    Names that are none of these become lesions, numbered in the order of the file. `option` names the ones to take.
    """
    wanted = {name.strip() for name in option.split(",") if name.strip()}
    named: dict[str, Segment] = {}
    for _, segment in sorted(segments.items()):
        if wanted and segment.label not in wanted:
            continue
        if _REGION.match(segment.label):
            named[segment.label] = segment
        else:
            number = 1 + sum(name.startswith("lesion:") for name in named)
            named[f"lesion:{number}"] = segment
    return named


def _masks(
    series: ImagingSeries, reference: ImagingSeries, paths: list[Path], grid: Grid
) -> dict[str, np.ndarray]:
    _same_frame(reference, paths)
    found: dict[str, np.ndarray] = {}
    for path in paths:
        for name, segment in region_names(
            read_segmentation(path, grid), option=series.option
        ).items():
            if segment.mask.any():
                found[name] = segment.mask
    return found


def _same_frame(reference: ImagingSeries, paths: list[Path]) -> None:
    """Refuse outlines that were drawn in another frame of reference than the PET's."""
    key = rules.DeidentificationKey(settings.DEIDENTIFICATION_KEY.encode())
    for path in paths:
        if path.read_bytes()[128:132] != b"DICM":
            continue
        header = pydicom.dcmread(path, stop_before_pixels=True)
        frame = header.get("FrameOfReferenceUID") or _referenced_frame(header)
        expected = reference.summary.get("frame_of_reference_uid")
        if frame and rules.remap_uid(key, str(frame)) != expected:
            raise SegmentationRefused(
                (
                    Reason(
                        "mixed_frame_of_reference",
                        "The outlines were drawn on other images than this PET.",
                    ),
                )
            )


def _referenced_frame(header: pydicom.Dataset) -> str:
    frames = header.get("ReferencedFrameOfReferenceSequence") or []
    return str(frames[0].get("FrameOfReferenceUID", "")) if frames else ""


@transaction.atomic
def _accept(
    series: ImagingSeries, reference: ImagingSeries, masks: dict[str, np.ndarray], grid: Grid
) -> None:
    buffer = BytesIO()
    named = {name.replace(":", "__"): mask for name, mask in sorted(masks.items())}
    np.savez_compressed(buffer, **named)  # type: ignore[arg-type]  # the stub takes only `allow_pickle` by name
    stored = store_bytes(buffer.getvalue())
    regions = [
        {
            "region": name,
            "voxels": int(mask.sum()),
            "volume_ml": float(mask.sum() * grid.voxel_volume_ml),
        }
        for name, mask in sorted(masks.items())
    ]
    manifest = store_bytes(
        json.dumps(
            {"files": [{"sha256": stored.sha256, "bytes": stored.size}]}, sort_keys=True
        ).encode()
    )
    advance(
        series,
        IMAGING_SERIES,
        SeriesStatus.ACCEPTED,
        by=None,
        stored_files=1,
        stored_bytes=stored.size,
        manifest_sha256=manifest.sha256,
        settled_at=clock.now(),
    )
    OutlineSet.objects.create(
        pair=series.pair,
        series=series,
        reference=reference,
        masks_sha256=stored.sha256,
        regions=regions,
        made_at=clock.now(),
    )
    keep_findings(series.pair, [], series=series)
    participant = series.pair.participant
    record(
        "keep_outlines",
        series,
        f"{participant.code}: outlines of {len(regions)} region(s) were kept.",
        by=None,
        site_code=participant.site.code,
    )
    transaction.on_commit(lambda: empty_quarantine(series))


@transaction.atomic
def _refuse(series: ImagingSeries, findings: list[rules.Finding]) -> None:
    advance(
        series,
        IMAGING_SERIES,
        SeriesStatus.QUARANTINED,
        by=None,
        settled_at=clock.now(),
        reason=" ".join(finding.sentence for finding in findings),
    )
    keep_findings(series.pair, findings, series=series)


def _finding(rule: str, sentence: str) -> rules.Finding:
    return rules.Finding(id=rule, grade="exclude", sentence=sentence, values={})
