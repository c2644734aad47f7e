"""Each check: an example, its boundary, a property."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.imaging import Reason
from studyportal.imaging.rules import (
    Finding,
    ImagingConstraints,
    SeriesSummary,
    check_pair,
    check_series,
    verdict,
)

LIMITS = ImagingConstraints(
    ct_max_slice_thickness_mm=5.0, uptake_minutes_min=45.0, uptake_minutes_max=90.0,
    dose_mbq_min=100.0, dose_mbq_max=700.0, weight_kg_min=25.0, weight_kg_max=250.0,
    half_life_s=6586.2, half_life_tolerance=0.01, suv_rule_disagreement=0.01,
    ct_pet_z_coverage_warning=0.95, ct_pet_z_overlap_mm_min=60.0, max_days_between=28,
    tracers=("FDG", "fluorodeoxyglucose"),
)  # fmt: skip
CT = SeriesSummary(
    modality="CT", slices=101, stated_slices=None, spacing_mm=(3.0, 0.98, 0.98),
    z_range_mm=(-300.0, 0.0), frame_of_reference_uid="2.25.7", study_uid="2.25.1",
    series_uid="2.25.2", series_date="20240105", acquisition_date="20240105", manufacturer="GE",
    model="Discovery", kernel="STANDARD", slice_thickness_mm=3.0, units="", corrected_image=(),
    tracer="", half_life_s=None, dose_bq=None, weight_kg=None, uptake_minutes=None, suv_rule="",
    suv_factor=None, suv_disagreement=0.0, suv_refusals=(), suv_findings=(), remarks=(),
)  # fmt: skip
PET = dataclasses.replace(
    CT, modality="PT", series_uid="2.25.3", units="BQML", corrected_image=("DECY", "ATTN", "SCAT"),
    tracer="FDG -- fluorodeoxyglucose", half_life_s=6586.2, dose_bq=3.7e8, weight_kg=70.0,
    uptake_minutes=60.0, suv_rule="START", suv_factor=2.4e-4,
)  # fmt: skip


def ids(findings: tuple[Finding, ...]) -> list[str]:
    return [found.id for found in findings]


def of_pet(**changes: object) -> list[str]:
    return ids(check_series(dataclasses.replace(PET, **changes), LIMITS))


def of_ct(**changes: object) -> list[str]:
    return ids(check_series(dataclasses.replace(CT, **changes), LIMITS))


def of_pair(**pet_changes: object) -> list[str]:
    return ids(check_pair(CT, dataclasses.replace(PET, **pet_changes), LIMITS))


def test_a_sound_ct_pet_and_pair_have_no_findings_and_the_pair_is_ready():
    assert (
        check_series(CT, LIMITS) == check_series(PET, LIMITS) == check_pair(CT, PET, LIMITS) == ()
    )
    assert verdict(()) == "ready"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"half_life_s": 4062.6}, ["half_life"]),
        ({"half_life_s": None}, ["half_life_unknown"]),
        ({"half_life_s": 6586.2 * 1.00999}, []),
        ({"half_life_s": 6586.2 * 1.0101}, ["half_life"]),
        ({"half_life_s": 6586.2 * 0.9899}, ["half_life"]),
        ({"dose_bq": 1.0e8}, []),
        ({"dose_bq": 0.999e8}, ["dose"]),
        ({"dose_bq": 7.0e8}, []),
        ({"dose_bq": 7.001e8}, ["dose"]),
        ({"dose_bq": None}, ["dose_unknown"]),
        ({"weight_kg": 25.0}, []),
        ({"weight_kg": 24.9}, ["weight"]),
        ({"weight_kg": 250.0}, []),
        ({"weight_kg": 700.0}, ["weight"]),
        ({"weight_kg": 700.0, "units": "GML"}, ["weight_of_finished_values"]),
        ({"weight_kg": None}, ["weight_unknown"]),
        ({"uptake_minutes": 45.0}, []),
        ({"uptake_minutes": 44.9}, ["uptake_time"]),
        ({"uptake_minutes": 90.0}, []),
        ({"uptake_minutes": 90.1}, ["uptake_time"]),
        ({"uptake_minutes": None}, ["uptake_time_unknown"]),
        ({"suv_disagreement": 0.01}, []),
        ({"suv_disagreement": 0.0101}, ["suv_readings_differ"]),
        ({"tracer": ""}, []),  # a question about the pair, so that the series can be accepted
        ({"tracer": "Fluorothymidine"}, ["tracer_other"]),
        ({"tracer": "18F-fdg"}, []),
        ({"corrected_image": ("DECY", "ATTN")}, ["scatter_correction"]),
        ({"stated_slices": 101}, []),
        ({"stated_slices": 102}, ["slices_missing"]),
        ({"stated_slices": 100}, ["slice_count"]),
        ({"voxels_not_finite": 3}, ["voxels_not_finite"]),
        ({"empty_slices": 0, "saturated_slices": 0}, []),
        ({"empty_slices": 2}, ["empty_slices"]),
        ({"empty_slices": 101}, ["no_content"]),
        ({"saturated_slices": 1}, ["saturated_slices"]),
        ({"suv_findings": (Reason("previous_day", "x"),)}, ["previous_day"]),
        ({"suv_findings": (Reason("suv_rules_disagree", "x"),)}, []),
        ({"suv_findings": (Reason("something_new", "New."),)}, ["suv_note"]),
        ({"remarks": (Reason("unreadable_element", "x"),)}, ["unreadable_element"]),
        ({"remarks": (Reason("something_new", "New."),)}, ["remark"]),
        ({"remarks": (Reason("no_frame_of_reference", "x"),)}, []),
    ],
)
def test_a_pet_series_is_found_to_be(changes, expected):
    assert of_pet(**changes) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"slice_thickness_mm": 5.0}, []),
        ({"slice_thickness_mm": 5.1}, ["slice_thickness"]),
        ({"slice_thickness_mm": 3.0, "spacing_mm": (8.0, 1.0, 1.0)}, ["slice_thickness"]),
        ({"slice_thickness_mm": None}, ["slice_thickness_unknown"]),
        ({"stated_slices": 120}, ["slice_count"]),
        ({"kernel": "B40f"}, []),
        ({"kernel": "B70f"}, ["sharp_kernel"]),
        ({"kernel": "Br64\\3"}, ["sharp_kernel"]),
        ({"kernel": "LUNG"}, ["sharp_kernel"]),
        ({"kernel": "FC13"}, []),
        ({"kernel": "FC52"}, ["sharp_kernel"]),
        ({"kernel": "YA"}, ["sharp_kernel"]),
        ({"kernel": ""}, ["kernel_unknown"]),
    ],
)
def test_a_ct_series_is_found_to_be(changes, expected):
    assert of_ct(**changes) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"frame_of_reference_uid": "2.25.8"}, ["other_position"]),
        ({"frame_of_reference_uid": ""}, ["position_unknown"]),
        ({"tracer": ""}, ["tracer_not_named"]),
        ({"study_uid": "2.25.9"}, ["other_study"]),
        ({"acquisition_date": "20240202"}, []),
        ({"acquisition_date": "20240203"}, ["days_between"]),
        ({"acquisition_date": "20231207"}, ["days_between"]),
        ({"acquisition_date": "", "series_date": ""}, ["days_unknown"]),
        ({"acquisition_date": ""}, []),
        ({"z_range_mm": (-600.0, 0.0)}, ["ct_covers_part"]),
        ({"z_range_mm": (-300.0, 12.0)}, []),  # 303 of 315 mm: 96.2 %
        ({"z_range_mm": (-300.0, 18.0)}, ["ct_covers_part"]),  # 303 of 321 mm: 94.4 %
        ({"z_range_mm": (3.0, 300.0)}, ["no_overlap"]),  # the faces touch, nothing is shared
        ({"z_range_mm": (-57.0, 0.0)}, []),  # 60 mm, all covered
        ({"z_range_mm": (-56.9, 0.0)}, ["overlap_short"]),
        ({"z_range_mm": (500.0, 800.0)}, ["no_overlap"]),
    ],
)
def test_a_pair_is_found_to_be(changes, expected):
    assert of_pair(**changes) == expected


def test_a_pet_without_a_way_to_uptake_values_says_every_reason_with_its_entry():
    refusals = (
        Reason("units", "The units of the PET values are not stated.", "(0054,1001)"),
        Reason("dose", "The injected dose is missing or zero.", "(0018,1074)"),
    )
    pet = dataclasses.replace(
        PET, suv_refusals=refusals, suv_factor=None, dose_bq=None, uptake_minutes=None
    )
    (only,) = check_series(pet, LIMITS)
    assert (only.id, only.grade) == ("suv_not_computable", "exclude")
    assert "The unit of its values is missing or not usable (entry (0054,1001))." in only.sentence
    assert "The injected dose is missing or zero (entry (0018,1074))." in only.sentence
    assert only.values["tags"] == ("(0054,1001)", "(0018,1074)")


def test_a_reason_without_words_here_keeps_its_own_sentence():
    pet = dataclasses.replace(PET, suv_refusals=(Reason("brand_new", "A brand-new fault."),))
    (only,) = check_series(pet, LIMITS)
    assert "A brand-new fault." in only.sentence


def test_partial_cover_names_the_share_and_leaves_the_pair_ready():
    (only,) = check_pair(CT, dataclasses.replace(PET, z_range_mm=(-1300.0, 0.0)), LIMITS)
    assert only.grade == "warning"
    assert "covers 23 % of the length of the PET" in only.sentence
    assert "evaluation is limited to the part that both show" in only.sentence
    assert verdict([only]) == "ready"


def test_the_gravest_finding_comes_first():
    found = check_series(
        dataclasses.replace(PET, weight_kg=None, uptake_minutes=10.0, half_life_s=1.0), LIMITS
    )
    assert [one.grade for one in found] == ["exclude", "warning", "info"]


# ---- properties ------------------------------------------------------------------------------

lengths = st.floats(-2000, 2000, allow_nan=False)


@given(st.tuples(lengths, lengths), st.tuples(lengths, lengths), st.floats(-500, 500))
def test_moving_the_table_changes_no_finding_about_cover(first, second, shift):
    ranges = tuple(tuple(sorted(map(round, pair))) for pair in (first, second))
    moved = tuple((low + round(shift), high + round(shift)) for low, high in ranges)

    def found(pair):
        ct = dataclasses.replace(CT, z_range_mm=pair[0])
        return ids(check_pair(ct, dataclasses.replace(PET, z_range_mm=pair[1]), LIMITS))

    assert found(ranges) == found(moved)


@given(st.tuples(lengths, lengths))
def test_a_ct_that_holds_the_whole_pet_is_never_said_to_cover_a_part(between):
    low, high = sorted(between)
    ct = dataclasses.replace(CT, z_range_mm=(low - 10, high + 10))
    pet = dataclasses.replace(PET, z_range_mm=(low, high))
    assert not {"ct_covers_part", "no_overlap"} & set(ids(check_pair(ct, pet, LIMITS)))


@given(st.floats(0, 2000, allow_nan=False), st.floats(1e6, 5e9), st.floats(1, 400))
def test_a_value_is_found_exactly_when_it_is_outside_its_limits(minutes, dose, weight):
    found = set(of_pet(uptake_minutes=minutes, dose_bq=dose, weight_kg=weight))
    assert ("uptake_time" in found) == (not 45 <= minutes <= 90)
    assert ("dose" in found) == (not 100 <= dose / 1e6 <= 700)
    assert ("weight" in found) == (not 25 <= weight <= 250)


@given(st.floats(1, 1e6), st.floats(0, 0.5))
def test_half_life_is_judged_by_its_relative_distance(half_life, tolerance):
    limits = dataclasses.replace(LIMITS, half_life_tolerance=tolerance)
    found = ids(check_series(dataclasses.replace(PET, half_life_s=half_life), limits))
    assert ("half_life" in found) == (abs(half_life - 6586.2) > tolerance * 6586.2)


@given(st.floats(0.1, 20), st.floats(0.1, 20), st.floats(0.1, 20))
def test_the_thicker_of_thickness_and_spacing_counts(thickness, spacing, limit):
    limits = dataclasses.replace(LIMITS, ct_max_slice_thickness_mm=limit)
    ct = dataclasses.replace(CT, slice_thickness_mm=thickness, spacing_mm=(spacing, 1.0, 1.0))
    assert bool(check_series(ct, limits)) == (max(thickness, spacing) > limit)


@given(st.dates(), st.dates())
def test_days_between_count_alike_in_both_directions(one, other):
    def days(first, second):
        ct = dataclasses.replace(CT, acquisition_date=f"{first.year:04d}{first:%m%d}")
        pet = dataclasses.replace(PET, acquisition_date=f"{second.year:04d}{second:%m%d}")
        return check_pair(ct, pet, LIMITS)

    assert days(one, other) == days(other, one)
    assert bool(days(one, other)) == (abs((one - other).days) > 28)


@given(st.text(max_size=30))
def test_a_tracer_passes_exactly_when_it_names_an_allowed_one(tracer):
    allowed = "fdg" in tracer.casefold() or "fluorodeoxyglucose" in tracer.casefold()
    found = (*of_pet(tracer=tracer), *of_pair(tracer=tracer))
    assert (found == ()) == allowed


@given(st.lists(st.sampled_from(["info", "warning", "exclude"])))
def test_a_pair_is_ready_exactly_when_nothing_excludes_it(grades):
    findings = [Finding("x", grade, "x") for grade in grades]
    assert (verdict(findings) == "ready") == ("exclude" not in grades)
