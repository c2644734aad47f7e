"""Checks of a CT and a PET together: one visit, one position, one region, one side; what a person must answer."""

from collections.abc import Iterator

from studyportal.imaging.rules.findings import Finding, finding
from studyportal.imaging.rules.screening import Screened, check_screened, residual_mm
from studyportal.imaging.rules.summary import SeriesSummary
from studyportal.protocol.rules import ImagingConstraints


def pair_findings(
    ct: SeriesSummary,
    pet: SeriesSummary,
    limits: ImagingConstraints,
    *,
    screened: Screened | None,
    glucose_mmol_per_l: float | None,
) -> Iterator[Finding]:
    """Everything found about a CT and a PET together."""
    yield from _position(ct, pet, limits, residual_mm(screened))
    yield from _visit(ct, pet, limits)
    yield from _coverage(ct, pet, limits)
    yield from _tracer(pet, limits)
    yield from _glucose(glucose_mmol_per_l, limits)
    if screened is not None and limits.screening is not None:
        yield from check_screened(screened, limits.screening)


def _position(
    ct: SeriesSummary, pet: SeriesSummary, limits: ImagingConstraints, residual: float | None
) -> Iterator[Finding]:
    """One frame of reference; else what a registration measured may stand in for it."""
    silent = [n for n, s in (("CT", ct), ("PET", pet)) if not s.frame_of_reference_uid]
    same = not silent and ct.frame_of_reference_uid == pet.frame_of_reference_uid
    limit = None if limits.screening is None else limits.screening.registration_residual_mm_max
    measured = residual is not None and limit is not None
    near = measured and residual <= limit  # type: ignore[operator]  # neither is None when measured
    if same:
        if measured and not near:
            yield finding("moved", residual_mm=residual, limit_mm=limit)
    elif near:
        yield finding("position_measured", residual_mm=residual, limit_mm=limit)
    elif silent:
        yield finding("position_unknown", which=" and the ".join(silent), residual_mm=residual)
    else:
        yield finding("other_position", residual_mm=residual)


def _tracer(pet: SeriesSummary, limits: ImagingConstraints) -> Iterator[Finding]:
    if not pet.tracer:
        yield finding("tracer_not_named", tracers=tuple(limits.tracers))


def _glucose(glucose: float | None, limits: ImagingConstraints) -> Iterator[Finding]:
    if limits.screening is None:
        return
    limit = limits.screening.glucose_mmol_per_l_max
    if glucose is None:
        yield finding("glucose_unknown")
    elif glucose > limit:
        yield finding("glucose", glucose=glucose, limit=limit)


def _visit(ct: SeriesSummary, pet: SeriesSummary, limits: ImagingConstraints) -> Iterator[Finding]:
    if ct.study_uid != pet.study_uid:
        yield finding("other_study")
    if ct.examined_on is None or pet.examined_on is None:
        yield finding("days_unknown")
        return
    days = abs((ct.examined_on - pet.examined_on).days)
    if days > limits.max_days_between:
        yield finding("days_between", days=days, limit_days=limits.max_days_between)


def _coverage(
    ct: SeriesSummary, pet: SeriesSummary, limits: ImagingConstraints
) -> Iterator[Finding]:
    (ct_low, ct_high), (pet_low, pet_high) = ct.z_extent_mm, pet.z_extent_mm
    overlap = min(ct_high, pet_high) - max(ct_low, pet_low)
    if overlap <= 0:
        yield finding("no_overlap")
        return
    if overlap < limits.ct_pet_z_overlap_mm_min:
        needed = limits.ct_pet_z_overlap_mm_min
        yield finding("overlap_short", overlap_mm=overlap, limit_mm=needed)
    share = overlap / (pet_high - pet_low)
    if share < limits.ct_pet_z_coverage_warning:
        yield finding("ct_covers_part", covered_percent=share * 100, overlap_mm=overlap)
