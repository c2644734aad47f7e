"""What factories of all rooms share."""

import hashlib
import uuid
from datetime import UTC, date, datetime
from typing import Any

import factory

from studyportal.imaging.rules import SeriesSummary, summary_to_json

MOMENT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
DAY = date(2026, 2, 3)
SUMMARY = summary_to_json(
    SeriesSummary(
        modality="CT", slices=101, stated_slices=None, spacing_mm=(3.0, 1.0, 1.0),
        z_range_mm=(0.0, 300.0), frame_of_reference_uid="2.25.1", study_uid="2.25.2",
        series_uid="2.25.3", series_date="20260203", acquisition_date="20260203",
        manufacturer="Acme", model="One", kernel="B40", slice_thickness_mm=3.0, units="",
        corrected_image=(), tracer="", half_life_s=None, dose_bq=None, weight_kg=None,
        uptake_minutes=None, suv_rule="", suv_factor=None, suv_disagreement=0.0, suv_refusals=(),
        suv_findings=(), remarks=(),
    )
)  # fmt: skip


def digest(text: object) -> str:
    """A digest that differs wherever the text does."""
    return hashlib.sha256(str(text).encode()).hexdigest()


def unique_digest(prefix: str) -> Any:
    return factory.Sequence(lambda number: digest(f"{prefix} {number}"))


def unique_uid() -> Any:
    return factory.LazyFunction(lambda: f"2.25.{uuid.uuid4().int}")
