"""What the checks need to know of one series, in plain values that can be kept as JSON."""

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any

from pydicom import Dataset

from evaluation.imaging import PlacedSeries, Reason, Series, SurveyedSeries
from evaluation.imaging.header import text
from evaluation.imaging.suv import SuvConversion
from evaluation.imaging.suv_clock import (
    acquisition_moment,
    decay_seconds,
    injection_of,
    parse_date,
    series_moment,
)


@dataclass(frozen=True)
class SeriesSummary:
    """One series as the checks see it; None and empty text mean that the file does not say."""

    modality: str
    slices: int
    stated_slices: int | None
    spacing_mm: tuple[float, float, float]  # z, y, x
    z_range_mm: tuple[float, float]  # centres of the first and the last slice
    frame_of_reference_uid: str
    study_uid: str
    series_uid: str
    series_date: str
    acquisition_date: str
    manufacturer: str
    model: str
    kernel: str
    slice_thickness_mm: float | None
    units: str
    corrected_image: tuple[str, ...]
    tracer: str
    half_life_s: float | None
    dose_bq: float | None
    weight_kg: float | None
    uptake_minutes: float | None
    suv_rule: str
    suv_factor: float | None  # None too where the factor differs from slice to slice
    suv_disagreement: float
    suv_refusals: tuple[Reason, ...]
    suv_findings: tuple[Reason, ...]
    remarks: tuple[Reason, ...]  # of the reader, on what is unusual in a readable series
    # Of the values themselves; None in summaries that were kept before these were counted.
    voxels_not_finite: int | None = None
    empty_slices: int | None = None
    saturated_slices: int | None = None

    @property
    def z_extent_mm(self) -> tuple[float, float]:
        """From the outer face of the first slice to that of the last."""
        half = self.spacing_mm[0] / 2
        return self.z_range_mm[0] - half, self.z_range_mm[1] + half

    @property
    def examined_on(self) -> dt.date | None:
        """The day of the acquisition, else that of the series; None where neither is a date."""
        return parse_date(self.acquisition_date) or parse_date(self.series_date)


def summarise(series: Series | SurveyedSeries) -> SeriesSummary:
    """The summary of a series that could be read; for PET with its way to SUV or why none."""
    facts = series.facts
    pet = series.modality == "PT"
    conversion = series.suv_conversion() if pet else SuvConversion("bw", rule="", factor=None)
    pixels = series.pixel_facts()
    return SeriesSummary(
        modality=series.modality,
        slices=facts.slices,
        stated_slices=facts.stated_slices,
        spacing_mm=facts.spacing_mm,
        z_range_mm=facts.z_range_mm,
        frame_of_reference_uid=facts.frame_of_reference_uid,
        study_uid=facts.study_uid,
        series_uid=facts.series_uid,
        series_date=facts.series_date,
        acquisition_date=text(series.header, "AcquisitionDate"),
        manufacturer=facts.manufacturer,
        model=facts.model,
        kernel=facts.kernel,
        slice_thickness_mm=_finite(facts.slice_thickness_mm),
        units=facts.units.upper(),
        corrected_image=tuple(term.upper() for term in facts.corrected_image),
        tracer=facts.tracer,
        half_life_s=_finite(facts.half_life_s),
        dose_bq=_finite(facts.dose_bq),
        weight_kg=_finite(facts.weight_kg),
        uptake_minutes=_uptake_minutes(series) if pet else None,
        suv_rule=conversion.rule,
        suv_factor=conversion.factor,
        suv_disagreement=conversion.disagreement,
        suv_refusals=conversion.refusals,
        suv_findings=conversion.findings,
        remarks=series.findings,
        voxels_not_finite=pixels.not_finite,
        empty_slices=pixels.empty_slices,
        saturated_slices=pixels.saturated_slices,
    )


def summary_to_json(summary: SeriesSummary) -> dict[str, Any]:
    """The summary as JSON keeps it."""
    return asdict(summary)


def summary_from_json(kept: Mapping[str, Any]) -> SeriesSummary:
    """The summary that was kept as JSON; an unknown or missing entry is an error of ours."""
    named = {field.name for field in fields(SeriesSummary)}
    needed = {field.name for field in fields(SeriesSummary) if field.default is MISSING}
    if not needed <= set(kept) <= named:
        wrong = sorted((needed - set(kept)) | (set(kept) - named))
        raise ValueError(f"Not the entries of a summary: {wrong}.")
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()
    }
    for name in ("suv_refusals", "suv_findings", "remarks"):
        values[name] = tuple(Reason(**reason) for reason in kept[name])
    return SeriesSummary(**values)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _uptake_minutes(series: PlacedSeries) -> float | None:
    """Minutes from injection to the first acquisition, whatever unit the values are stored in."""
    given = (series.header.get("RadiopharmaceuticalInformationSequence") or [Dataset()])[0]
    injection = injection_of(series.header, given)
    moments = [m for m in map(acquisition_moment, series.slice_headers) if m is not None]
    start = min(moments, default=series_moment(series.header))
    half_life = _finite(series.facts.half_life_s)
    if injection is None or start is None or not half_life or half_life <= 0:
        return None
    seconds, _ = decay_seconds(injection, start, half_life)
    return None if seconds is None else seconds / 60
