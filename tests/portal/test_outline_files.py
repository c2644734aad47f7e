"""RTSTRUCT and SEG are de-identified like images: at the site and at the gate, contours and masks untouched."""

import json
from pathlib import Path

import pydicom
import pytest

from evaluation.imaging.outline_file import read_outline_file
from studyportal.cli import site_inputs
from studyportal.core.storage import read_bytes
from studyportal.imaging.models import Finding
from studyportal.imaging.rules import DeidentificationKey, PseudonymContext, deidentify, remap_uid
from studyportal.imaging.rules.outline_texts import cleaned_name, is_neutral
from studyportal.imaging.selectors import latest_outlines, pair_of
from studyportal.imaging.services import masks_of
from studyportal.imaging.states import SeriesRole
from tests.bad_bytes import changed
from tests.portal.outline_files import NAMES, structure_set
from tests.portal.scenes import enrolled, taken_in
from tests.portal.test_commands_deidentify import KEY, everything_in, ran, send

PET, OUTLINES = SeriesRole.REFERENCE, SeriesRole.OUTLINES
SECRET = DeidentificationKey(KEY.encode())


def context(code: str = "SPH-00007") -> PseudonymContext:
    return PseudonymContext.of_participant(participant_code=code, site_code="SPH", key=SECRET)


@pytest.fixture(autouse=True)
def key(monkeypatch, settings):
    monkeypatch.setenv(site_inputs.KEY_VARIABLE, KEY)
    settings.DEIDENTIFICATION_KEY = KEY


@pytest.fixture(scope="module")
def contours(phantom) -> bytes:
    return structure_set(phantom() / "PET", "GTV_Mass", "Meyer tumour", "organ:liver")


@pytest.fixture
def exported(phantom, contours, tmp_path) -> Path:
    """What a hospital exports: an RTSTRUCT and a SEG, no images beside them."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "rs.dcm").write_bytes(contours)
    (folder / "seg.dcm").write_bytes((phantom() / "LESIONS" / "seg.dcm").read_bytes())
    return folder


def only(folder: Path) -> pydicom.Dataset:
    return pydicom.dcmread(next(folder.iterdir()))


# ---- at the site -------------------------------------------------------------------------------


def test_a_site_gets_outlines_with_the_hashed_uids_of_the_images_they_were_drawn_on(
    exported, phantom, tmp_path
):
    code, said = ran(exported, tmp_path / "out", "--participant", "SPH-00007")
    assert code == 0, said
    slice_ = only(phantom() / "PET")
    made = only(tmp_path / "out" / "SPH-00007" / "RTSTRUCT-1")
    frame = made.ReferencedFrameOfReferenceSequence[0]
    series = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    named = {one.ReferencedSOPInstanceUID for one in series.ContourImageSequence}
    assert made.FrameOfReferenceUID == remap_uid(SECRET, slice_.FrameOfReferenceUID)
    assert frame.FrameOfReferenceUID == made.FrameOfReferenceUID
    assert series.SeriesInstanceUID == remap_uid(SECRET, slice_.SeriesInstanceUID)
    assert remap_uid(SECRET, slice_.SOPInstanceUID) in named


def test_contours_and_masks_are_what_was_drawn(exported, tmp_path):
    ran(exported, tmp_path / "out", "--participant", "SPH-00007")
    before = pydicom.dcmread(exported / "rs.dcm")
    after = only(tmp_path / "out" / "SPH-00007" / "RTSTRUCT-1")
    drawn = [c.ContourData for one in before.ROIContourSequence for c in one.ContourSequence]
    assert [c.ContourData for one in after.ROIContourSequence for c in one.ContourSequence] == drawn
    mask, kept = pydicom.dcmread(exported / "seg.dcm"), only(tmp_path / "out/SPH-00007/SEG-1")
    assert kept.PixelData == mask.PixelData
    assert len(kept.SegmentSequence) == len(mask.SegmentSequence)


def test_no_name_typed_into_outlines_leaves_the_site(exported, tmp_path):
    def planted(dataset: pydicom.Dataset) -> None:
        dataset.ContentCreatorName = "Meyer^Hildegard"
        dataset.ContentDescription = "of Hildegard"
        dataset.SegmentSequence[0].SegmentLabel = "Dr. Weiss saw this"
        dataset.SegmentSequence[0].SegmentDescription = "Meyer"
        dataset.SegmentSequence[0].TrackingID = "H-4711"

    path = exported / "seg.dcm"
    path.write_bytes(changed(path.read_bytes(), planted))
    code, said = ran(exported, tmp_path / "out", "--participant", "SPH-00007")
    assert code == 0, said
    content = everything_in(tmp_path / "out").lower() + said.lower().encode()
    assert [name for name in NAMES if name.lower().encode() in content] == []


def test_outlines_that_were_de_identified_come_out_the_same_again(exported, tmp_path):
    ran(exported, tmp_path / "out", "--participant", "SPH-00007")
    code, said = ran(tmp_path / "out/SPH-00007", tmp_path / "two", "--participant", "SPH-00007")
    assert code == 0, said
    assert everything_in(tmp_path / "two/SPH-00007") == everything_in(tmp_path / "out/SPH-00007")


@pytest.mark.parametrize(
    ("name", "stays"),
    [
        ("GTV_Mass", True), ("Lung_L", True), ("node:4R", True), ("lesion:12", True), ("GTV 2", True),
        ("SpinalCord", True), ("Meyer", False), ("GTV Meyer", False), ("GTV_4711", False),
        ("distant:meyer", False), ("肺", False), ("---", False),
    ],
)  # fmt: skip
def test_a_name_of_a_region_stays_only_when_all_its_words_are_neutral(name, stays):
    assert is_neutral(name) == stays
    cleaned = cleaned_name("ROIName", name, context(), coded=False)
    assert (cleaned == name) == stays
    assert cleaned_name("ROIName", cleaned, context(), coded=True) == cleaned


def test_a_distant_site_with_an_unlisted_name_stays_one():
    cleaned = cleaned_name("SegmentLabel", "distant:meyer", context(), coded=False)
    assert cleaned.startswith("distant:TEXT_")


def test_a_label_that_is_the_patients_name_is_coded_though_the_word_is_neutral(contours, tmp_path):
    def named_lung(dataset: pydicom.Dataset) -> None:
        dataset.PatientName, dataset.StructureSetROISequence[0].ROIName = "Heart^Lin", "Heart"

    (tmp_path / "1").write_bytes(changed(contours, named_lung))
    cleaned, _ = deidentify(pydicom.dcmread(tmp_path / "1"), context=context())
    assert cleaned.StructureSetROISequence[0].ROIName.startswith("TEXT-")


def test_outlines_cut_anywhere_before_their_end_are_told(contours, tmp_path):
    end = contours.rindex(b"\x06\x30\x80\x00")  # where the observations begin, which draw nothing
    for at in range(200, end, end // 60):
        (tmp_path / "cut").write_bytes(contours[:at])
        assert read_outline_file(tmp_path / "cut")[1], at


def test_a_segmentation_with_a_part_of_its_pixels_is_told(phantom, tmp_path):
    content = (phantom() / "LESIONS" / "seg.dcm").read_bytes()
    (tmp_path / "cut").write_bytes(content[:-2])
    assert [one.id for one in read_outline_file(tmp_path / "cut")[1]] == ["cut_file"]


# ---- at the gate -------------------------------------------------------------------------------


def with_pet(phantom):
    participant = enrolled()
    taken_in(participant, PET, phantom() / "PET")
    return participant


@pytest.mark.django_db(transaction=True)
def test_the_portal_keeps_a_copy_of_the_contours_without_identity(study, phantom, exported):
    participant = with_pet(phantom)
    series = taken_in(participant, OUTLINES, exported / "rs.dcm")
    assert series.status == "accepted", series.reason
    entry = json.loads(read_bytes(series.manifest_sha256))["files"][1]
    content = read_bytes(entry["sha256"])
    assert [name for name in NAMES if name.lower().encode() in content.lower()] == []
    assert entry["sop_instance_uid"].startswith("2.25.")
    assert series.stored_files == 2
    assert series.deidentification["actions"]["uid-replaced"] > 5
    assert set(masks_of(latest_outlines(pair_of(participant)))) == {"lesion:1", "lesion:2", "organ:liver"}  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_outlines_of_the_site_become_what_the_portal_makes_of_the_originals(
    study, phantom, exported, tmp_path
):
    first = with_pet(phantom)
    by_portal = taken_in(first, OUTLINES, exported / "rs.dcm")
    kept = json.loads(read_bytes(by_portal.manifest_sha256))
    (exported / "seg.dcm").unlink()
    ran(exported, tmp_path / "out", "--participant", first.code)
    from_site = pydicom.dcmread(next((tmp_path / "out" / first.code / "RTSTRUCT-1").iterdir()))
    again, _ = deidentify(from_site, context=context(first.code))
    direct = pydicom.dcmread(_archived(kept["files"][1]["sha256"], tmp_path))
    assert again == direct


def _archived(sha256: str, folder: Path) -> Path:
    path = folder / "archived"
    path.write_bytes(read_bytes(sha256))
    return path


@pytest.mark.django_db(transaction=True)
def test_images_and_outlines_of_a_site_are_sent_together(study, phantom, exported, tmp_path):
    participant = enrolled()
    for path in (phantom() / "PET").iterdir():
        (exported / path.name).write_bytes(path.read_bytes())
    (exported / "seg.dcm").unlink()
    ran(exported, tmp_path / "out", "--participant", participant.code)
    code, said = send(tmp_path / "out" / participant.code)
    assert code == 0, said
    assert "quarantined" not in said
    assert len(masks_of(latest_outlines(pair_of(participant)))) == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("secret", "code", "rule"),
    [("another key, as long as a key has to be", "", "seal_other_key"), (KEY, "SPH-09999", "seal_participant")],
)  # fmt: skip
def test_outlines_sealed_for_somebody_else_or_with_another_key_are_refused(
    study, phantom, exported, tmp_path, monkeypatch, secret, code, rule
):
    participant = with_pet(phantom)
    (exported / "seg.dcm").unlink()
    monkeypatch.setenv(site_inputs.KEY_VARIABLE, secret)
    ran(exported, tmp_path / "out", "--participant", code or participant.code)
    made = next((tmp_path / "out").glob("*/RTSTRUCT-1/*"))
    series = taken_in(participant, OUTLINES, made)
    assert series.status == "quarantined"
    assert Finding.objects.get(series=series).rule == rule


@pytest.mark.django_db(transaction=True)
def test_outlines_of_another_patient_in_the_same_frame_are_refused(study, phantom, exported):
    participant = with_pet(phantom)
    path = exported / "rs.dcm"
    path.write_bytes(changed(path.read_bytes(), lambda d: setattr(d, "PatientID", "other")))
    series = taken_in(participant, OUTLINES, path)
    assert Finding.objects.get(series=series).rule == "identity_conflict"
