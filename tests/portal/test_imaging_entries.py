"""What a person enters about an injection: SUV follows, the file stays, nothing is guessed."""

import dataclasses

import numpy as np
import pydicom
import pytest

from evaluation.imaging import HeaderEntries, read_series, suv_factor, with_entries
from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.models import AuditEvent
from studyportal.imaging.models import Finding, InjectionEntry
from studyportal.imaging.selectors import entries_in_force, stored_paths, uptake_origin
from studyportal.imaging.services import accept_finding, check_series, enter_injection
from studyportal.imaging.services.uptake import read_reference, read_reference_as_frozen
from studyportal.imaging.states import EntryField, PairStatus, SeriesRole, SeriesStatus
from studyportal.sites.rules import Role
from tests import factories as make
from tests.portal.scenes import enrolled, person, ready_pair, taken_in

pytestmark = pytest.mark.django_db
SHEET = "The injection sheet says so."


@pytest.fixture
def pet(study, phantom):
    """An accepted PET whose CT has not come yet."""
    return taken_in(enrolled(), SeriesRole.REFERENCE, phantom() / "PET")


def enter(series, field, value, *, reason=SHEET, by=Role.COORDINATOR):
    row = enter_injection(series=series, field=field, value=value, reason=reason, by=person(by))
    series.refresh_from_db()
    return row


def rewritten(folder, target, change):
    """The PET of a folder with a change in every header."""
    target.mkdir()
    for number, path in enumerate(sorted(folder.iterdir())):
        header = pydicom.dcmread(path)
        change(header)
        header.save_as(target / f"{number}.dcm")
    return target


def without_weight(header):
    del header.PatientWeight


def without_tracer(header):
    given = header.RadiopharmaceuticalInformationSequence[0]
    del given.Radiopharmaceutical
    if "RadiopharmaceuticalCodeSequence" in given:
        del given.RadiopharmaceuticalCodeSequence


def test_an_entered_weight_scales_every_uptake_value_and_leaves_the_files_alone(pet):
    before, digests = pet.suv["factor"], list(stored_paths(pet.manifest_sha256))
    weight, preview, origin = pet.suv["weight_kg"], pet.preview_sha256, uptake_origin(pet)
    row = enter(pet, EntryField.WEIGHT_KG, f"{weight * 1.1:.3f}")
    assert pet.suv["factor"] == pytest.approx(before * 1.1, rel=1e-4)
    assert float(row.stated) == pytest.approx(weight, rel=1e-4)
    assert pet.suv["entries"][0]["stated"] == row.stated
    assert list(stored_paths(pet.manifest_sha256)) == digests
    assert read_series(digests).header.PatientWeight == pytest.approx(weight)
    assert pet.preview_sha256 != preview
    assert uptake_origin(pet) != origin  # the viewer makes its volumes anew


def test_a_dose_in_mbq_divides_the_uptake_and_the_measurement_reads_it_as_it_was_frozen(pet):
    frozen = dict(pet.suv)
    enter(pet, EntryField.DOSE_MBQ, str(pet.suv["dose_bq"] / 1e6 * 2))
    now, then = read_reference(pet).suv_volume(), read_reference_as_frozen(pet, frozen).suv_volume()
    np.testing.assert_allclose(now.array * 2, then.array, rtol=1e-5)
    again = read_reference_as_frozen(pet, pet.suv).suv_volume()
    np.testing.assert_array_equal(again.array, now.array)


def test_a_withdrawn_entry_gives_the_file_its_word_back_and_the_history_stays(pet):
    before = pet.suv["factor"]
    enter(pet, EntryField.WEIGHT_KG, "90")
    enter(pet, EntryField.WEIGHT_KG, "", reason="It was another participant's sheet.")
    assert pet.suv["factor"] == before
    assert pet.suv["entries"] == []
    assert entries_in_force(pet) == {}
    assert InjectionEntry.objects.filter(series=pet).count() == 2
    assert AuditEvent.objects.filter(verb="enter_injection").count() == 2


@pytest.mark.parametrize(
    ("field", "value", "reason", "said"),
    [
        (EntryField.WEIGHT_KG, "seventy", SHEET, "must be a number from 2 to 400 kg"),
        (EntryField.WEIGHT_KG, "71500", SHEET, "must be a number from 2 to 400 kg"),
        (EntryField.WEIGHT_KG, "nan", SHEET, "must be a number"),
        (EntryField.DOSE_MBQ, "0", SHEET, "must be a number from 10 to 3000 MBq"),
        (EntryField.WEIGHT_KG, "70", "  ", "Say why"),
        (EntryField.GLUCOSE_MMOL_PER_L, "", SHEET, "No blood glucose was entered"),
    ],
)
def test_what_is_no_entry_is_refused_with_a_sentence(field, value, reason, said):
    pet = make.ImagingSeriesFactory(role=SeriesRole.REFERENCE, accepted=True)
    with pytest.raises(Refused, match=said):
        enter(pet, field, value, reason=reason, by=Role.DATA_MANAGER)
    assert not InjectionEntry.objects.exists()


def test_who_may_not_enter_is_refused():
    with pytest.raises(NotAllowed):
        enter(
            make.ImagingSeriesFactory(role=SeriesRole.REFERENCE, accepted=True),
            EntryField.WEIGHT_KG,
            "70",
            by=Role.MONITOR,
        )


def test_an_entry_that_no_uptake_value_rests_on_is_refused(study, phantom, tmp_path):
    def finished(header):
        header.Units, header.SUVType, header.DecayCorrection = "GML", "BW", "ADMIN"

    participant = enrolled()
    folder = rewritten(phantom() / "PET", tmp_path / "PET", finished)
    series = taken_in(participant, SeriesRole.REFERENCE, folder)
    with pytest.raises(Refused, match="were computed by the scanner"):
        enter(series, EntryField.WEIGHT_KG, "70")


def test_a_pet_refused_for_its_weight_is_taken_in_with_the_one_that_was_entered(
    study, phantom, tmp_path
):
    folder = rewritten(phantom() / "PET", tmp_path / "PET", without_weight)
    series = taken_in(enrolled(), SeriesRole.REFERENCE, folder)
    assert series.status == SeriesStatus.QUARANTINED
    enter(series, EntryField.WEIGHT_KG, "70")
    assert series.status == SeriesStatus.RECEIVED
    series = check_series(series=series)
    assert series.status == SeriesStatus.ACCEPTED
    assert series.suv["weight_kg"] == 70
    assert "PatientWeight" not in read_series(stored_paths(series.manifest_sha256)).header
    with pytest.raises(Refused, match="no uptake values can be computed"):
        enter(series, EntryField.WEIGHT_KG, "")


def test_a_tracer_that_is_not_named_is_a_question_the_pair_waits_for(study, phantom, tmp_path):
    participant = enrolled()
    taken_in(participant, SeriesRole.SOURCE, phantom() / "CT")
    folder = rewritten(phantom() / "PET", tmp_path / "PET", without_tracer)
    series = taken_in(participant, SeriesRole.REFERENCE, folder)
    assert series.status == SeriesStatus.ACCEPTED
    assert series.pair.status == PairStatus.QUERY_OPEN
    enter(series, EntryField.TRACER, "FDG")
    series.pair.refresh_from_db()
    assert series.pair.status == PairStatus.READY


def test_an_entered_tracer_that_the_protocol_does_not_allow_stands_in_the_way(pet):
    enter(pet, EntryField.TRACER, "fluorothymidine")
    found = Finding.objects.get(rule="tracer_other", superseded=False)
    assert (found.series, found.grade) == (pet, "exclude")


def test_an_accepted_finding_stays_accepted_when_the_pair_is_judged_again(study, phantom):
    pet = ready_pair(phantom()).series.get(role=SeriesRole.REFERENCE)
    enter(pet, EntryField.GLUCOSE_MMOL_PER_L, "12,5")
    finding = Finding.objects.get(rule="glucose", superseded=False)
    accept_finding(finding=finding, reason="Known diabetes.", by=person(Role.DATA_MANAGER))
    enter(pet, EntryField.WEIGHT_KG, "64")
    finding.refresh_from_db()
    assert not finding.superseded
    assert finding.accepted_reason == "Known diabetes."


def test_entries_change_the_reading_and_no_header_of_the_series(phantom):
    series = read_series(phantom() / "PET")
    own = suv_factor(series)
    changed = with_entries(series, HeaderEntries(weight_kg=50.0, dose_bq=2e8, tracer="FDG"))
    assert own.weight_kg is not None
    assert own.dose_bq is not None
    expected = own.slice_factors[0] * 50.0 / own.weight_kg * own.dose_bq / 2e8
    assert suv_factor(changed).slice_factors[0] == pytest.approx(expected, rel=1e-12)
    assert suv_factor(series) == own
    assert series.header.RadiopharmaceuticalInformationSequence[0].Radiopharmaceutical != "FDG"
    assert with_entries(series, HeaderEntries()) is series
    assert dataclasses.replace(changed.facts, weight_kg=None, dose_bq=None) != series.facts


def test_a_pet_that_is_being_checked_takes_no_entry():
    series = make.ImagingSeriesFactory(role=SeriesRole.REFERENCE, received=True)
    with pytest.raises(Refused, match="not checked yet"):
        enter(series, EntryField.WEIGHT_KG, "70", by=Role.DATA_MANAGER)
