"""Refusals of the reader in a coordinator's words, told by position and never by file name."""

import re
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from evaluation.imaging import Reason, SeriesRefused, read_series
from studyportal.imaging.rules import (
    REFUSAL_TEXTS,
    reason,
    refusal_findings,
    refusal_sentences,
)
from tests.portal.test_imaging_rules_files import DATA

SOURCE = Path(__file__).resolve().parents[2] / "evaluation" / "imaging"


def refused(paths: list[Path]) -> list[Reason]:
    with pytest.raises(SeriesRefused) as caught:
        read_series(paths)
    return list(caught.value.reasons)


def ct_file(path: Path, **changes: object) -> Path:
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    header.SOPInstanceUID = "1.2.3.4"
    header.SeriesInstanceUID = header.StudyInstanceUID = header.FrameOfReferenceUID = "1.2.3"
    header.Modality, header.PatientID = "CT", "P1"
    header.ImagePositionPatient, header.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    header.PixelSpacing, header.SliceThickness = [1, 1], 3
    header.Rows = header.Columns = 2
    header.BitsAllocated = header.BitsStored = 16
    header.HighBit, header.SamplesPerPixel, header.PixelRepresentation = 15, 1, 0
    header.PhotometricInterpretation = "MONOCHROME2"
    header.RescaleSlope, header.RescaleIntercept = 1, -1000
    header.PixelData = bytes(8)
    for keyword, value in changes.items():
        setattr(header, keyword, value)
    header.save_as(path, enforce_file_format=True)
    return path


def test_a_file_is_told_by_its_position_and_not_by_its_name(tmp_path):
    good = ct_file(tmp_path / "Meyer_Hildegard_1.dcm")
    bad = tmp_path / "Meyer_Hildegard_2.dcm"
    bad.write_text("a letter")
    (sentence,) = refusal_sentences(refused([good, bad]), files=[good.name, bad.name])
    assert sentence.startswith("File 2 of 2 is not an image from a scanner, or damaged on the way.")
    assert "Meyer" not in sentence


def test_without_the_list_of_files_they_are_counted(tmp_path):
    paths = []
    for k in range(7):
        paths.append(tmp_path / f"Meyer_{k}.dcm")
        paths[-1].write_text("a letter")
    (sentence,) = refusal_sentences(refused(paths))
    assert sentence.startswith("7 files are not an image from a scanner")
    assert "Meyer" not in sentence


def test_many_files_of_one_fault_are_told_by_the_first_positions_and_the_rest_counted(tmp_path):
    paths = []
    for k in range(9):
        paths.append(tmp_path / f"slice{k}.dcm")
        paths[-1].write_text("a letter")
    (found,) = refusal_findings(refused(paths), files=[path.name for path in paths])
    assert found.sentence.startswith("Files 1, 2, 3 of 9 and 6 more are not")
    assert found.values["count"] == 9


def test_a_short_name_inside_a_longer_one_is_not_mistaken_for_it():
    names = ["1.dcm", "11.dcm", "111.dcm"]
    (sentence,) = refusal_sentences([Reason("not_dicom", "11.dcm cannot be read.")], files=names)
    assert sentence.startswith("File 2 of 3 is")


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"Modality": "MR"}, "modality", "neither CT nor PET"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "secondary_capture", "screen capture"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, "sop_class", "screenshot"),
        ({"SyntheticData": "YES"}, "synthetic", "marked as synthetic"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer", "overview picture"),
        ({"LossyImageCompression": "01"}, "lossy", "without lossy compression"),
        ({"NumberOfFrames": 2}, "multiframe", "one file per slice"),
        ({"PixelData": bytes(4)}, "cut_file", "the end is missing"),
        ({"ImagePositionPatient": None}, "no_geometry", "where in the body"),
    ],
)
def test_a_refusal_by_the_real_reader_says_what_is_wrong_and_what_to_send(
    tmp_path, changes, kind, words
):
    path = ct_file(tmp_path / "a.dcm", **changes)
    found = refusal_findings(refused([path]), files=[path.name])
    assert kind in [one.id for one in found]
    sentence = next(one.sentence for one in found if one.id == kind)
    assert words in sentence
    assert re.search(r"\b([Ss]end|[Aa]sk|[Ee]xport)\b", sentence)
    assert all(one.grade == "exclude" for one in found)


def test_images_of_two_people_are_refused_as_such(tmp_path):
    one = ct_file(tmp_path / "a.dcm")
    two = ct_file(tmp_path / "b.dcm", PatientID="P2", ImagePositionPatient=[0, 0, 3])
    (sentence,) = refusal_sentences(refused([one, two]), files=["a.dcm", "b.dcm"])
    assert sentence.startswith("The folder holds images of more than one person.")
    assert "send the images of this participant only" in sentence


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("folder", "words"),
    [("gantrytilting_001", "14.0 degrees"), ("sliceincrement_001", "missing at z = 33.1")],
)
def test_real_bad_geometry_is_told_with_its_place(folder, words):
    real = DATA / "ct_bad_geometry" / folder
    if not real.is_dir():
        pytest.skip("the published data are not here: ct_bad_geometry")
    (sentence,) = refusal_sentences(refused(sorted(p for p in real.rglob("*") if p.is_file())))
    assert words in sentence
    assert "end " in sentence


@pytest.mark.real_data
def test_no_file_of_the_malformed_corpus_is_refused_by_name_or_without_a_sentence():
    files = sorted((DATA / "malformed_dicom").rglob("*.dcm"))
    if not files:
        pytest.skip("the published data are not here: malformed_dicom")
    told = 0
    for path in files:
        try:
            read_series([path])
        except SeriesRefused as refusal:
            sentences = refusal_sentences(refusal.reasons, files=[path.name])
            assert sentences
            assert not any(path.stem in sentence for sentence in sentences)
            told += 1
    assert told > 20


def test_a_refusal_that_is_not_known_keeps_its_own_sentence_without_the_file_name():
    given_reason = reason("brand_new", "Meyer.dcm has a brand-new fault.", "(0008,0060)")
    (found,) = refusal_findings([given_reason], files=["a.dcm", "Meyer.dcm"])
    assert found.sentence == "File 2 has a brand-new fault."
    assert found.values["tags"] == ("(0008,0060)",)


def test_an_unknown_refusal_that_names_no_sent_file_keeps_its_own_sentence():
    assert refusal_sentences([reason("brand_new", "A brand-new fault.")], files=["a.dcm"]) == (
        "A brand-new fault.",
    )


def test_every_refusal_the_reader_can_give_has_words_here():
    """The ids are read from the reader's source, so that a new one is not forgotten."""
    source = "\n".join(
        (SOURCE / name).read_text()
        for name in ("series.py", "instance.py", "stack.py", "scan.py", "facts.py")
    )
    raised = set(re.findall(r'Reason\(\s*"([a-z_]+)"', source))
    raised |= set(re.findall(r'", "(mixed_[a-z_]+)", "', source))
    notes_or_suv = {
        "no_frame_of_reference",
        "slice_count",
        "unreadable_element",
    }  # remarks, told by the checks
    assert len(raised) > 15
    assert raised - notes_or_suv <= set(REFUSAL_TEXTS), raised - set(REFUSAL_TEXTS)


@given(
    st.lists(
        st.tuples(st.sampled_from([*sorted(REFUSAL_TEXTS), "unheard_of"]), st.integers(0, 9)),
        min_size=1,
        max_size=12,
    )
)
def test_each_kind_of_refusal_gives_one_sentence_in_the_order_it_came(raised):
    names = [f"Meyer{k}.dcm" for k in range(10)]
    reasons = [Reason(kind, "The slices are odd." if REFUSAL_TEXTS.get(kind, None) and REFUSAL_TEXTS[kind].detail else f"{names[k]} is odd.") for kind, k in raised]  # fmt: skip
    found = refusal_findings(reasons, files=names)
    assert [one.id for one in found] == list(dict.fromkeys(kind for kind, _ in raised))
    for one in found:
        assert one.sentence.endswith(".")
        assert "Meyer" not in one.sentence
        assert one.values["count"] == sum(kind == one.id for kind, _ in raised)


def test_pydicom_is_new_enough_to_know_the_synthetic_mark():
    assert pydicom.datadict.tag_for_keyword("SyntheticData") == 0x0008001C
