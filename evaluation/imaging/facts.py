"""What the headers of a series say about it, in plain values."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom import Dataset

from evaluation.imaging.grid import Grid, Triple
from evaluation.imaging.header import number, text, texts
from evaluation.imaging.instance import Instance, synthetic_marks
from evaluation.imaging.reasons import Reason
from evaluation.imaging.suv_body import body_of
from evaluation.imaging.suv_dose import LARGEST_MEGABECQUEREL


@dataclass(frozen=True)
class SeriesFacts:
    """Facts of one series; an empty text or None means that the header does not state it."""

    modality: str
    slices: int
    rows: int
    columns: int
    spacing_mm: Triple
    z_range_mm: tuple[float, float]
    frame_of_reference_uid: str
    study_uid: str
    series_uid: str
    patient_id: str
    series_description: str
    series_date: str
    series_time: str
    manufacturer: str
    model: str
    transfer_syntax_uid: str
    kernel: str
    kvp: float | None
    slice_thickness_mm: float | None
    units: str
    suv_type: str
    decay_correction: str
    corrected_image: tuple[str, ...]
    tracer: str
    half_life_s: float | None
    dose_bq: float | None
    weight_kg: float | None
    height_m: float | None
    sex: str
    stated_slices: int | None
    synthetic_marks: tuple[str, ...]


def facts_of(header: Dataset, grid: Grid, *, last_z_mm: float) -> SeriesFacts:
    """Return the facts of a series whose first slice has ``header`` and which lies on ``grid``."""
    body = body_of(header)
    given = (header.get("RadiopharmaceuticalInformationSequence") or [Dataset()])[0]
    dose, stated = number(given, "RadionuclideTotalDose"), number(header, "NumberOfSlices")
    first_z = grid.origin_mm[2]
    return SeriesFacts(
        modality=text(header, "Modality"),
        slices=grid.shape[0],
        rows=grid.shape[1],
        columns=grid.shape[2],
        spacing_mm=grid.spacing_mm,
        z_range_mm=(min(first_z, last_z_mm), max(first_z, last_z_mm)),
        frame_of_reference_uid=text(header, "FrameOfReferenceUID"),
        study_uid=text(header, "StudyInstanceUID"),
        series_uid=text(header, "SeriesInstanceUID"),
        patient_id=text(header, "PatientID"),
        series_description=text(header, "SeriesDescription"),
        series_date=text(header, "SeriesDate"),
        series_time=text(header, "SeriesTime"),
        manufacturer=text(header, "Manufacturer"),
        model=text(header, "ManufacturerModelName"),
        transfer_syntax_uid=str(header.file_meta.TransferSyntaxUID),
        kernel="\\".join(texts(header, "ConvolutionKernel")),
        kvp=number(header, "KVP"),
        slice_thickness_mm=number(header, "SliceThickness"),
        units=text(header, "Units"),
        suv_type=text(header, "SUVType"),
        decay_correction=text(header, "DecayCorrection"),
        corrected_image=texts(header, "CorrectedImage"),
        tracer=_tracer(given),
        half_life_s=number(given, "RadionuclideHalfLife"),
        dose_bq=dose * 1e6 if dose is not None and 0 < dose < LARGEST_MEGABECQUEREL else dose,
        weight_kg=body.weight_kg,
        height_m=body.height_m,
        sex=body.sex,
        stated_slices=None if stated is None else int(stated),
        synthetic_marks=synthetic_marks(header),
    )


def _tracer(given: Dataset) -> str:
    codes = given.get("RadiopharmaceuticalCodeSequence") or [Dataset()]
    return text(given, "Radiopharmaceutical") or text(codes[0], "CodeMeaning")


def findings_of(facts: SeriesFacts, dropped: Sequence[str]) -> tuple[Reason, ...]:
    """Return what is unusual about a readable series; ``dropped`` are tags that were unreadable."""
    found = []
    if not facts.frame_of_reference_uid:
        sentence = "The series states no frame of reference."
        found.append(Reason("no_frame_of_reference", sentence, "(0020,0052)"))
    if facts.stated_slices is not None and facts.stated_slices != facts.slices:
        sentence = f"{facts.slices} slices are there, the header states {facts.stated_slices}."
        found.append(Reason("slice_count", sentence, "(0054,0081)"))
    if dropped:
        sentence = f"Elements of the header cannot be read: {', '.join(dropped[:5])}."
        found.append(Reason("unreadable_element", sentence, dropped[0]))
    return tuple(found)


_ONE_VALUE = (
    ("SeriesInstanceUID", "mixed_series", "more than one series", "(0020,000E)"),
    ("StudyInstanceUID", "mixed_series", "more than one study", "(0020,000D)"),
    ("Modality", "mixed_series", "more than one modality", "(0008,0060)"),
    ("FrameOfReferenceUID", "mixed_frame_of_reference", "two frames of reference", "(0020,0052)"),
    ("PatientID", "mixed_patient", "more than one patient", "(0010,0020)"),
    ("Units", "mixed_series", "PET values of different units", "(0054,1001)"),
    ("DecayCorrection", "mixed_series", "different decay corrections", "(0054,1102)"),
)


def mixture_faults(instances: Sequence[Instance]) -> tuple[Reason, ...]:
    """Say in which respects the files do not belong to one series of one patient."""
    return tuple(
        Reason(fault, f"The files hold {what}; one series has one.", tag)
        for keyword, fault, what, tag in _ONE_VALUE
        if len({text(i.header, keyword) for i in instances}) > 1
    )


def rescale_faults(instances: Sequence[Instance]) -> tuple[Reason, ...]:
    """Say whether CT values are in anything other than Hounsfield units."""
    kinds = {text(i.header, "RescaleType").upper() for i in instances} - {"", "HU"}
    if not kinds or text(instances[0].header, "Modality") != "CT":
        return ()
    sentence = f"The CT values are in {', '.join(sorted(kinds))}, not in Hounsfield units."
    return (Reason("rescale", sentence, "(0028,1054)"),)
