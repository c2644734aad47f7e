"""De-identified copies of a series, written and read again, with the proof that pixels and uptake values survived."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydicom import Dataset

from evaluation.imaging import (
    HeaderEntries,
    Instance,
    InstanceReader,
    SurveyedSeries,
    SuvConversion,
    SuvRefused,
    read_instance,
    suv_factor,
    with_entries,
)
from evaluation.imaging.header import text
from evaluation.imaging.instance import read_header
from evaluation.imaging.survey import copied_survey
from studyportal.imaging.rules.copying import Watch, copies_of
from studyportal.imaging.rules.deidentification_report import merged_reports
from studyportal.imaging.rules.previews import preview_of_survey
from studyportal.imaging.rules.pseudonym import DeidentificationKey, PseudonymContext
from studyportal.imaging.rules.report_text import report_facts
from studyportal.imaging.rules.summary import summarise, summary_to_json
from studyportal.imaging.rules.suv_survival import SuvSurvival, suv_survival

PREVIEW = "preview.png"


# What decides how bytes of pixels are read; a copy must say of them what its original says.
_PICTURE = (
    "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored",
    "HighBit", "PixelRepresentation", "NumberOfFrames", "RescaleSlope", "RescaleIntercept",
)  # fmt: skip


class SuvChanged(RuntimeError):
    """De-identification changed the SUV factor: a fault of ours, never of the sender."""


class PixelsChanged(RuntimeError):
    """A copy does not hold the pixels of its original: a fault of ours, never of the sender."""


def deidentified_copy(
    series: SurveyedSeries,
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
    PixelsChanged
        When a copy holds other pixels, or says something else of them.
    """
    context = PseudonymContext.of_participant(
        participant_code=participant_code,
        site_code=site_code,
        key=DeidentificationKey(key.encode()),
    )
    before = suv_factor(series) if series.modality == "PT" else None
    files, folder = series.files, Path(out)
    made = copies_of(files, folder=folder, context=context, watch=watch)
    copies = [folder / f"{k:06}" for k in range(len(files))]
    after = with_entries(_read_again(series, copies, watch), HeaderEntries(**entries))
    conversion, survival = (None, None) if before is None else same_suv(before, suv_factor(after))
    (folder / PREVIEW).write_bytes(_preview(after))
    reports = [copy.report for copy in made]
    return {
        "sop_instance_uids": [copy.sop_instance_uid for copy in made],
        "files": [path.name for path in copies],
        "report": report_facts(merged_reports(reports), files=len(copies), suv=survival),
        "suv": {} if conversion is None else conversion_facts(conversion),
        "summary": summary_to_json(summarise(after)),
    }


def _read_again(series: SurveyedSeries, copies: Sequence[Path], watch: Watch) -> SurveyedSeries:
    """The series as the copies on the disk have it: headers read and judged anew, pixels the same bytes."""
    reader, instances = InstanceReader(values="unread"), []
    for k, (original, copy) in enumerate(zip(series.files, copies, strict=True)):
        watch.file(k, size=copy.stat().st_size)
        content = copy.read_bytes()
        pieces = reader.cut(content)
        instance = reader.read_content(copy, content, pieces)
        _check_same_picture(instance, series.slice_headers[k])
        _check_same_pixels(copy, original, content[pieces.pixels_at :] if pieces else b"")
        instances.append(instance)
    watch.whole()
    return copied_survey(instances, series)


def _check_same_picture(copy: Instance, original: Dataset) -> None:
    """What says how to read the bytes of the pixels is the same in both."""
    same = all(text(copy.header, word) == text(original, word) for word in _PICTURE)
    if not same or copy.header.file_meta.TransferSyntaxUID != original.file_meta.TransferSyntaxUID:
        raise PixelsChanged


def _check_same_pixels(copy: Path, original: Path, element: bytes) -> None:
    """The bytes of the pixels are the same; `element` is that of the copy, where it could be told."""
    # It is the last one of a file, and is compared with its head, which says how long it is.
    if element and original.read_bytes().endswith(element):
        return
    if _pixels_of(original) != _pixels_of(copy):
        raise PixelsChanged


def _pixels_of(path: Path) -> bytes:
    header, _ = read_header(path, pixels=True)
    return bytes(header.PixelData)


def _preview(series: SurveyedSeries) -> bytes:
    middle = read_instance(series.files[len(series.files) // 2]).pixels
    if middle is None:
        raise PixelsChanged
    return preview_of_survey(series, middle)


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
