"""Measures one pair of a cut. Measured once, kept for every run on the cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from django.db import transaction

from evaluation.analysis import load_plan
from evaluation.analysis.measure import MeasurementRow, measure_pair
from evaluation.imaging import Refused as ImagesRefused
from evaluation.imaging import Series, SuvRefused, Volume, read_series, sul_factor
from studyportal import __version__
from studyportal.core import clock
from studyportal.core.services import take_lease
from studyportal.imaging.selectors import stored_paths
from studyportal.imaging.services import masks_of, read_reference_as_frozen
from studyportal.outcomes.models import CutPair, Measurement

if TYPE_CHECKING:
    from studyportal.syntheses.models import SyntheticSeries

LEASE_SECONDS = 600.0
_BACKGROUNDS = {"organ:blood_pool": "blood_pool", "organ:liver": "liver"}
_LUNG = "organ:lung"
_OF_SUV = ("weight_kg", "dose_mbq")


def measure_cut_pair(*, cut_pair: CutPair) -> CutPair:
    """Fidelity and metabolic measurements of the pair are rows, or the pair says why it could not be measured."""
    if cut_pair.measured_at is not None or not take_lease(cut_pair, seconds=LEASE_SECONDS):
        return cut_pair
    try:
        rows = measured_rows(cut_pair, cut_pair.synthetic)
        fault = ""
    except (ImagesRefused, ValueError) as refusal:
        rows, fault = [], str(refusal)
    _keep(cut_pair, rows, fault)
    return cut_pair


def measured_rows(
    cut_pair: CutPair, synthetic_series: SyntheticSeries, *, controls: bool = True
) -> list[MeasurementRow]:
    """Measure a synthetic series of the pair, as the plan of the cut says.

    Raises
    ------
    ValueError
        When the images cannot be compared; `evaluation.imaging.Refused` when one cannot be read.
    """
    plan = load_plan(cut_pair.cut.plan_text)
    series = read_reference_as_frozen(cut_pair.reference, cut_pair.suv)
    synthetic = read_series(
        stored_paths(synthetic_series.manifest_sha256), allow_synthetic=True
    ).suv_volume()
    ct = read_series(stored_paths(cut_pair.source.manifest_sha256)).stored_volume()
    masks = masks_of(cut_pair.outlines) if cut_pair.outlines is not None else {}
    return measure_pair(
        reference=_volume(series.suv_volume()),
        synthetic=synthetic,
        ct=ct,
        lesions={name: mask for name, mask in masks.items() if not name.startswith("organ:")},
        backgrounds=_backgrounds(masks),
        data_range=plan.data_range_suv,
        sensitivity_data_range=plan.image.sensitivity_data_range_suv,
        uptake_edges=plan.uptake_trend.edges if plan.uptake_trend else None,
        sul_factor=_lean_share(series),
        negative_controls=controls and plan.negative_controls is not None,
    )


def _backgrounds(masks: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The organs a lesion is compared with; parts of the lungs (sides, lobes) count as one."""
    found = {name: masks[region] for region, name in _BACKGROUNDS.items() if region in masks}
    lungs = [mask for region, mask in masks.items() if region.startswith(_LUNG)]
    return found | ({"lungs": np.any(lungs, axis=0)} if lungs else {})


def _lean_share(reference: Series) -> float | None:
    """Lean mass (Janmahasatian) over weight; None where the header lacks height or sex."""
    try:
        return sul_factor(reference.header)
    except SuvRefused:
        return None


def _volume(volume: Volume) -> Volume:
    if not np.isfinite(volume.array).all():
        raise ValueError("The reference PET holds values that are not numbers.")
    return volume


@transaction.atomic
def _keep(cut_pair: CutPair, rows: list[MeasurementRow], fault: str) -> None:
    claimed = CutPair.objects.filter(pk=cut_pair.pk, measured_at=None).update(
        measured_at=clock.now(), fault=fault
    )
    if not claimed:  # measured by another worker in the meantime
        return
    # A number that rests on what a person entered says so wherever it goes.
    entered = [
        f"entered_{e['field']}" for e in cut_pair.suv.get("entries", ()) if e["field"] in _OF_SUV
    ]
    Measurement.objects.bulk_create(
        Measurement(
            cut_pair=cut_pair,
            region=row.region,
            image=row.image,
            quantity=row.quantity,
            value=row.value,
            unit=row.unit,
            method=row.method,
            flags=";".join((*row.flags, *entered)),
            voxels=row.n_voxels,
            software=__version__,
        )
        for row in rows
    )
    cut_pair.refresh_from_db()
