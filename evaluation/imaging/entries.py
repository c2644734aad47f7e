"""A series read with what a person entered in place of what its header states; the files stay as they are."""

from dataclasses import dataclass, replace
from typing import TypeVar

from pydicom import Dataset

from evaluation.imaging.series import PlacedSeries

_Placed = TypeVar("_Placed", bound=PlacedSeries)


@dataclass(frozen=True)
class HeaderEntries:
    """What a person knows better than the header; None leaves the header's own statement."""

    weight_kg: float | None = None
    dose_bq: float | None = None
    tracer: str | None = None


def with_entries(series: _Placed, entries: HeaderEntries) -> _Placed:
    """Return the series as if its headers stated what was entered; the same series where nothing was.

    Every slice's header is copied before it changes. Values, geometry and files are untouched, so
    stored SUV (g/ml) stay what they are.

    Parameters
    ----------
    entries
        Weight in kg, dose in Bq, name of the tracer.
    """
    if entries == HeaderEntries():
        return series
    headers = tuple(_changed(header, entries) for header in series.slice_headers)
    stated = {
        "weight_kg": entries.weight_kg,
        "dose_bq": entries.dose_bq,
        "tracer": entries.tracer,
    }
    facts = replace(series.facts, **{k: v for k, v in stated.items() if v is not None})  # type: ignore[arg-type]  # names and kinds stand above
    return replace(series, header=headers[0], slice_headers=headers, facts=facts)


def _changed(header: Dataset, entries: HeaderEntries) -> Dataset:
    # A slice shares its elements with the original, so they are replaced here and never written to.
    changed = header[:]
    if hasattr(header, "file_meta"):
        changed.file_meta = header.file_meta
    if entries.weight_kg is not None:
        changed.add_new("PatientWeight", "DS", entries.weight_kg)
    if entries.dose_bq is not None or entries.tracer is not None:
        items = header.get("RadiopharmaceuticalInformationSequence") or [Dataset()]
        given = items[0][:]
        if entries.dose_bq is not None:
            given.add_new("RadionuclideTotalDose", "DS", entries.dose_bq)
        if entries.tracer is not None:
            given.add_new("Radiopharmaceutical", "LO", entries.tracer)
        changed.add_new("RadiopharmaceuticalInformationSequence", "SQ", [given, *items[1:]])
    return changed
