"""De-identified copies of a series, written and read again, with the proof that uptake values survived."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pydicom

from evaluation.imaging import Series, SuvConversion, SuvRefused, read_series, suv_factor
from studyportal.imaging.rules.deidentification import deidentify
from studyportal.imaging.rules.deidentification_report import merged_reports
from studyportal.imaging.rules.previews import preview_of
from studyportal.imaging.rules.pseudonym import DeidentificationKey, PseudonymContext
from studyportal.imaging.rules.summary import summarise, summary_to_json

_SUV_TOLERANCE = 1e-12  # a de-identified header must give the same factor to the last digits
PREVIEW = "preview.png"


class Watch(Protocol):
    """Sets the limits before each file, and before work on all of them."""

    def file(self, number: int, *, size: int) -> None: ...

    def whole(self) -> None: ...


class SuvChanged(RuntimeError):
    """De-identification changed the SUV factor: a fault of ours, never of the sender."""


def deidentified_copy(
    series: Series, *, watch: Watch, out: str, participant_code: str, site_code: str, key: str
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
    copies, reports, uids = [], [], []
    for k, path in enumerate(files):
        watch.file(k, size=path.stat().st_size)
        cleaned, report = deidentify(pydicom.dcmread(path), context=context)
        copies.append(folder / f"{k:06}")
        pydicom.dcmwrite(copies[-1], cleaned, enforce_file_format=True)
        reports.append(report)
        uids.append(str(cleaned.SOPInstanceUID))
    watch.whole()
    after = read_series(copies)
    (folder / PREVIEW).write_bytes(preview_of(after))
    merged = merged_reports(reports)
    return {
        "sop_instance_uids": uids,
        "files": [path.name for path in copies],
        "report": {
            "actions": dict(merged.actions),
            "notes": list(merged.notes),
            "options": list(merged.options),
            "table": merged.table_version,
        },
        "suv": {} if before is None else conversion_facts(same_suv(before, suv_factor(after))),
        "summary": summary_to_json(summarise(after)),
    }


def same_suv(original: SuvConversion, cleaned: SuvConversion) -> SuvConversion:
    """The conversion of the copies, which is that of the originals to the last digits."""
    if original.refusals or cleaned.refusals:
        raise SuvRefused((*original.refusals, *cleaned.refusals))
    pairs = zip(original.slice_factors, cleaned.slice_factors, strict=True)
    if any(abs(after / before - 1) > _SUV_TOLERANCE for before, after in pairs):
        raise SuvChanged(f"SUV factor changed from {original.factor!r} to {cleaned.factor!r}")
    return cleaned


def conversion_facts(conversion: SuvConversion) -> Mapping[str, object]:
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
