"""De-identified copies of a series, written and read again, with the proof that uptake values survived."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluation.imaging import (
    HeaderEntries,
    Series,
    SuvConversion,
    SuvRefused,
    read_series,
    suv_factor,
    with_entries,
)
from studyportal.imaging.rules.copying import Watch, copies_of
from studyportal.imaging.rules.deidentification_report import merged_reports
from studyportal.imaging.rules.previews import preview_of
from studyportal.imaging.rules.pseudonym import DeidentificationKey, PseudonymContext
from studyportal.imaging.rules.report_text import report_facts
from studyportal.imaging.rules.summary import summarise, summary_to_json
from studyportal.imaging.rules.suv_survival import SuvSurvival, suv_survival

PREVIEW = "preview.png"


class SuvChanged(RuntimeError):
    """De-identification changed the SUV factor: a fault of ours, never of the sender."""


def deidentified_copy(
    series: Series,
    *,
    watch: Watch,
    out: str,
    participant_code: str,
    site_code: str,
    key: str,
    entries: Mapping[str, Any],
) -> dict[str, Any]:
    """Copies lie in the folder `out` under their place in the series, with a preview beside them.

    Raises
    ------
    SuvRefused
        When the header gives no SUV factor.
    SuvChanged
        When the copies give another one.
    """
    context = PseudonymContext.of_participant(
        participant_code=participant_code,
        site_code=site_code,
        key=DeidentificationKey(key.encode()),
    )
    before = suv_factor(series) if series.modality == "PT" else None
    files, folder = series.files, Path(out)
    del series  # its values are read again from the copies
    made = copies_of(files, folder=folder, context=context, watch=watch)
    copies = [folder / f"{k:06}" for k in range(len(files))]
    reports = [copy.report for copy in made]
    watch.whole()
    after = with_entries(read_series(copies), HeaderEntries(**entries))
    conversion, survival = (None, None) if before is None else same_suv(before, suv_factor(after))
    (folder / PREVIEW).write_bytes(preview_of(after))
    return {
        "sop_instance_uids": [copy.sop_instance_uid for copy in made],
        "files": [path.name for path in copies],
        "report": report_facts(merged_reports(reports), files=len(copies), suv=survival),
        "suv": {} if conversion is None else conversion_facts(conversion),
        "summary": summary_to_json(summarise(after)),
    }


def same_suv(original: SuvConversion, cleaned: SuvConversion) -> tuple[SuvConversion, SuvSurvival]:
    """The conversion of the copies, which is that of the originals to the last digits, and the proof."""
    survival = suv_survival(original, cleaned)
    if survival.refusals:
        raise SuvRefused(survival.refusals)
    if not survival.holds:
        raise SuvChanged(f"SUV factor changed from {original.factor!r} to {cleaned.factor!r}")
    return cleaned, survival


def conversion_facts(conversion: SuvConversion) -> dict[str, object]:
    """What is kept of a conversion."""
    return {
        "factor": conversion.factor,
        "rule": conversion.rule,
        "alternatives": dict(conversion.alternatives),
        "disagreement": conversion.disagreement,
        "decay_seconds": conversion.decay_seconds,
        "weight_kg": conversion.weight_kg,
        "dose_bq": conversion.dose_bq,
        "injection_time": conversion.injection_time,
        "reference_time": conversion.reference_time,
    }
