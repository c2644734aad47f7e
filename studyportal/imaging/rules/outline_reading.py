"""Outlines that came as DICOM SEG, RTSTRUCT or NIfTI, as masks on the grid of the reference PET."""

import tempfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pydicom
from pydicom import Dataset

from evaluation.imaging import Grid, Reason, Segment, SegmentationRefused, read_segmentation
from evaluation.imaging.instance import read_header
from studyportal.imaging.rules.deidentification import deidentify
from studyportal.imaging.rules.deidentification_report import merged_reports
from studyportal.imaging.rules.pseudonym import DeidentificationKey, PseudonymContext, remap_uid
from studyportal.imaging.rules.regions import is_region
from studyportal.imaging.rules.report_text import report_facts
from studyportal.imaging.rules.seal import Standing, patient_link_of, seal_reasons, standing_of
from studyportal.imaging.rules.unheard import unheard

MASKS = "masks.npz"


class Watch(Protocol):
    """Sets the limits of the work that follows."""

    def whole(self) -> None: ...


def outlined_masks(
    *,
    watch: Watch,
    files: Sequence[str],
    out: str,
    grid: Mapping[str, Any],
    option: str,
    frame: str,
    identity: Mapping[str, str],
) -> dict[str, Any]:
    """Regions with their size, their masks and de-identified copies in the folder `out`; or the reasons why there are none.

    `frame` is the pseudonymous frame of reference of the PET that lies on `grid`; `identity` holds participant_code,
    site_code and key. Of a label map (NIfTI) there is
    no copy: its header can hold anything, and its masks are all there is to it.
    """
    watch.whole()  # a file of outlines holds those of a whole examination
    target = Grid(**{name: _tuples(value) for name, value in grid.items()})
    context = PseudonymContext.of_participant(
        participant_code=identity["participant_code"],
        site_code=identity["site_code"],
        key=DeidentificationKey(identity["key"].encode()),
    )
    with tempfile.TemporaryDirectory(dir=out) as folder:
        paths = _named_by_kind([Path(file) for file in files], Path(folder))
        try:
            patients = _same_frame(paths, frame, context)
            masks = _masks(paths, target, option)
        except SegmentationRefused as refusal:
            return {"reasons": [[r.id, r.sentence, r.tag] for r in refusal.reasons]}
        copies, report = _copies(paths, Path(out), context)
    (Path(out) / MASKS).write_bytes(packed_masks(masks))
    millilitres = target.voxel_volume_ml
    sizes = {name: int(mask.sum()) for name, mask in sorted(masks.items())}
    regions = [
        {"region": name, "voxels": voxels, "volume_ml": float(voxels * millilitres)}
        for name, voxels in sizes.items()
    ]
    return {
        "reasons": [], "regions": regions, "patient_keys": sorted(patients - {""}), "copies": copies, "report": report,
    }  # fmt: skip


def packed_masks(masks: Mapping[str, np.ndarray]) -> bytes:
    """Masks [z, y, x] by region as one compressed file of arrays."""
    buffer = BytesIO()
    named = {name.replace(":", "__"): mask for name, mask in sorted(masks.items())}
    np.savez_compressed(buffer, **named)  # type: ignore[arg-type]  # the stub takes only `allow_pickle` by name
    return buffer.getvalue()


def region_names(segments: dict[int, Segment], *, option: str) -> dict[str, Segment]:
    """Regions by their name in the portal: `lesion:1`, `node:4R`, `distant:…`, `organ:…`.

    Names that are none of these become lesions, numbered in the order of the file. `option` names the ones to take.
    """
    wanted = {name.strip() for name in option.split(",") if name.strip()}
    chosen = [s for _, s in sorted(segments.items()) if not wanted or s.label in wanted]
    named = {segment.label: segment for segment in chosen if is_region(segment.label)}
    free = (f"lesion:{n}" for n in count(1) if f"lesion:{n}" not in named)
    for segment in chosen:
        if not is_region(segment.label):
            named[next(free)] = segment
    return named


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value


def _named_by_kind(files: Sequence[Path], folder: Path) -> list[Path]:
    """Paths of the received files; a NIfTI file is known by its ending, which quarantine does not keep."""
    paths = []
    for path in files:
        with path.open("rb") as stream:
            start = stream.read(348)
        ending = (
            ".nii.gz" if start[:2] == b"\x1f\x8b" else ".nii" if start[344:347] == b"n+1" else ""
        )
        named = folder / f"{path.name}{ending}"
        named.symlink_to(path.resolve())
        paths.append(named)
    return paths


def _same_frame(paths: Sequence[Path], expected: str, context: PseudonymContext) -> set[str]:
    """Keyed digests of the patients named; refuses outlines that were drawn in another frame of reference than the PET's."""
    patients = set()
    for path in paths:
        if path.suffix:  # NIfTI names no frame of reference
            continue
        header, unreadable = read_header(path)
        if unreadable is not None:
            raise SegmentationRefused((unreadable,))
        if wrong := seal_reasons([header], context):
            raise SegmentationRefused(wrong)
        frame = str(header.get("FrameOfReferenceUID") or _referenced_frame(header))
        if standing_of(header, context.key) is not Standing.INTACT:
            frame = remap_uid(context.key, frame)
        if frame and frame != expected:
            raise SegmentationRefused((Reason("frame_of_reference", ""),))
        patients.add(patient_link_of(header, context.key, site_code=context.site_code))
    return patients


def _referenced_frame(header: Dataset) -> str:
    frames = header.get("ReferencedFrameOfReferenceSequence") or []
    return str(frames[0].get("FrameOfReferenceUID", "")) if frames else ""


def _copies(
    paths: Sequence[Path], out: Path, context: PseudonymContext
) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """What was written of the DICOM files, without identity; contours and pixels are as they came."""
    copies: list[dict[str, str]] = []
    reports = []
    for path in paths:
        if path.suffix:  # NIfTI
            continue
        with unheard():
            cleaned, report = deidentify(pydicom.dcmread(path), context=context)
            name = f"{len(copies):06}"
            pydicom.dcmwrite(out / name, cleaned, enforce_file_format=True)
        copies.append({"file": name, "sop_instance_uid": str(cleaned.SOPInstanceUID)})
        reports.append(report)
    facts = report_facts(merged_reports(reports), files=len(copies), suv=None) if copies else {}
    return copies, facts


def _masks(paths: Sequence[Path], grid: Grid, option: str) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for path in paths:
        for name, segment in region_names(read_segmentation(path, grid), option=option).items():
            if segment.mask.any():
                found[name] = segment.mask
    return found
