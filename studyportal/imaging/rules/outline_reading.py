"""Outlines that came as DICOM SEG, RTSTRUCT or NIfTI, as masks on the grid of the reference PET."""

import tempfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from pydicom import Dataset

from evaluation.imaging import Grid, Reason, Segment, SegmentationRefused, read_segmentation
from evaluation.imaging.instance import read_header
from studyportal.imaging.rules.pseudonym import DeidentificationKey, remap_uid
from studyportal.imaging.rules.regions import is_region

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
    key: str,
) -> dict[str, Any]:
    """Regions with their size, their masks in the folder `out`; or the reasons why there are none.

    `frame` is the pseudonymous frame of reference of the PET that lies on `grid`.
    """
    watch.whole()  # a file of outlines holds those of a whole examination
    target = Grid(**{name: _tuples(value) for name, value in grid.items()})
    with tempfile.TemporaryDirectory(dir=out) as folder:
        paths = _named_by_kind([Path(file) for file in files], Path(folder))
        try:
            _same_frame(paths, frame, DeidentificationKey(key.encode()))
            masks = _masks(paths, target, option)
        except SegmentationRefused as refusal:
            return {"reasons": [[r.id, r.sentence, r.tag] for r in refusal.reasons]}
    (Path(out) / MASKS).write_bytes(packed_masks(masks))
    millilitres = target.voxel_volume_ml
    sizes = {name: int(mask.sum()) for name, mask in sorted(masks.items())}
    regions = [
        {"region": name, "voxels": voxels, "volume_ml": float(voxels * millilitres)}
        for name, voxels in sizes.items()
    ]
    return {"reasons": [], "regions": regions}


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


def _same_frame(paths: Sequence[Path], expected: str, key: DeidentificationKey) -> None:
    """Refuse outlines that were drawn in another frame of reference than the PET's."""
    for path in paths:
        if path.suffix:  # NIfTI names no frame of reference
            continue
        header, unreadable = read_header(path)
        if unreadable is not None:
            raise SegmentationRefused((unreadable,))
        frame = header.get("FrameOfReferenceUID") or _referenced_frame(header)
        if frame and remap_uid(key, str(frame)) != expected:
            raise SegmentationRefused((Reason("frame_of_reference", ""),))


def _referenced_frame(header: Dataset) -> str:
    frames = header.get("ReferencedFrameOfReferenceSequence") or []
    return str(frames[0].get("FrameOfReferenceUID", "")) if frames else ""


def _masks(paths: Sequence[Path], grid: Grid, option: str) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for path in paths:
        for name, segment in region_names(read_segmentation(path, grid), option=option).items():
            if segment.mask.any():
                found[name] = segment.mask
    return found
