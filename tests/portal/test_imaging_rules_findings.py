"""Words of the findings, what is kept of a series, and how the real series end."""

import dataclasses
import json
import re
import string

import pytest

from evaluation.imaging import Reason, read_series
from studyportal.imaging.rules import (
    FINDING_TEXTS,
    ImagingConstraints,
    SeriesSummary,
    check_pair,
    check_series,
    finding,
    summarise,
    summary_from_json,
    summary_to_json,
    verdict,
)
from tests.portal.test_imaging_rules_checks import CT, LIMITS, PET, ids
from tests.portal.test_imaging_rules_files import real_file

# ---- the words -------------------------------------------------------------------------------

JARGON = re.compile(
    r"\b(UIDs?|DICOM|header|frame of reference|voxels?|affine|metadata|null|None|NaN|exception|"
    r"traceback|modality|tag|SOP|rescale|orientation|JSON|SUV\w*)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("finding_id", FINDING_TEXTS)
def test_each_finding_has_a_sentence_without_jargon_and_a_place_in_the_documentation(finding_id):
    text = FINDING_TEXTS[finding_id]
    names = {field for _, field, _, _ in string.Formatter().parse(text.sentence) if field}
    shown = finding(finding_id, **{n: _sample(n) for n in names})
    assert shown.grade == text.grade
    assert not JARGON.search(shown.sentence), shown.sentence
    assert "{" not in shown.sentence
    assert re.match(r"[A-Z0-9]", shown.sentence)
    assert shown.sentence.endswith((".", "?"))
    assert text.anchor(finding_id) == "finding-" + finding_id.replace("_", "-")


def _sample(name: str) -> str | float | int | tuple[str, ...]:
    samples = {"which": "CT", "rule": "the first", "reasons": "It is empty.", "note": "Odd.",
               "tracers": ("FDG",), "slices": 3, "stated": 4, "count": 3, "name": "B40f", "why": "thin", "kernel": "B70f", "days": 30, "limit_days": 28}  # fmt: skip
    return samples.get(name, 12.5)


def test_a_finding_tells_a_coordinator_what_to_do_unless_nothing_needs_doing():
    verbs = r"\b(send|ask|confirm|check|compare|enter|export|have the|exists)\b"
    for finding_id, text in FINDING_TEXTS.items():
        if text.grade != "info":
            assert re.search(verbs, text.sentence, re.IGNORECASE), finding_id


def test_findings_can_be_kept_as_json():
    found = check_series(dataclasses.replace(PET, tracer="", dose_bq=1e9), LIMITS)
    assert [json.loads(json.dumps(dict(one.values))) for one in found]


# ---- summary and limits ----------------------------------------------------------------------


def test_a_summary_comes_back_from_json_as_it_was():
    pet = dataclasses.replace(PET, suv_refusals=(Reason("units", "No units.", "(0054,1001)"),))
    assert summary_from_json(json.loads(json.dumps(summary_to_json(pet)))) == pet


@pytest.mark.parametrize("change", [{"modality": None}, {"colour": "red"}])
def test_a_summary_with_other_entries_is_refused(change):
    kept = summary_to_json(PET)
    name, value = next(iter(change.items()))
    kept = {**kept, name: value} if value else {k: v for k, v in kept.items() if k != name}
    with pytest.raises(ValueError, match=name):
        summary_from_json(kept)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"dose_mbq_min": 800.0}, "dose_mbq"), ({"weight_kg_min": -1.0}, "weight_kg"),
     ({"uptake_minutes_max": 10.0}, "uptake_minutes"), ({"tracers": ()}, "tracers")],
)  # fmt: skip
def test_limits_that_contradict_each_other_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(LIMITS, **change)


def test_every_limit_must_be_given():
    assert not [
        field.name
        for field in dataclasses.fields(ImagingConstraints)
        if (
            field.default is not dataclasses.MISSING
            or field.default_factory is not dataclasses.MISSING
        )
        and field.name != "screening"  # a protocol of before the screening has none
    ]


# ---- real series -----------------------------------------------------------------------------


def real_pair(*parts: str) -> tuple[SeriesSummary, SeriesSummary]:
    names = ("CT_crop", "PT_raw_bqml") if len(parts) == 1 else ("CT/image", "PET/image")
    ct, pet = (summarise(read_series(real_file(*parts) / name)) for name in names)
    return ct, pet


@pytest.mark.real_data
def test_the_real_ct_that_covers_22_percent_of_a_whole_body_pet_still_ends_ready():
    ct, pet = real_pair("pet_ct_ge_sts001_raw")
    found = (*check_series(ct, LIMITS), *check_series(pet, LIMITS), *check_pair(ct, pet, LIMITS))
    assert ids(found) == ["ct_covers_part"]
    assert "covers 22 %" in found[0].sentence
    assert verdict(found) == "ready"
    assert pet.suv_factor == pytest.approx(0.0002429029766, rel=1e-9)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("case", "expected"),
    [("002", []), ("003", []), ("008", []), ("024", ["uptake_time"]), ("025", ["uptake_time"]),
     ("035", ["uptake_time"])],
)  # fmt: skip
def test_the_six_cropped_real_pairs_end_ready(case, expected):
    ct, pet = real_pair("pet_ct_ge_sts_pairs", f"STS_{case}")
    found = (*check_series(ct, LIMITS), *check_series(pet, LIMITS), *check_pair(ct, pet, LIMITS))
    assert ids(found) == expected
    assert verdict(found) == "ready"
    assert (pet.suv_factor, pet.units) == (1.0, "GML")


@pytest.mark.real_data
def test_the_phantom_without_units_and_dose_is_excluded_with_these_reasons():
    pet = summarise(read_series(real_file("pet_phantom_nema_iq", "recon_1")))
    found = check_series(pet, LIMITS)
    assert verdict(found) == "query_open"
    assert {"units", "dose"} <= set(found[0].values["ids"])
    assert ids(found) == ["suv_not_computable", "slices_missing"]


@pytest.mark.real_data
def test_the_slice_that_does_not_name_its_tracer_is_a_question_for_a_person():
    pet = summarise(read_series(real_file("pet_siemens_flt_single")))
    found = check_pair(CT, pet, LIMITS)
    assert "tracer_not_named" in ids(found)
    assert verdict(found) == "query_open"
