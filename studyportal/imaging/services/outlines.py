"""Outlines come in as DICOM SEG, RTSTRUCT or NIfTI and are kept as masks on the grid of the reference PET."""

import json
import tempfile
from collections.abc import Iterable, Mapping
from io import BytesIO
from itertools import count
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
from evaluation.imaging.instance import read_header
from studyportal.core import clock
from studyportal.core.errors import StaleState
from studyportal.core.services import advance, record
from studyportal.core.storage import StoredFile, read_bytes, store_bytes
from studyportal.imaging import rules
from studyportal.imaging.models import ImagingSeries, OutlineSet
from studyportal.imaging.selectors import accepted_series, quarantine_of, stored_paths
from studyportal.imaging.services.receiving import empty_quarantine
from studyportal.imaging.services.settling import keep_findings
from studyportal.imaging.services.shell import broken
from studyportal.imaging.states import IMAGING_SERIES, SeriesRole, SeriesStatus

_WORDS = {
    "frame_of_reference": "The outlines were drawn on other images than this PET. Send those of this examination.",
    "sop_class": "The file holds no outlines. Send a DICOM segmentation, an RTSTRUCT or a NIfTI label map.",
    "no_segments": "The outlines hold no region. Draw the lesions and send the file again.",
    "outside": "No region of the outlines lies in the PET. Send those of this examination.",
    "fractional": "The outlines have soft borders. Export them as a mask and send them again.",
    "not_segmentation": "The outlines cannot be read as regions of one volume. Export them again.",
    "not_nifti": "The label map cannot be read. Export it again.",
}


def keep_outlines(*, series: ImagingSeries) -> ImagingSeries:
    """The outlines are masks on the reference grid, or quarantined with the reason; without a PET they wait."""
    reference = accepted_series(series.pair, SeriesRole.REFERENCE)
    if series.status != SeriesStatus.RECEIVED or reference is None:
        return series
    try:
        grid = read_series(stored_paths(reference.manifest_sha256)).grid
        with tempfile.TemporaryDirectory() as folder:
            _settle(series, reference, _named_by_kind(series, Path(folder)), grid)
    except StaleState:  # another worker finished the same outlines first
        series.refresh_from_db()
    except Exception as error:  # noqa: BLE001 the shell of intake
        _refuse(series, [broken(series, error)])
    return series


def _named_by_kind(series: ImagingSeries, folder: Path) -> list[Path]:
    """Paths of the received files; a NIfTI file is known by its ending, which quarantine does not keep."""
    paths = []
    for path in sorted(quarantine_of(series.pk).glob("[0-9a-f]*")):
        with path.open("rb") as stream:
            start = stream.read(348)
        ending = (
            ".nii.gz" if start[:2] == b"\x1f\x8b" else ".nii" if start[344:347] == b"n+1" else ""
        )
        named = folder / f"{path.name}{ending}"
        named.symlink_to(path.resolve())
        paths.append(named)
    return paths


def _settle(series: ImagingSeries, reference: ImagingSeries, paths: list[Path], grid: Grid) -> None:
    try:
        masks = _masks(series, reference, paths, grid)
    except SegmentationRefused as refusal:
        _refuse(series, _findings(refusal.reasons))
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


def stored_masks(masks: Mapping[str, np.ndarray]) -> StoredFile:
    """Masks [z, y, x] by region lie in the archive as `masks_of` reads them."""
    buffer = BytesIO()
    named = {name.replace(":", "__"): mask for name, mask in sorted(masks.items())}
    np.savez_compressed(buffer, **named)  # type: ignore[arg-type]  # the stub takes only `allow_pickle` by name
    return store_bytes(buffer.getvalue())


def region_names(segments: dict[int, Segment], *, option: str) -> dict[str, Segment]:
    """Regions by their name in the portal: `lesion:1`, `node:4R`, `distant:…`, `organ:…`.

    Names that are none of these become lesions, numbered in the order of the file. `option` names the ones to take.
    """
    wanted = {name.strip() for name in option.split(",") if name.strip()}
    chosen = [s for _, s in sorted(segments.items()) if not wanted or s.label in wanted]
    named = {segment.label: segment for segment in chosen if rules.is_region(segment.label)}
    free = (f"lesion:{n}" for n in count(1) if f"lesion:{n}" not in named)
    for segment in chosen:
        if not rules.is_region(segment.label):
            named[next(free)] = segment
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
    expected = reference.summary.get("frame_of_reference_uid")
    for path in paths:
        if path.suffix:  # NIfTI names no frame of reference
            continue
        header, unreadable = read_header(path)
        if unreadable is not None:
            raise SegmentationRefused((unreadable,))
        frame = header.get("FrameOfReferenceUID") or _referenced_frame(header)
        if frame and rules.remap_uid(key, str(frame)) != expected:
            raise SegmentationRefused((Reason("frame_of_reference", ""),))


def _referenced_frame(header: pydicom.Dataset) -> str:
    frames = header.get("ReferencedFrameOfReferenceSequence") or []
    return str(frames[0].get("FrameOfReferenceUID", "")) if frames else ""


@transaction.atomic
def _accept(
    series: ImagingSeries, reference: ImagingSeries, masks: dict[str, np.ndarray], grid: Grid
) -> None:
    stored = stored_masks(masks)
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


def _findings(reasons: Iterable[Reason]) -> list[rules.Finding]:
    """The reader names files, which are digests here, and speaks of images; people get other words."""
    reasons = tuple(reasons)
    own = [_finding(reason.id, _WORDS[reason.id]) for reason in reasons if reason.id in _WORDS]
    return own or rules.refusal_findings(reasons)


def _finding(rule: str, sentence: str) -> rules.Finding:
    return rules.Finding(id=rule, grade="exclude", sentence=sentence, values={})
