"""Checks of one series and of a pair; each rule takes a summary and limits and gives findings."""

from collections.abc import Callable, Iterator

from studyportal.imaging.rules.findings import FINDING_TEXTS, Finding, finding
from studyportal.imaging.rules.kernels import sharpness_of
from studyportal.imaging.rules.pair_checks import pair_findings
from studyportal.imaging.rules.refusals import suv_reason_sentence
from studyportal.imaging.rules.screening import Screened
from studyportal.imaging.rules.summary import SeriesSummary
from studyportal.protocol.rules import ImagingConstraints

_SeriesRule = Callable[[SeriesSummary, ImagingConstraints], Iterator[Finding]]
# With numbers by _slice_count; by the pair's check, since one series alone may lack it.
_JUDGED_ELSEWHERE = frozenset({"slice_count", "no_frame_of_reference"})


def check_series(summary: SeriesSummary, constraints: ImagingConstraints) -> tuple[Finding, ...]:
    """Everything found about one series, the gravest first."""
    rules = _CT_RULES if summary.modality == "CT" else _PET_RULES
    return _gravest_first(found for rule in rules for found in rule(summary, constraints))


def check_pair(
    ct: SeriesSummary,
    pet: SeriesSummary,
    constraints: ImagingConstraints,
    *,
    screened: Screened | None = None,
    glucose_mmol_per_l: float | None = None,
) -> tuple[Finding, ...]:
    """Everything found about a CT and a PET together, the gravest first.

    `screened` is what the images themselves showed, None while they have not been looked at.
    """
    found = pair_findings(
        ct, pet, constraints, screened=screened, glucose_mmol_per_l=glucose_mmol_per_l
    )
    return _gravest_first(found)


def _gravest_first(findings: Iterator[Finding]) -> tuple[Finding, ...]:
    order = ("exclude", "warning", "info")
    return tuple(sorted(findings, key=lambda found: order.index(found.grade)))


def _thickness(ct: SeriesSummary, limits: ImagingConstraints) -> Iterator[Finding]:
    limit = limits.ct_max_slice_thickness_mm
    if ct.slice_thickness_mm is None:
        yield finding("slice_thickness_unknown", limit_mm=limit)
        return
    thickness = max(ct.slice_thickness_mm, ct.spacing_mm[0])
    if thickness > limit:
        yield finding("slice_thickness", thickness_mm=thickness, limit_mm=limit)


def _kernel(ct: SeriesSummary, _: ImagingConstraints) -> Iterator[Finding]:
    sharpness = sharpness_of(ct.kernel)
    if sharpness == "sharp":
        yield finding("sharp_kernel", kernel=ct.kernel)
    elif sharpness == "unknown":
        yield finding("kernel_unknown", kernel=ct.kernel or "no entry")


def _slice_count(series: SeriesSummary, _: ImagingConstraints) -> Iterator[Finding]:
    stated = series.stated_slices
    if stated is None or stated == series.slices:
        return
    # Gaps are refused while reading, so what a PET lacks of its own number lies at its ends.
    cut = series.modality == "PT" and series.slices < stated
    yield finding("slices_missing" if cut else "slice_count", slices=series.slices, stated=stated)


def _content(series: SeriesSummary, _: ImagingConstraints) -> Iterator[Finding]:
    if series.voxels_not_finite:
        yield finding("voxels_not_finite", count=series.voxels_not_finite)
    if series.empty_slices == series.slices:
        yield finding("no_content")
    elif series.empty_slices:
        yield finding("empty_slices", count=series.empty_slices, slices=series.slices)
    if series.saturated_slices:
        yield finding("saturated_slices", count=series.saturated_slices, slices=series.slices)


def _remarks(series: SeriesSummary, _: ImagingConstraints) -> Iterator[Finding]:
    for remark in series.remarks:
        if remark.id not in _JUDGED_ELSEWHERE:
            kind = remark.id if remark.id in FINDING_TEXTS else "remark"
            yield finding(kind, note=remark.sentence, entry=remark.tag)


def _suv(pet: SeriesSummary, _: ImagingConstraints) -> Iterator[Finding]:
    if pet.suv_refusals:
        yield finding(
            "suv_not_computable",
            reasons=" ".join(suv_reason_sentence(reason) for reason in pet.suv_refusals),
            ids=tuple(reason.id for reason in pet.suv_refusals),
            tags=tuple(reason.tag for reason in pet.suv_refusals),
        )


def _suv_readings(pet: SeriesSummary, limits: ImagingConstraints) -> Iterator[Finding]:
    if pet.suv_disagreement > limits.suv_rule_disagreement and not pet.suv_refusals:
        percent = pet.suv_disagreement * 100
        yield finding("suv_readings_differ", difference_percent=percent, rule=pet.suv_rule)


def _suv_notes(pet: SeriesSummary, _: ImagingConstraints) -> Iterator[Finding]:
    for note in pet.suv_findings:
        if note.id in FINDING_TEXTS:
            yield finding(note.id)
        elif note.id != "suv_rules_disagree":  # said by _suv_readings, with the protocol's limit
            yield finding("suv_note", note=note.sentence, about=note.id)


def _tracer(pet: SeriesSummary, limits: ImagingConstraints) -> Iterator[Finding]:
    named = pet.tracer.casefold()  # where it is empty the pair waits for a person's answer
    if named and not any(tracer.casefold() in named for tracer in limits.tracers):
        yield finding("tracer_other", tracers=tuple(limits.tracers))


def _half_life(pet: SeriesSummary, limits: ImagingConstraints) -> Iterator[Finding]:
    if pet.half_life_s is None:
        if not _refused_for(pet, "half_life"):
            yield finding("half_life_unknown")
        return
    off = abs(pet.half_life_s - limits.half_life_s)
    if off > limits.half_life_tolerance * limits.half_life_s:
        yield finding(
            "half_life", minutes=pet.half_life_s / 60, expected_minutes=limits.half_life_s / 60
        )


def _dose(pet: SeriesSummary, limits: ImagingConstraints) -> Iterator[Finding]:
    if _refused_for(pet, "dose"):
        return
    if pet.dose_bq is None:
        yield finding("dose_unknown")
        return
    dose, low, high = pet.dose_bq / 1e6, limits.dose_mbq_min, limits.dose_mbq_max
    if not low <= dose <= high:
        yield finding("dose", dose_mbq=dose, low_mbq=low, high_mbq=high)


def _weight(pet: SeriesSummary, limits: ImagingConstraints) -> Iterator[Finding]:
    if _refused_for(pet, "weight"):
        return
    if pet.weight_kg is None:
        yield finding("weight_unknown")
        return
    low, high = limits.weight_kg_min, limits.weight_kg_max
    if not low <= pet.weight_kg <= high:
        kind = "weight_of_finished_values" if pet.units == "GML" else "weight"
        yield finding(kind, weight_kg=pet.weight_kg, low_kg=low, high_kg=high)


def _uptake(pet: SeriesSummary, limits: ImagingConstraints) -> Iterator[Finding]:
    if pet.uptake_minutes is None:
        if not pet.suv_refusals:
            yield finding("uptake_time_unknown")
        return
    low, high = limits.uptake_minutes_min, limits.uptake_minutes_max
    if not low <= pet.uptake_minutes <= high:
        yield finding("uptake_time", minutes=pet.uptake_minutes, low_minutes=low, high_minutes=high)


def _scatter(pet: SeriesSummary, _: ImagingConstraints) -> Iterator[Finding]:
    if "SCAT" not in pet.corrected_image:
        yield finding("scatter_correction")


def _refused_for(pet: SeriesSummary, about: str) -> bool:
    return any(reason.id == about for reason in pet.suv_refusals)


_CT_RULES: tuple[_SeriesRule, ...] = (
    _thickness,
    _kernel,
    _slice_count,
    _content,
    _remarks,
)
_PET_RULES: tuple[_SeriesRule, ...] = (
    _suv,
    _suv_readings,
    _suv_notes,
    _tracer,
    _half_life,
    _dose,
    _weight,
    _uptake,
    _scatter,
    _slice_count,
    _content,
    _remarks,
)
