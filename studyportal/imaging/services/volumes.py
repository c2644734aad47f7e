"""Volumes for the viewer: made once per stored series, kept under their digest, made again by nobody."""

from collections.abc import Callable

import numpy as np

from evaluation.imaging import Refused as ImagesRefused
from evaluation.imaging import Series, SuvRefused, Volume, read_series, resample
from studyportal.core import clock
from studyportal.core.storage import store_bytes
from studyportal.imaging import rules
from studyportal.imaging.models import DerivedVolume, ImagingSeries, OutlineSet
from studyportal.imaging.selectors import (
    RECIPE,
    derived_volume,
    difference_origin,
    stored_paths,
    uptake_origin,
)
from studyportal.imaging.services.outlines import masks_of
from studyportal.imaging.services.uptake import read_reference
from studyportal.imaging.states import SeriesRole, VolumeKind

_QUICK_EDGE_MM, _QUICK_STEP_HU = 3.0, 4.0
_NO_SUV = "SUV cannot be computed from this PET, so it is shown in {unit}."
Made = tuple[rules.CodedVolume, dict[str, object]]
Uptake = tuple[Volume | None, str]  # in SUV if it can be had, and why not


def derive_volumes(*, series: ImagingSeries) -> list[DerivedVolume]:
    """What the viewer shows of an accepted CT or PET is stored, or says why it cannot be shown."""
    if series.role == SeriesRole.SOURCE:
        return _of_ct(series.manifest_sha256)
    return _pet(uptake_origin(series), lambda: _of_reference(series))


def derive_pet(*, manifest_sha256: str) -> list[DerivedVolume]:
    """A synthetic PET and its projections are stored in SUV, or in the unit of its header with the reason kept."""
    return _pet(manifest_sha256, lambda: _of_synthetic(manifest_sha256))


def _pet(origin: str, uptake: Callable[[], Uptake]) -> list[DerivedVolume]:
    kinds = (VolumeKind.PET, VolumeKind.PROJECTIONS)
    if rows := _known(kinds, origin):
        return rows
    volume, reason = uptake()
    if volume is None:
        return [_keep(kind, origin, reason=reason) for kind in kinds]
    return [
        _made(VolumeKind.PET, origin, lambda: (rules.coded(volume), {}), reason=reason),
        _made(VolumeKind.PROJECTIONS, origin, lambda: _projections(volume), reason=reason),
    ]


def derive_difference(*, reference: ImagingSeries, synthetic: str) -> DerivedVolume:
    """Synthetic (a manifest) minus reference, in SUV on the grid of the reference PET, is stored."""
    origin = difference_origin(uptake_origin(reference), synthetic)
    if row := derived_volume(VolumeKind.DIFFERENCE, origin):
        return row
    real, why = _of_reference(reference)
    made, why_not = _of_synthetic(synthetic)
    if real is None or made is None or why or why_not:
        sentence = "There is no difference in SUV, since one of the two images has no SUV."
        return _keep(VolumeKind.DIFFERENCE, origin, reason=sentence)
    placed = resample(made, real.grid, outside=0.0)
    minus = Volume(placed.array - real.array, real.grid, real.unit)
    return _made(VolumeKind.DIFFERENCE, origin, lambda: (rules.coded(minus), {}))


def derive_labels(*, outlines: OutlineSet) -> DerivedVolume:
    """The outlines are stored as one label map on the grid of the PET; lesions lie over organs."""
    if row := derived_volume(VolumeKind.LABELS, outlines.masks_sha256):
        return row
    grid = read_series(stored_paths(outlines.reference.manifest_sha256)).grid
    masks = masks_of(outlines)
    # Organs are painted first, so that a lesion inside one stays visible.
    names = sorted(masks, key=lambda name: (not name.startswith("organ:"), name))
    labels = np.zeros(grid.shape, dtype=np.uint8)
    for number, name in enumerate(names, start=1):
        labels[masks[name]] = number
    return _made(
        VolumeKind.LABELS,
        outlines.masks_sha256,
        lambda: (rules.coded_labels(labels, grid), {"regions": names}),
    )


def _of_ct(manifest: str) -> list[DerivedVolume]:
    kinds = (VolumeKind.CT_QUICK, VolumeKind.CT)
    if rows := _known(kinds, manifest):
        return rows
    series, reason = _read(manifest, synthetic=False)
    if series is None:
        return [_keep(kind, manifest, reason=reason) for kind in kinds]
    volume = series.stored_volume()
    return [
        _made(VolumeKind.CT_QUICK, manifest, lambda: (_quick(volume), {})),
        _made(VolumeKind.CT, manifest, lambda: (rules.coded(volume), {})),
    ]


def _quick(volume: Volume) -> rules.CodedVolume:
    return rules.coded(rules.coarser(volume, edge_mm=_QUICK_EDGE_MM), step=_QUICK_STEP_HU)


def _projections(volume: Volume) -> Made:
    found = rules.rotating_projections(volume)
    both = rules.coded(found.values)
    depth = store_bytes(rules.nifti_bytes(found.depth, found.values.grid, slope=1.0, unit="voxels"))
    facts = {
        "depth_sha256": depth.sha256,
        "rows": volume.grid.shape[1],
        "row_mm": volume.grid.spacing_mm[1],
        "direction": [list(row) for row in volume.grid.direction],
        "origin_mm": list(volume.grid.origin_mm),
    }
    return both, facts


def _read(manifest: str, *, synthetic: bool) -> tuple[Series | None, str]:
    try:
        return read_series(stored_paths(manifest), allow_synthetic=synthetic), ""
    except ImagesRefused as refusal:
        return None, str(refusal)


def _of_reference(reference: ImagingSeries) -> Uptake:
    try:
        return _in_suv(read_reference(reference))
    except ImagesRefused as refusal:
        return None, str(refusal)


def _of_synthetic(manifest: str) -> Uptake:
    series, reason = _read(manifest, synthetic=True)
    return (None, reason) if series is None else _in_suv(series)


def _in_suv(series: Series) -> Uptake:
    try:
        return series.suv_volume(), ""
    except SuvRefused as refusal:
        stored = series.stored_volume()
        return stored, f"{_NO_SUV.format(unit=stored.unit)} {refusal}"


def _known(kinds: tuple[VolumeKind, ...], origin: str) -> list[DerivedVolume]:
    rows = [row for kind in kinds if (row := derived_volume(kind, origin))]
    return rows if len(rows) == len(kinds) else []


def _made(
    kind: VolumeKind, origin: str, make: Callable[[], Made], *, reason: str = ""
) -> DerivedVolume:
    try:
        volume, more = make()
    except ValueError as error:
        return _keep(kind, origin, reason=str(error))
    return _keep(kind, origin, volume=volume, reason=reason, more=more)


def _keep(
    kind: VolumeKind,
    origin: str,
    *,
    volume: rules.CodedVolume | None = None,
    reason: str = "",
    more: dict[str, object] | None = None,
) -> DerivedVolume:
    stored = None if volume is None else store_bytes(volume.content)
    row, _ = DerivedVolume.objects.get_or_create(
        kind=kind,
        origin_sha256=origin,
        recipe=RECIPE,
        defaults={
            "sha256": stored.sha256 if stored else "",
            "size_bytes": stored.size if stored else 0,
            "facts": {**(volume.facts() if volume else {}), **(more or {})},
            "reason": reason,
            "made_at": clock.now(),
        },
    )
    return row
