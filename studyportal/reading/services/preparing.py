"""Images as readers get them: no header of a scanner; real and synthetic PET on one grid and in one coding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from django.db import transaction

from evaluation.imaging import Grid, SuvRefused, Volume, read_series, resample
from evaluation.imaging import Refused as ImagesRefused
from studyportal.core import clock
from studyportal.core.storage import store_bytes
from studyportal.imaging import rules as coding
from studyportal.imaging.selectors import latest_outlines, stored_paths
from studyportal.imaging.services import derive_volumes, masks_of, read_reference
from studyportal.imaging.states import VolumeKind
from studyportal.reading.models import CaseVolume, ReadingCase
from studyportal.reading.selectors import design_of, volumes_of
from studyportal.reading.states import Layer

if TYPE_CHECKING:
    from studyportal.imaging.models import DerivedVolume

# Both PETs in whole steps of this size up to this value, so that neither coding nor range tells which is which.
STEP_SUV, HIGHEST_SUV = 0.002, 65.0
_LESION = "lesion:"
Made = tuple[str, str, dict[str, object], str]  # digest, digest of the coarse copy, facts, reason


def prepare_case(*, case: ReadingCase) -> None:
    """Every image of the case that some arm shows is stored, or says why it cannot be; run again, nothing changes."""
    wanted = design_of(case.session).layers - {Layer(name) for name in volumes_of(case)}
    if not wanted:
        return
    for layer in sorted(wanted):
        sha256, quick, facts, reason = _made(case, layer)
        CaseVolume.objects.get_or_create(
            case=case, layer=layer,
            defaults={
                "sha256": sha256, "quick_sha256": quick, "facts": facts, "reason": reason,
                "made_at": clock.now(),
            },
        )  # fmt: skip
    _number_lesions(case)


def _made(case: ReadingCase, layer: Layer) -> Made:
    try:
        return _ct(case) if layer == Layer.CT else _pet(case, layer)
    except (ImagesRefused, SuvRefused) as refusal:
        return "", "", {}, str(refusal)


def _ct(case: ReadingCase) -> Made:
    rows: dict[str, DerivedVolume] = {row.kind: row for row in derive_volumes(series=case.source)}
    whole, quick = rows[VolumeKind.CT], rows[VolumeKind.CT_QUICK]
    return whole.sha256, quick.sha256, {"unit": "HU"}, whole.reason


def _pet(case: ReadingCase, layer: Layer) -> Made:
    grid = read_reference(case.reference).grid if case.reference else None
    if layer == Layer.SYNTHETIC:
        manifest = case.synthetic.manifest_sha256 if case.synthetic else ""
        volume = read_series(stored_paths(manifest), allow_synthetic=True).suv_volume()
    else:
        volume = read_reference(case.reference).suv_volume()  # type: ignore[arg-type]  # a ready pair has its PET
    coded = coding.coded(_plain(volume, grid or volume.grid), step=STEP_SUV)
    stored = store_bytes(coded.content)
    return stored.sha256, "", {"unit": "SUVbw"}, ""


def _plain(volume: Volume, grid: Grid) -> Volume:
    """The volume on the common grid, within the common range."""
    placed = volume if volume.grid == grid else resample(volume, grid, outside=0.0)
    return Volume(np.clip(placed.array, 0.0, HIGHEST_SUV), grid, "SUVbw")


@transaction.atomic
def _number_lesions(case: ReadingCase) -> None:
    """Lesions have their number at the voxel of the outline that lies next to its centre."""
    outlines = latest_outlines(case.pair)
    if outlines is None or case.lesions:
        return
    grid = read_series(stored_paths(outlines.reference.manifest_sha256)).grid
    places = {
        name.removeprefix(_LESION): _place(mask, grid)
        for name, mask in masks_of(outlines).items()
        if name.startswith(_LESION) and mask.any()
    }
    if places:
        case.lesions = places
        case.save(update_fields=["lesions"])


def _place(mask: np.ndarray, grid: Grid) -> list[float]:
    """Place of a mask [z, y, x] in mm: to the right, front and top (RAS)."""
    voxels = np.argwhere(mask)
    nearest = voxels[np.argmin(((voxels - voxels.mean(axis=0)) ** 2).sum(axis=1))]
    x, y, z, _ = grid.affine() @ np.array([*nearest[::-1], 1.0])
    return [round(float(-x), 1), round(float(-y), 1), round(float(z), 1)]
