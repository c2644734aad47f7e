"""The reference standard and the baseline of a cases file become forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studyportal.clinical.models import Form, Lesion, ReferenceStandard
from studyportal.clinical.rules import (
    STATIONS,
    UNITS,
    ReferenceStatus,
    TargetCondition,
    Unit,
    baseline_faults,
    read_reference,
    unit_fault,
)
from studyportal.clinical.selectors import baseline_of, lesions_of, reference_for
from studyportal.clinical.services import enter_baseline, enter_reference
from studyportal.core.errors import NotAllowed, Refused
from studyportal.participants.rules import Answer
from studyportal.participants.selectors import latest_assessment
from studyportal.sites.rules import PERMISSIONS, Action, Role
from tests.portal.scenes import enrolled, person

WHOLE = (
    "malignancy/lesion/1=positive; malignancy/lesion/2=negative;"
    "nodal_metastasis/station/4R=negative;nodal_metastasis/participant/=positive;"
    "distant_metastasis/participant/=indeterminate;"
)


def fault_ids(text: str) -> list[str]:
    return [fault.id for fault in read_reference(text)[1]]


def entries(text: str):
    found, faults = read_reference(text)
    assert faults == []
    return found


def test_a_reference_standard_is_read_entry_by_entry():
    found = entries(WHOLE)
    assert [(e.condition, e.unit, e.unit_id, e.status) for e in found] == [
        ("malignancy", "lesion", "1", "positive"),
        ("malignancy", "lesion", "2", "negative"),
        ("nodal_metastasis", "station", "4R", "negative"),
        ("nodal_metastasis", "participant", "", "positive"),
        ("distant_metastasis", "participant", "", "indeterminate"),
    ]


def test_an_empty_cell_is_no_entry_and_no_fault():
    assert read_reference("  ; ;") == ([], [])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("malignancy", "reference_form"),
        ("malignancy/lesion=positive", "reference_form"),
        ("malignancy/lesion/1=positive=negative", "reference_form"),
        ("cancer/lesion/1=positive", "reference_word"),
        ("malignancy/organ/1=positive", "reference_word"),
        ("malignancy/lesion/1=maybe", "reference_word"),
        ("malignancy/lesion/one=positive", "reference_unit"),
        ("malignancy/participant/=positive", "reference_unit"),
        ("nodal_metastasis/station/15R=positive", "reference_unit"),
        ("nodal_metastasis/station/=positive", "reference_unit"),
        ("nodal_metastasis/lesion/1=positive", "reference_unit"),
        ("distant_metastasis/participant/1=positive", "reference_unit"),
        ("malignancy/lesion/0=positive", "reference_unit"),
        ("malignancy/lesion/²=positive", "reference_unit"),
        ("malignancy/lesion/99999=positive", "reference_unit"),
        ("malignancy/lesion/1=positive;malignancy/lesion/1=positive", "reference_twice"),
        ("malignancy/lesion/1=positive;malignancy/lesion/01=negative", "reference_unit"),
    ],
)
def test_an_entry_that_cannot_be_is_named(text, fault):
    assert fault_ids(text) == [fault]


def test_every_faulty_entry_is_told_and_quoted():
    _, faults = read_reference("cancer/lesion/1=positive;malignancy/lesion/2=maybe")
    assert ["cancer" in str(faults[0]), "maybe" in str(faults[1])] == [True, True]
    assert {fault.where for fault in faults} == {"reference_standard"}


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_and_what_is_read_can_be_kept(text):
    found, _ = read_reference(text)
    for entry in found:
        assert unit_fault(entry.condition, entry.unit, entry.unit_id) == ""
        assert len(entry.unit_id) <= 12


@given(
    st.sampled_from(list(TargetCondition)),
    st.sampled_from(list(Unit)),
    st.sampled_from(list(ReferenceStatus)),
    st.integers(1, 200),
    st.sampled_from(sorted(STATIONS)),
)
def test_what_is_written_is_read_back_where_the_unit_fits(condition, unit, status, number, station):
    unit_id = {Unit.LESION: str(number), Unit.STATION: station, Unit.PARTICIPANT: ""}[unit]
    found, faults = read_reference(f"{condition}/{unit}/{unit_id}={status}")
    assert (len(found) == 1) == (unit in UNITS[condition]) == (not faults)


@pytest.mark.parametrize(
    ("height", "weight", "faults"),
    [
        (50, 10, []),
        (250, 400, []),
        (None, None, []),
        (49.9, 60, ["height_range"]),
        (250.1, 60, ["height_range"]),
        (170, 9.9, ["weight_range"]),
        (170, 400.1, ["weight_range"]),
        (1.7, 700, ["height_range", "weight_range"]),
        (float("nan"), float("nan"), ["height_range", "weight_range"]),
    ],
)
def test_body_measurements_that_cannot_be_are_named(height, weight, faults):
    assert [fault.id for fault in baseline_faults(height, weight)] == faults


# services


@pytest.mark.django_db
def test_a_reference_standard_is_kept_with_its_lesions_and_settles_pathology(study):
    participant, by = enrolled(), person(Role.COORDINATOR)
    enter_reference(participant=participant, entries=entries(WHOLE), source="resection", by=by)

    assert reference_for(person(Role.COORDINATOR), participant).count() == 5
    assert list(lesions_of(participant).values_list("number", flat=True)) == [1, 2]
    assert latest_assessment(participant).answers.get(criterion="EXC-03").answer == Answer.NOT_MET


@pytest.mark.django_db
def test_no_entry_leaves_pathology_open(study):
    participant = enrolled()
    enter_reference(
        participant=participant, entries=[], source="resection", by=person(Role.COORDINATOR)
    )
    assert latest_assessment(participant).answers.get(criterion="EXC-03").answer == Answer.UNKNOWN


@pytest.mark.django_db
def test_the_same_reference_standard_again_adds_nothing(study):
    participant, by = enrolled(), person(Role.COORDINATOR)
    for _ in range(2):
        enter_reference(participant=participant, entries=entries(WHOLE), source="x", by=by)
    assert (ReferenceStandard.objects.count(), Lesion.objects.count()) == (5, 2)


@pytest.mark.django_db
def test_a_changed_reference_standard_is_refused_and_the_first_one_stands(study):
    participant, by = enrolled(), person(Role.COORDINATOR)
    first, second = (entries(f"malignancy/lesion/1={s}") for s in ("positive", "negative"))
    enter_reference(participant=participant, entries=first, source="x", by=by)
    with pytest.raises(Refused, match="a correction needs a reason"):
        enter_reference(participant=participant, entries=second, source="x", by=by)
    assert ReferenceStandard.objects.get().status == ReferenceStatus.POSITIVE


@pytest.mark.django_db
@pytest.mark.parametrize("role", [r for r in Role if Action.ENTER_CLINICAL not in PERMISSIONS[r]])
def test_others_enter_neither_reference_standard_nor_baseline(study, role):
    participant, by = enrolled(), person(role)
    with pytest.raises(NotAllowed):
        enter_reference(participant=participant, entries=entries(WHOLE), source="x", by=by)
    with pytest.raises(NotAllowed):
        enter_baseline(participant=participant, height_cm=170, weight_kg=70, by=by)


@pytest.mark.django_db
def test_the_coordinator_of_another_site_enters_nothing(study):
    participant = enrolled(at="SEH")
    with pytest.raises(NotAllowed, match="at SEH"):
        enter_baseline(
            participant=participant, height_cm=170, weight_kg=70, by=person(Role.COORDINATOR)
        )


@pytest.mark.django_db
def test_a_baseline_is_kept_once(study):
    participant, by = enrolled(), person(Role.COORDINATOR)
    enter_baseline(participant=participant, height_cm=170, weight_kg=70, by=by)
    with pytest.raises(Refused, match="kept already"):
        enter_baseline(participant=participant, height_cm=171, weight_kg=70, by=by)
    assert baseline_of(participant).height_cm == 170
    assert Form.objects.get().status == "draft"


@pytest.mark.django_db
def test_a_baseline_that_cannot_be_is_refused_in_words(study):
    with pytest.raises(Refused, match=r"1\.7 cm cannot be"):
        enter_baseline(
            participant=enrolled(), height_cm=1.7, weight_kg=70, by=person(Role.COORDINATOR)
        )
