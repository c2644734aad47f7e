"""Intake refuses with a sentence what cannot be used, and never breaks."""

import random
from pathlib import Path

import pydicom
import pytest

from studyportal.imaging.models import Finding, PatientBinding, ScanPair
from studyportal.imaging.selectors import (
    bound_participant,
    open_findings,
    pair_of,
)
from studyportal.imaging.states import Grade, PairStatus, SeriesRole, SeriesStatus
from tests.portal.scenes import (
    enrolled,
    taken_in,
)

# Bytes of quarantine are removed once the transaction has been committed.
pytestmark = pytest.mark.django_db(transaction=True)
CT, PET, OUTLINES = SeriesRole.SOURCE, SeriesRole.REFERENCE, SeriesRole.OUTLINES


def edited(source: Path, target: Path, change) -> Path:
    """Copy a series with a change made to the header of every file."""
    target.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        dataset = pydicom.dcmread(path)
        change(dataset)
        dataset.save_as(target / path.name)
    return target


def rules_of(pair: ScanPair) -> set[str]:
    return set(open_findings(pair).values_list("rule", flat=True))


def test_a_pet_in_the_place_of_the_ct_is_refused_by_name(study, phantom):
    participant = enrolled()
    series = taken_in(participant, CT, phantom() / "PET")
    pair = pair_of(participant)

    assert series.status == SeriesStatus.QUARANTINED
    assert pair.status == PairStatus.QUERY_OPEN
    assert "This is a PT series, yet it was sent as the CT" in open_findings(pair)[0].sentence
    assert series.manifest_sha256 == ""


def test_images_of_another_patient_than_before_are_refused(study, phantom):
    participant = enrolled()
    taken_in(participant, CT, phantom() / "CT")
    series = taken_in(participant, PET, phantom(4) / "PET")

    assert series.status == SeriesStatus.QUARANTINED
    sentence = Finding.objects.get(series=series, rule="identity_conflict").sentence
    assert f"another patient than the ones sent before for {participant.code}" in sentence


def test_a_patient_who_is_another_participant_already_is_refused(study, phantom):
    first, second = enrolled(), enrolled()
    taken_in(first, CT, phantom() / "CT")
    series = taken_in(second, CT, phantom() / "CT")

    assert series.status == SeriesStatus.QUARANTINED
    sentence = Finding.objects.get(series=series, rule="identity_conflict").sentence
    assert "another participant already" in sentence
    assert first.code not in sentence
    assert bound_participant("PH000003", "SPH") == first.code


def test_a_refused_series_binds_no_patient(study, phantom):
    taken_in(enrolled(), CT, phantom() / "PET")
    assert not PatientBinding.objects.exists()


def test_a_series_sent_again_after_a_refusal_supersedes_the_findings_and_the_pair_is_ready(
    study, phantom
):
    participant = enrolled()
    taken_in(participant, PET, phantom() / "PET")
    wrong = taken_in(participant, CT, phantom() / "PET")
    pair = pair_of(participant)
    assert pair.status == PairStatus.QUERY_OPEN
    taken_in(participant, CT, phantom() / "CT")
    pair.refresh_from_db()

    assert pair.status == PairStatus.READY
    assert "modality" not in rules_of(pair)
    assert Finding.objects.get(series=wrong, rule="modality").superseded


def test_a_pet_without_dose_is_refused_with_the_entry_that_is_missing(study, phantom, tmp_path):
    def drop(dataset):
        del dataset.RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose

    series = taken_in(enrolled(), PET, edited(phantom() / "PET", tmp_path / "PET", drop))
    assert series.status == SeriesStatus.QUARANTINED
    assert "dose" in Finding.objects.get(series=series, grade=Grade.EXCLUDE).sentence


def test_a_missing_slice_is_refused_by_its_place(study, phantom, tmp_path):
    folder = edited(phantom() / "CT", tmp_path / "CT", lambda dataset: None)
    sorted(folder.iterdir())[10].unlink()
    series = taken_in(enrolled(), CT, folder)
    assert series.status == SeriesStatus.QUARANTINED
    assert "mm" in Finding.objects.get(series=series, rule="missing_slice").sentence


def hostile(kind: str, good: bytes) -> bytes:
    if kind == "truncated":
        return good[: len(good) // 2]
    if kind == "text":
        return b"This is no image.\n" * 50
    if kind == "random":
        return random.Random(7).randbytes(5000)
    if kind == "empty":
        return b""
    return b"\0" * 128 + b"DICM" + random.Random(8).randbytes(5000)


@pytest.mark.parametrize("kind", ["truncated", "text", "random", "empty", "random_after_preamble"])
@pytest.mark.parametrize("share", ["alone", "among_good_slices"])
def test_a_hostile_file_ends_in_quarantine_with_a_sentence(study, phantom, tmp_path, kind, share):
    paths = sorted((phantom() / "CT").iterdir())
    content = hostile(kind, paths[5].read_bytes())
    folder = tmp_path / "CT"
    folder.mkdir()
    if share == "among_good_slices":
        for path in paths[:5] + paths[6:]:
            (folder / path.name).write_bytes(path.read_bytes())
    (folder / "hostile").write_bytes(content)
    participant = enrolled()
    series = taken_in(participant, CT, folder)

    assert series.status == SeriesStatus.QUARANTINED
    assert pair_of(participant).status == PairStatus.QUERY_OPEN
    sentences = Finding.objects.filter(series=series, grade=Grade.EXCLUDE)
    assert [finding.sentence for finding in sentences if len(finding.sentence) > 20]
    assert "intake_broke" not in set(sentences.values_list("rule", flat=True))
