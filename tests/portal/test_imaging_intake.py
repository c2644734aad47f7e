"""Intake: what comes in is read, judged, de-identified and stored, or refused with a sentence."""

import hashlib
import json
import logging
import random
from pathlib import Path

import numpy as np
import pydicom
import pytest

from evaluation.imaging import Segment, Volume, read_series, write_nifti
from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.models import AuditEvent, StatusChange
from studyportal.core.selectors import acts_on, history_of
from studyportal.core.storage import path_of, read_bytes
from studyportal.imaging.models import Finding, ImagingSeries, PatientBinding, ScanPair
from studyportal.imaging.selectors import (
    accepted_series,
    bound_participant,
    latest_outlines,
    open_findings,
    pair_for,
    pair_of,
    quarantine_of,
    series_for,
    stored_paths,
    unjudged_pairs,
)
from studyportal.imaging.services import (
    accept_finding,
    add_file,
    check_series,
    complete_series,
    exclude_pair,
    judge_artefacts,
    masks_of,
    open_series,
    purge_series,
)
from studyportal.imaging.services.outlines import region_names
from studyportal.imaging.states import Grade, PairStatus, SeriesRole, SeriesStatus
from studyportal.participants.rules import Answer
from studyportal.participants.selectors import latest_assessment
from studyportal.participants.services import screen_participant
from studyportal.sites.rules import PERMISSIONS, Action, Role
from synthesis.data import write_dicom
from tests.portal.scenes import (
    enrolled,
    facts,
    person,
    ready_pair,
    sent,
    site,
    small_phantom,
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


def answer_to(pair: ScanPair, criterion: str) -> str:
    return latest_assessment(pair.participant).answers.get(criterion=criterion).answer


# the good way


def test_ct_and_pet_of_one_phantom_become_a_ready_pair(study, phantom):
    pair = ready_pair(phantom())

    assert answer_to(pair, "EXC-04") == Answer.NOT_MET
    assert [change.target for change in history_of("scan pair", pair.pk)] == [
        "awaiting_images", "checking", "awaiting_images", "checking", "ready",
    ]  # fmt: skip


def test_nothing_of_the_identity_is_left_anywhere(study, phantom, settings, caplog):
    caplog.set_level(logging.DEBUG)
    header = pydicom.dcmread(next((phantom() / "CT").iterdir()))
    planted = {
        str(header[name].value)
        for name in (
            "PatientName", "PatientID", "PatientBirthDate", "AccessionNumber", "StudyInstanceUID",
            "ReferringPhysicianName", "InstitutionName", "SOPInstanceUID", "FrameOfReferenceUID",
            "StationName",
        )
    }  # fmt: skip
    pair = ready_pair(phantom(), outlines=True)

    stored = [path for path in Path(settings.ARCHIVE_DIR).rglob("*") if path.is_file()]
    kept = [path.read_bytes().decode("latin-1") for path in stored]
    facts_kept = ImagingSeries.objects.values_list("summary", "suv", "deidentification")
    kept += [json.dumps(entry) for entry in facts_kept]
    kept += Finding.objects.filter(pair=pair).values_list("sentence", flat=True)
    kept += [json.dumps(values) for values in Finding.objects.values_list("values", flat=True)]
    kept += [f"{act.sentence} {act.reason}" for act in AuditEvent.objects.all()]
    kept += StatusChange.objects.values_list("reason", flat=True)
    kept += PatientBinding.objects.values_list("patient_key", flat=True)
    kept.append(caplog.text)
    assert len(stored) > 52
    assert [word for word in planted for text in kept if word in text] == []


def test_every_stored_file_is_marked_as_de_identified_and_carries_the_code(study, phantom):
    pair = ready_pair(phantom())
    for path in stored_paths(accepted_series(pair, CT).manifest_sha256):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        assert header.PatientIdentityRemoved == "YES"
        assert pair.participant.code in {str(header.PatientID), str(header.PatientName)}


@pytest.mark.parametrize("style", ["bqml_start", "gml", "bqml_per_slice"])
def test_uptake_values_survive_de_identification_to_the_last_digit(study, tmp_path, style):
    write_dicom(small_phantom(3), tmp_path / "p", style=style)
    series = taken_in(enrolled(), PET, tmp_path / "p" / "PET")

    before = read_series(tmp_path / "p" / "PET")
    after = read_series(stored_paths(series.manifest_sha256))
    assert series.status == SeriesStatus.ACCEPTED
    assert series.suv["factor"] == before.suv_conversion().factor
    assert np.array_equal(before.suv_volume().array, after.suv_volume().array)


def test_ct_values_and_positions_survive_de_identification(study, phantom):
    series = taken_in(enrolled(), CT, phantom() / "CT")
    before, after = read_series(phantom() / "CT"), read_series(stored_paths(series.manifest_sha256))

    assert np.array_equal(before.values, after.values)
    assert after.grid.same_as(before.grid)


def test_an_accepted_series_leaves_quarantine_empty(study, phantom):
    series = taken_in(enrolled(), CT, phantom() / "CT")
    assert series.status == SeriesStatus.ACCEPTED
    assert not quarantine_of(series.pk).exists()


def test_the_row_says_what_lies_in_the_archive(study, phantom):
    series = taken_in(enrolled(), CT, phantom() / "CT")
    entries = json.loads(read_bytes(series.manifest_sha256))["files"]

    assert series.received_files == series.stored_files == len(entries) == 26
    assert series.stored_bytes == sum(entry["bytes"] for entry in entries)
    for entry in entries:
        assert hashlib.sha256(path_of(entry["sha256"]).read_bytes()).hexdigest() == entry["sha256"]
    assert read_bytes(series.preview_sha256).startswith(b"\x89PNG")
    assert series.deidentification["actions"]


def test_pet_may_come_before_ct(study, phantom):
    participant = enrolled()
    taken_in(participant, PET, phantom() / "PET")
    assert pair_of(participant).status == PairStatus.AWAITING_IMAGES
    taken_in(participant, CT, phantom() / "CT")
    assert pair_of(participant).status == PairStatus.READY


def test_a_pair_is_being_checked_while_one_of_its_series_waits(study, phantom):
    participant = enrolled()
    waiting = sent(participant, CT, phantom() / "CT")
    taken_in(participant, PET, phantom() / "PET")
    assert pair_of(participant).status == PairStatus.CHECKING
    check_series(series=waiting)
    assert pair_of(participant).status == PairStatus.READY


def test_intake_twice_changes_nothing(study, phantom):
    series = taken_in(enrolled(), CT, phantom() / "CT")
    before = (AuditEvent.objects.count(), StatusChange.objects.count(), Finding.objects.count())
    again = check_series(series=series)

    assert again.manifest_sha256 == series.manifest_sha256
    after = (AuditEvent.objects.count(), StatusChange.objects.count(), Finding.objects.count())
    assert after == before


def test_the_same_series_gives_the_same_files_for_the_same_participant(study, phantom, settings):
    participant = enrolled()
    first = taken_in(participant, CT, phantom() / "CT")
    entries = json.loads(read_bytes(first.manifest_sha256))["files"]
    purge_series(series=first, by=None, reason="sent by mistake")
    second = taken_in(participant, CT, phantom() / "CT")

    assert json.loads(read_bytes(second.manifest_sha256))["files"] == entries


# outlines


def test_outlines_that_come_before_the_pet_wait_for_it(study, phantom):
    participant = enrolled()
    waiting = taken_in(participant, OUTLINES, phantom() / "LESIONS" / "seg.dcm")
    assert waiting.status == SeriesStatus.RECEIVED
    taken_in(participant, PET, phantom() / "PET")
    waiting.refresh_from_db()

    assert waiting.status == SeriesStatus.ACCEPTED
    assert latest_outlines(pair_of(participant)) is not None


def test_masks_have_the_voxels_that_were_drawn(study, phantom):
    pair = ready_pair(phantom(), outlines=True)
    outlines = latest_outlines(pair)
    masks = masks_of(outlines)
    shape = read_series(stored_paths(outlines.reference.manifest_sha256)).grid.shape

    drawn = {region.label: region.mask for region in small_phantom(3).regions if region.mask.any()}
    assert set(masks) == set(drawn)
    for name, mask in masks.items():
        assert mask.shape == shape
        assert np.array_equal(mask, drawn[name])
    listed = {region["region"]: region["voxels"] for region in outlines.regions}
    assert listed == {name: int(mask.sum()) for name, mask in drawn.items()}


def test_outlines_of_other_images_are_refused_and_do_not_block_the_pair(study, phantom):
    participant = enrolled()
    taken_in(participant, CT, phantom() / "CT")
    taken_in(participant, PET, phantom() / "PET")
    refused = taken_in(participant, OUTLINES, phantom(4) / "LESIONS" / "seg.dcm")
    pair = pair_of(participant)

    assert refused.status == SeriesStatus.QUARANTINED
    assert pair.status == PairStatus.READY
    assert "other images" in Finding.objects.get(series=refused).sentence


@pytest.mark.parametrize(
    "content", [b"", b"outlines", bytes(4096), b"\0" * 128 + b"DICM" + b"\xff" * 64]
)
def test_outlines_that_cannot_be_read_end_with_a_sentence(study, phantom, tmp_path, content):
    (tmp_path / "outlines").write_bytes(content)
    participant = enrolled()
    taken_in(participant, PET, phantom() / "PET")
    series = taken_in(participant, OUTLINES, tmp_path / "outlines")

    assert series.status == SeriesStatus.QUARANTINED
    assert len(Finding.objects.get(series=series).sentence) > 20


def test_a_ct_in_the_place_of_outlines_is_told_to_hold_none(study, phantom):
    participant = enrolled()
    taken_in(participant, PET, phantom() / "PET")
    series = taken_in(participant, OUTLINES, min((phantom() / "CT").iterdir()))
    assert Finding.objects.get(series=series).sentence.startswith("The file holds no outlines")


def test_outlines_do_not_keep_a_pair_from_waiting_for_its_pet(study, phantom):
    participant = enrolled()
    taken_in(participant, CT, phantom() / "CT")
    series = taken_in(participant, OUTLINES, phantom() / "LESIONS" / "seg.dcm")
    assert (series.status, pair_of(participant).status) == (
        SeriesStatus.RECEIVED,
        PairStatus.AWAITING_IMAGES,
    )


def test_outlines_as_a_nifti_label_map_are_masks_on_the_pet(study, phantom, tmp_path):
    pair = small_phantom(3)
    first, second = [region.mask for region in pair.regions if region.mask.any()][:2]
    labels = np.where(first, 1, np.where(second, 2, 0))
    write_nifti(Volume(labels.astype(np.int16), pair.pet.grid, "mask"), tmp_path / "labels.nii.gz")
    participant = enrolled()
    taken_in(participant, PET, phantom() / "PET")
    series = taken_in(participant, OUTLINES, tmp_path / "labels.nii.gz")

    assert series.status == SeriesStatus.ACCEPTED
    masks = masks_of(latest_outlines(pair_of(participant)))
    assert np.array_equal(masks["lesion:1"], first)
    assert np.array_equal(masks["lesion:2"], second & ~first)


def segments(*labels: str) -> dict[int, Segment]:
    one = np.ones((1, 1, 1), dtype=np.bool_)
    return {n: Segment(n, label, one, "test") for n, label in enumerate(labels, start=1)}


@pytest.mark.parametrize(
    ("labels", "option", "regions"),
    [
        (("lesion:1", "node:4R", "organ:liver"), "", {"lesion:1", "node:4R", "organ:liver"}),
        (("GTV_Mass", "GTV_Edema"), "", {"lesion:1", "lesion:2"}),
        (("GTV_Mass", "GTV_Edema"), "GTV_Mass", {"lesion:1"}),
        (("GTV", "lesion:1"), "", {"lesion:1", "lesion:2"}),
        (("GTV",), "another", set()),
        (("node:" + "x" * 500,), "", {"lesion:1"}),
        (("lesion:0", "lesion:²"), "", {"lesion:1", "lesion:2"}),
    ],
)
def test_regions_keep_known_names_and_others_become_numbered_lesions(labels, option, regions):
    assert set(region_names(segments(*labels), option=option)) == regions


# refusals


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


# uploads


def test_an_upload_needs_enrolment(study):
    by = person(Role.COORDINATOR)
    eligible = screen_participant(site=site("SPH"), facts=facts(), by=by)
    with pytest.raises(Refused, match="not enrolled"):
        open_series(participant=eligible, role=CT, by=by)


def test_a_role_that_is_taken_takes_no_second_series(study, phantom):
    participant = enrolled()
    taken_in(participant, CT, phantom() / "CT")
    with pytest.raises(Refused, match="has an accepted CT already"):
        open_series(participant=participant, role=CT, by=person(Role.COORDINATOR))


def test_an_empty_upload_and_a_short_one_are_refused_and_stay_open(study, phantom):
    by = person(Role.COORDINATOR)
    series = open_series(participant=enrolled(), role=CT, by=by)
    with pytest.raises(Refused, match="No file was received"):
        complete_series(series=series, by=by)
    with next((phantom() / "CT").iterdir()).open("rb") as stream:
        add_file(series=series, stream=stream, by=by)
    with pytest.raises(Refused, match="2 different files were announced and 1 arrived"):
        complete_series(series=series, by=by, announced=2)
    assert ImagingSeries.objects.get().status == SeriesStatus.RECEIVING


def test_the_same_file_twice_is_one_file_under_its_digest(study, phantom):
    by = person(Role.COORDINATOR)
    series = open_series(participant=enrolled(), role=CT, by=by)
    path = next((phantom() / "CT").iterdir())
    for _ in range(2):
        with path.open("rb") as stream:
            digest = add_file(series=series, stream=stream, by=by)

    assert [kept.name for kept in quarantine_of(series.pk).iterdir()] == [digest]
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_that_is_too_large_is_refused_and_leaves_nothing(study, settings, phantom):
    settings.UPLOAD_MAX_BYTES_PER_FILE = 1000
    by = person(Role.COORDINATOR)
    series = open_series(participant=enrolled(), role=CT, by=by)
    with next((phantom() / "CT").iterdir()).open("rb") as stream, pytest.raises(Refused):
        add_file(series=series, stream=stream, by=by)
    assert list(quarantine_of(series.pk).iterdir()) == []


def test_a_completed_upload_takes_no_more_files(study, phantom):
    series = sent(enrolled(), CT, phantom() / "CT")
    with next((phantom() / "PET").iterdir()).open("rb") as stream, pytest.raises(Refused):
        add_file(series=series, stream=stream, by=person(Role.COORDINATOR))


def test_others_cannot_upload_and_another_site_sees_nothing(study, phantom):
    participant = enrolled()
    for role in Role:
        if Action.UPLOAD_IMAGES not in PERMISSIONS[role]:
            with pytest.raises(NotAllowed):
                open_series(participant=participant, role=CT, by=person(role))
    other = person(Role.COORDINATOR, at="SEH")
    with pytest.raises(NotAllowed):
        open_series(participant=participant, role=CT, by=other)
    series = sent(participant, CT, phantom() / "CT")
    assert series_for(other, series.pk) is None
    assert pair_for(other, series.pair_id) is None
    assert series_for(person(Role.COORDINATOR), series.pk) == series


def test_a_purged_series_leaves_no_original_but_its_row_and_findings(study, phantom):
    series = taken_in(enrolled(), CT, phantom() / "PET")
    assert quarantine_of(series.pk).exists()
    purge_series(series=series, by=None, reason="refused and sent again")

    assert not quarantine_of(series.pk).exists()
    assert Finding.objects.filter(series=series).exists()


# what people decide


@pytest.fixture
def queried(study, phantom, tmp_path):
    """A complete pair whose positions do not fit: CT and PET name different frames of reference."""

    def move(dataset):
        dataset.FrameOfReferenceUID = "2.25.77"

    participant = enrolled()
    taken_in(participant, CT, edited(phantom() / "CT", tmp_path / "CT", move))
    taken_in(participant, PET, phantom() / "PET")
    pair = pair_of(participant)
    assert pair.status == PairStatus.QUERY_OPEN
    return pair


def blocking(pair):
    return open_findings(pair).get(grade=Grade.EXCLUDE)


def test_accepting_the_last_finding_in_the_way_makes_the_pair_ready(queried):
    finding = blocking(queried)
    accept_finding(finding=finding, reason="same table, checked", by=person(Role.DATA_MANAGER))
    queried.refresh_from_db()

    assert queried.status == PairStatus.READY
    assert acts_on("finding", finding.pk).get().reason == "same table, checked"
    assert answer_to(queried, "EXC-04") == Answer.NOT_MET


def test_a_finding_is_accepted_once_and_for_a_reason(queried):
    finding, by = blocking(queried), person(Role.DATA_MANAGER)
    with pytest.raises(Refused, match="Say why"):
        accept_finding(finding=finding, reason="  ", by=by)
    accept_finding(finding=finding, reason="checked", by=by)
    with pytest.raises(Refused, match="settled already"):
        accept_finding(finding=finding, reason="again", by=by)


def test_a_finding_of_a_refused_series_cannot_be_accepted(study, phantom):
    series = taken_in(enrolled(), CT, phantom() / "PET")
    with pytest.raises(Refused, match="must be sent again"):
        accept_finding(
            finding=Finding.objects.filter(series=series, grade=Grade.EXCLUDE).first(),
            reason="looks fine",
            by=person(Role.DATA_MANAGER),
        )


@pytest.mark.parametrize("role", [r for r in Role if Action.ACCEPT_FINDING not in PERMISSIONS[r]])
def test_only_a_data_manager_decides_about_findings_and_pairs(queried, role):
    by = person(role)
    with pytest.raises(NotAllowed):
        accept_finding(finding=blocking(queried), reason="why not", by=by)
    with pytest.raises(NotAllowed):
        exclude_pair(pair=queried, reason="why not", by=by)
    with pytest.raises(NotAllowed):
        judge_artefacts(pair=queried, artefacts=False, reason="fine", by=by)


def test_an_excluded_pair_keeps_its_reason_and_takes_no_images(queried):
    exclude_pair(pair=queried, reason="wrong examination", by=person(Role.DATA_MANAGER))
    queried.refresh_from_db()

    assert (queried.status, queried.exclusion_reason) == (PairStatus.EXCLUDED, "wrong examination")
    assert answer_to(queried, "EXC-04") == Answer.MET
    with pytest.raises(Refused, match="was excluded"):
        open_series(participant=queried.participant, role=CT, by=person(Role.COORDINATOR))


def test_an_exclusion_needs_a_reason_and_happens_once(queried):
    by = person(Role.DATA_MANAGER)
    with pytest.raises(Refused, match="Say why"):
        exclude_pair(pair=queried, reason="", by=by)
    exclude_pair(pair=queried, reason="wrong examination", by=by)
    with pytest.raises(Refused, match="excluded cannot become excluded"):
        exclude_pair(pair=queried, reason="again", by=by)


def test_images_without_artefacts_settle_the_criterion_and_leave_the_pair_ready(study, phantom):
    pair = ready_pair(phantom())
    assert unjudged_pairs() == [pair]
    judge_artefacts(pair=pair, artefacts=False, reason="clean", by=person(Role.DATA_MANAGER))
    pair.refresh_from_db()

    assert (pair.status, answer_to(pair, "EXC-02")) == (PairStatus.READY, Answer.NOT_MET)
    assert unjudged_pairs() == []


def test_images_with_artefacts_exclude_the_pair_with_what_was_seen(study, phantom):
    pair = ready_pair(phantom())
    judge_artefacts(pair=pair, artefacts=True, reason="metal", by=person(Role.DATA_MANAGER))
    pair.refresh_from_db()

    assert (pair.status, answer_to(pair, "EXC-02")) == (PairStatus.EXCLUDED, Answer.MET)
    assert pair.exclusion_reason == "Image artefacts: metal"


def test_nobody_judges_images_that_are_not_all_there(study, phantom):
    participant = enrolled()
    taken_in(participant, CT, phantom() / "CT")
    by = person(Role.DATA_MANAGER)
    with pytest.raises(Refused, match="Both CT and PET"):
        judge_artefacts(pair=pair_of(participant), artefacts=False, reason="clean", by=by)
    with pytest.raises(Refused, match="Say what you saw"):
        judge_artefacts(pair=pair_of(participant), artefacts=False, reason=" ", by=by)
