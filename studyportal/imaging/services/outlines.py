"""Outlines come in as DICOM SEG, RTSTRUCT or NIfTI and are kept as masks on the grid of the reference PET."""

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from django.db import transaction

from evaluation.imaging import Reason, read_series
from studyportal.core import clock
from studyportal.core.errors import StaleState
from studyportal.core.services import advance, record, take_lease
from studyportal.core.storage import StoredFile, read_bytes, store_bytes, store_file
from studyportal.imaging import rules
from studyportal.imaging.models import ImagingSeries, OutlineSet
from studyportal.imaging.selectors import (
    accepted_series,
    key_of,
    quarantine_of,
    stored_paths,
    waiting_files,
)
from studyportal.imaging.services.reading import Outlined, reader
from studyportal.imaging.services.receiving import empty_quarantine
from studyportal.imaging.services.settling import keep_findings
from studyportal.imaging.services.shell import broken, start_validating
from studyportal.imaging.states import IMAGING_SERIES, IN_INTAKE, SeriesRole, SeriesStatus

_LEASE_SECONDS = 600.0
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
    if series.status not in IN_INTAKE or reference is None:
        return series
    if not take_lease(series, seconds=_LEASE_SECONDS):
        return series
    try:
        start_validating(series)
        _settle(series, reference)
    except StaleState:  # another worker finished the same outlines first
        series.refresh_from_db()
    except Exception as error:  # noqa: BLE001 the shell of intake
        _refuse(series, [broken(series, error)])
    return series


def _settle(series: ImagingSeries, reference: ImagingSeries) -> None:
    """The received files are looked into by a limited child; masks and copies without identity are what is taken over from them."""
    grid = read_series(stored_paths(reference.manifest_sha256)).grid
    frame = str(reference.summary.get("frame_of_reference_uid", ""))
    place = quarantine_of(series.pk)
    files = [place / name for name in waiting_files(series.pk)]
    with reader() as reading, tempfile.TemporaryDirectory(dir=place, prefix=".masks-") as folder:
        found = reading.outlines(files, series, out=Path(folder), grid=grid, frame=frame)
        if findings := _refusals(series, found):
            _refuse(series, findings)
        else:
            advance(series, IMAGING_SERIES, SeriesStatus.DEIDENTIFYING, by=None)
            _accept(series, reference, _kept(Path(folder), found), found)


def _refusals(series: ImagingSeries, found: Outlined) -> list[rules.Finding]:
    if found.refusals or found.reasons:
        return [*found.refusals, *_findings(found.reasons)]
    if not found.regions:
        sentence = "The outlines name no region that lies in the PET."
        return [_finding("no_regions", sentence)]
    known = key_of(series.pair.participant)
    if known and set(found.patient_keys) - {known}:
        sentence = f"These outlines belong to another patient than the images of {series.pair.participant.code}. Compare the identities and send the right file."
        return [_finding("identity_conflict", sentence)]
    return []


def _kept(folder: Path, found: Outlined) -> list[dict[str, Any]]:
    """Masks and copies of the files lie in the archive; the lines of the manifest, masks first."""
    masks = store_file(folder / rules.MASKS)
    lines: list[dict[str, Any]] = [{"sha256": masks.sha256, "bytes": masks.size}]
    for copy in found.copies:
        stored = store_file(folder / copy["file"])
        uid = copy["sop_instance_uid"]
        lines.append({"sha256": stored.sha256, "bytes": stored.size, "sop_instance_uid": uid})
    return lines


def masks_of(outlines: OutlineSet) -> dict[str, np.ndarray]:
    """Region names and boolean masks [z, y, x] on the grid of the reference PET, verified on read."""
    with np.load(BytesIO(read_bytes(outlines.masks_sha256))) as archive:
        return {
            name.replace("__", ":"): archive[name].astype(bool) for name in sorted(archive.files)
        }


def stored_masks(masks: Mapping[str, np.ndarray]) -> StoredFile:
    """Masks [z, y, x] by region lie in the archive as `masks_of` reads them."""
    return store_bytes(rules.packed_masks(masks))


@transaction.atomic
def _accept(
    series: ImagingSeries,
    reference: ImagingSeries,
    lines: Sequence[Mapping[str, Any]],
    found: Outlined,
) -> None:
    manifest = store_bytes(json.dumps({"files": [*lines]}, sort_keys=True).encode())
    advance(
        series,
        IMAGING_SERIES,
        SeriesStatus.ACCEPTED,
        by=None,
        stored_files=len(lines),
        stored_bytes=sum(line["bytes"] for line in lines),
        deidentification=dict(found.report),
        manifest_sha256=manifest.sha256,
        settled_at=clock.now(),
    )
    OutlineSet.objects.create(
        pair=series.pair,
        series=series,
        reference=reference,
        masks_sha256=lines[0]["sha256"],
        regions=[*found.regions],
        made_at=clock.now(),
    )
    keep_findings(series.pair, [], series=series)
    participant = series.pair.participant
    record(
        "keep_outlines",
        series,
        f"{participant.code}: outlines of {len(found.regions)} region(s) were kept.",
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
