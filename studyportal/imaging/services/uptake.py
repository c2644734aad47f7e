"""From stored values to SUV, with what people entered about the injection."""

from collections.abc import Mapping
from typing import Any

from evaluation.imaging import HeaderEntries, Series, SuvConversion, read_series, with_entries
from studyportal.imaging import rules
from studyportal.imaging.models import ImagingSeries, InjectionEntry
from studyportal.imaging.selectors import entries_in_force, header_entries, stored_paths

UNITS = {"weight_kg": "kg", "dose_mbq": "MBq", "tracer": "", "glucose_mmol_per_l": "mmol/l"}


def read_reference(series: ImagingSeries) -> Series:
    """An accepted PET as it counts: its files, read with what people entered in place of its header."""
    return with_entries(read_series(stored_paths(series.manifest_sha256)), header_entries(series))


def conversion_facts(conversion: SuvConversion, series: ImagingSeries) -> dict[str, object]:
    """How stored values become SUV, and which entries that rests on, as kept with the series."""
    return {**rules.conversion_facts(conversion), **entries_facts(series)}


def entries_facts(series: ImagingSeries) -> dict[str, object]:
    """What people entered of the injection, as kept with its conversion."""
    return {"entries": [entry_facts(row) for row in entries_in_force(series).values()]}


def entry_facts(row: InjectionEntry) -> Mapping[str, object]:
    """One entry as it is kept with what it changed; who and why stand in its own row."""
    value = row.text if row.number is None else row.number
    return {
        "id": str(row.pk),
        "field": row.field,
        "value": value,
        "unit": UNITS[row.field],
        "stated": row.stated,
        "at": row.entered_at.isoformat(),
    }


def read_reference_as_frozen(series: ImagingSeries, suv: Mapping[str, Any]) -> Series:
    """An accepted PET with the entries that counted when its conversion was kept, whatever was entered since."""
    kept = {entry["field"]: entry["value"] for entry in suv.get("entries", ())}
    dose = kept.get("dose_mbq")
    entries = HeaderEntries(
        weight_kg=kept.get("weight_kg"),
        dose_bq=None if dose is None else dose * 1e6,
        tracer=kept.get("tracer"),
    )
    return with_entries(read_series(stored_paths(series.manifest_sha256)), entries)
