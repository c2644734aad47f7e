"""De-identification: the whole table, planted identities, SUV headers, odd and broken values."""

import copy
import csv
import io
import json
import os
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from studyportal.imaging.rules.confidentiality import table_by_tag, table_rows
from studyportal.imaging.rules.deidentification import (
    DEEPEST,
    Rule,
    deidentify,
    merged_reports,
    rule_for,
)
from studyportal.imaging.rules.image_attributes import IMAGE_ATTRIBUTES
from studyportal.imaging.rules.pseudonym import DeidentificationKey, PseudonymContext, remap_uid

DATA = Path(
    os.environ.get("STUDYPORTAL_REAL_DATA")
    or Path(__file__).resolve().parents[2].parent / "shared" / "data"
)
KEY = DeidentificationKey(bytes(range(32)))
CONTEXT = PseudonymContext.of_participant(participant_code="SH01-0007", site_code="SH01", key=KEY)
PET_CLASS = "1.2.840.10008.5.1.4.1.1.128"
CANARY = "Xq7Zkanary"
DCIODVFY = Path("/usr/bin/dciodvfy")


def real_file(*parts: str) -> Path:
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the published data are not here: {'/'.join(parts)}")
    return path


def read(path: Path) -> Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(path)


def written(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def every_element(dataset: Dataset) -> Iterator[DataElement]:
    for element in dataset:
        yield element
        if element.VR == "SQ":
            for part in element.value:
                yield from every_element(part)


def raw_add(dataset: Dataset, tag: int, vr: str, value: object) -> None:
    """Plant an element without pydicom's own checks, as a careless sender would."""
    dataset[tag] = DataElement(Tag(tag), vr, value, already_converted=True)


def pet_slice() -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4.5"
    dataset.SOPClassUID = PET_CLASS
    dataset.SOPInstanceUID = "1.2.3.4.5"
    dataset.Modality = "PT"
    dataset.Manufacturer = "GE MEDICAL SYSTEMS"
    dataset.PatientName = "Meyer^Hildegard"
    dataset.PatientID = "H-4711-88"
    dataset.PatientBirthDate = "19480203"
    dataset.PatientSex = "F"
    dataset.PatientAge = "075Y"
    dataset.PatientWeight = "71.5"
    dataset.SeriesDate = "20240101"
    dataset.SeriesTime = "000512.250000"
    dataset.AcquisitionDate = "20240101"
    dataset.AcquisitionTime = "000512"
    injected = Dataset()
    injected.Radiopharmaceutical = "FDG -- fluorodeoxyglucose"
    injected.RadiopharmaceuticalStartDateTime = "20231231230512.00"
    injected.RadionuclideTotalDose = "370000000"
    dataset.RadiopharmaceuticalInformationSequence = Sequence([injected])
    dataset.Rows = dataset.Columns = 4
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.SamplesPerPixel = 1
    dataset.PixelRepresentation = 0
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelData = np.arange(16, dtype="<u2").tobytes()
    return dataset


PLANTED = {
    "DA": "19480203", "TM": "031415.926535", "DT": "19480203031415", "AS": "093Y", "IS": "4711",
    "DS": "47.11", "UI": "1.2.826.0.1.4711", "OB": CANARY.encode(), "OW": CANARY.encode(),
    "UN": CANARY.encode(), "US": 4711, "AE": CANARY, "CS": CANARY.upper(), "PN": f"{CANARY}^Anna",
    "UR": f"http://{CANARY}/",
}  # fmt: skip


def planted_element(tag: int) -> DataElement:
    """An element of this tag whose value gives itself away."""
    vr = dictionary_VR(tag) if keyword_for_tag(tag) else "LO"
    if vr == "SQ":
        inside = Dataset()
        inside.PatientComments = CANARY
        inside.InstitutionName = CANARY
        return DataElement(Tag(tag), "SQ", Sequence([inside]))
    return DataElement(Tag(tag), vr, PLANTED.get(vr, CANARY), already_converted=True)


# ---- the table -----------------------------------------------------------------------------


@pytest.mark.real_data
def test_the_table_holds_every_row_of_its_source_with_every_column():
    source = real_file("phi_deid", "dicom_part15_table_E1-1.csv")
    with source.open(encoding="utf-8", newline="") as lines:
        theirs = [list(row.values()) for row in csv.DictReader(lines)]
    ours = {(row.tag, row.name): row for row in table_rows()}
    assert len(theirs) == len(table_rows()) == len(ours) == 649
    for name, tag, _retired, _in_standard, basic, *options in theirs:
        row = ours[tag, name]
        assert (row.basic, list(row.options.values())) == (basic, options)


def test_only_the_four_rows_that_name_a_range_of_tags_are_not_looked_up_by_tag():
    ranged = [row.name for row in table_rows() if row not in table_by_tag().values()]
    assert ranged == ["Curve Data", "Overlay Comments", "Overlay Data", "Private Attributes"]


def test_a_table_row_stays_only_by_an_option_that_its_row_grants():
    options = {
        Rule.DATE_SHIFTED: "modified_dates",
        Rule.CLOCK_TIME_KEPT: "modified_dates",
        Rule.CHARACTERISTIC_KEPT: "patient",
        Rule.TEXT_CLEANED: "descriptors",
    }
    acted = {Rule.PROFILE_REMOVED, Rule.PROFILE_EMPTIED, Rule.UID_REPLACED, Rule.PARTICIPANT_CODE}
    for tag, row in table_by_tag().items():
        rule = rule_for(Tag(tag), depth=0)
        if rule is Rule.SEQUENCE_SEARCHED:
            assert row.basic == "X/Z/U*", row
        elif rule in options:
            assert row.allows(options[rule]), row
        else:
            assert rule in acted, (row, rule)


# ---- planted identities --------------------------------------------------------------------


def planted_pet() -> Dataset:
    """Every table attribute at the root and again inside a sequence the table does not name."""
    dataset = pet_slice()
    nested = Dataset()
    for tag in table_by_tag():
        if tag in dataset or Tag(tag).group in {0, 2}:
            continue
        dataset[tag] = planted_element(tag)
        nested[tag] = planted_element(tag)
    for tag in (0x00100010, 0x00100020, 0x00080018):
        nested[tag] = planted_element(tag)
    dataset.EnergyWindowRangeSequence = Sequence([nested])
    return dataset


def test_of_a_pet_full_of_planted_attributes_nothing_is_left_beyond_the_claimed_options():
    dataset = planted_pet()
    assert len(dataset) > 590

    cleaned, report = deidentify(dataset, context=CONTEXT)

    content = written(cleaned)
    for canary in (CANARY, CANARY.upper(), "19480203", "1.2.826.0.1.4711", "4711", "Meyer",
                   "Hildegard", "H-4711-88", "1.2.3.4.5"):  # fmt: skip
        assert canary.encode() not in content, canary
    kept_times = {e.keyword for e in every_element(cleaned) if e.value == PLANTED["TM"]}
    assert kept_times == {
        table_by_tag()[t].keyword
        for t in table_by_tag()
        if t in IMAGE_ATTRIBUTES and dictionary_VR(t) == "TM" and t not in pet_slice()
    }
    assert report.notes == (  # text where the time zone should stand
        "(0008,0201) TimezoneOffsetFromUTC could not be read and was removed.",
    )
    assert sum(report.actions.values()) > 1200


def test_the_sequence_that_holds_planted_attributes_is_searched_and_emptied_of_them():
    cleaned, _ = deidentify(planted_pet(), context=CONTEXT)
    (inner,) = cleaned.EnergyWindowRangeSequence
    for tag, row in table_by_tag().items():
        if tag in inner:
            assert (
                any(row.allows(o) for o in ("modified_dates", "descriptors")) or "U" in row.basic
            ), row
    assert "PatientName" not in inner
    assert "PatientID" not in inner


def test_identities_nested_to_the_depth_an_image_can_have_are_found():
    dataset = pet_slice()
    level = dataset
    for _ in range(DEEPEST):
        below = Dataset()
        below.PatientName = CANARY
        below.OperatorsName = CANARY
        level.EnergyWindowRangeSequence = Sequence([below])
        level = below
    cleaned, report = deidentify(dataset, context=CONTEXT)
    assert CANARY.encode() not in written(cleaned)
    assert report.actions[Rule.SEQUENCE_SEARCHED] == DEEPEST + 1


def test_sequences_deeper_than_any_image_are_removed_with_a_note():
    dataset = level = pet_slice()
    for _ in range(DEEPEST + 1):
        below = Dataset()
        below.EnergyWindowLowerLimit = "1"
        level.EnergyWindowRangeSequence = Sequence([below])
        level = below
    _, report = deidentify(dataset, context=CONTEXT)
    assert report.actions[Rule.BROKEN_REMOVED] == 1
    assert report.notes == (
        "(0054,0013) EnergyWindowRangeSequence could not be read and was removed.",
    )


def answer_key() -> list[tuple[str, list[dict[str, str]]]]:
    path = DATA / "phi_deid" / "answer_key.json"
    return list(json.loads(path.read_text()).items()) if path.exists() else []


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "entries"), answer_key() or [("missing", [])])
def test_every_element_of_the_answer_key_is_acted_on_unless_an_option_keeps_it(name, entries):
    cleaned, _ = deidentify(read(real_file("phi_deid", name)), context=CONTEXT)
    left = {(e.tag, str(e.value)) for e in every_element(cleaned)}
    assert entries
    for entry in entries:
        tag = Tag(entry["tag"][-10:-1].replace(",", ""))  # the innermost of a nested path
        if not entry["value"] or (tag, entry["value"]) not in left:
            continue
        row = table_by_tag()[tag]
        kept_by_option = row.allows("modified_dates") or row.keyword in {
            "PatientSex", "PatientAge", "PatientSize", "PatientWeight"}  # fmt: skip
        assert kept_by_option, entry
        assert dictionary_VR(tag) not in {"DA", "DT", "PN", "UI"}, entry


@pytest.mark.real_data
def test_no_planted_identity_is_in_the_bytes_that_are_written():
    files = [*sorted(real_file("phi_deid", "tcia_pseudo_phi_mr", "original").glob("*.dcm")),
             real_file("phi_deid", "ct_with_phi", "ctbrain1.dcm")]  # fmt: skip
    planted = ("MILLER", "BEVERLY", "9894340694", "Walnut", "SMITH", "WADE", "19310227", "SIMPSON",
               "HOMER", "00007041776", "HIBBARD", "RIVERIA", "SPRINGFIELD", "Evergreen",
               "999887722", "M1212121", "CCHS", "20200704", "RADIOLOGY1", "SGHCT01A",
               "Pseudo-PHI", "87009668", "RENAL CA", "1.3.12.2.1107", "2.25.144114175")  # fmt: skip
    assert len(files) == 7
    for path in files:
        content = written(deidentify(read(path), context=CONTEXT)[0]).upper()
        for word in planted:
            assert word.upper().encode() not in content, (path.name, word)


def test_a_name_that_is_repeated_in_technical_text_is_removed_with_it():
    dataset = pet_slice()
    dataset.Manufacturer = "scanner of Hildegard"
    dataset.ReconstructionMethod = "OSEM"
    cleaned, report = deidentify(dataset, context=CONTEXT)
    assert "Manufacturer" not in cleaned
    assert cleaned.ReconstructionMethod == "OSEM"
    assert report.notes == ("(0008,0070) Manufacturer repeated an identifier.",)


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("GB18030", "王^小东"),
        ("GBK", "王^小东"),
        ("ISO_IR 192", "王^小东"),
        ("ISO_IR 100", "Müller^Jörg"),
    ],
)
def test_names_in_other_character_sets_vanish_too(charset, name):
    dataset = pet_slice()
    dataset.SpecificCharacterSet = charset
    dataset.PatientName = name
    dataset.ProtocolName = f"PET {name.split('^')[1]}"
    dataset.ReconstructionMethod = name.split("^")[1]
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    cleaned, _ = deidentify(pydicom.dcmread(io.BytesIO(buffer.getvalue())), context=CONTEXT)
    content = written(cleaned)
    for encoding in ("gb18030", "utf-8", "latin-1"):
        for word in name.split("^"):
            try:
                assert word.encode(encoding) not in content
            except UnicodeEncodeError:
                continue
    assert cleaned.PatientName == "SH01-0007"


# ---- what stands in their place --------------------------------------------------------------


def test_the_participant_code_and_the_declarations_of_a_deidentified_file_are_written():
    cleaned, report = deidentify(pet_slice(), context=CONTEXT)
    assert (cleaned.PatientName, cleaned.PatientID) == ("SH01-0007", "SH01-0007")
    assert cleaned.PatientBirthDate == ""
    assert cleaned.PatientIdentityRemoved == "YES"
    assert cleaned.LongitudinalTemporalInformationModified == "MODIFIED"
    codes = [code.CodeValue for code in cleaned.DeidentificationMethodCodeSequence]
    assert tuple(codes) == report.options == ("113100", "113105", "113107", "113108", "113111")


def test_dates_move_by_the_offset_and_clock_times_do_not_so_midnight_stays_in_order():
    cleaned, _ = deidentify(pet_slice(), context=CONTEXT)
    moved = np.datetime64("2024-01-01") + CONTEXT.date_offset_days
    (injected,) = cleaned.RadiopharmaceuticalInformationSequence
    assert cleaned.SeriesDate == str(moved).replace("-", "")
    assert cleaned.SeriesTime == "000512.250000"
    before = str(moved - 1).replace("-", "")
    assert injected.RadiopharmaceuticalStartDateTime == f"{before}230512.00"


@pytest.mark.parametrize(
    ("age", "told"),
    [("075Y", "075Y"), ("089Y", "089Y"), ("090Y", "090Y"), ("101Y", "090Y"), ("75Y", "075Y"),
     ("008M", "008M"), ("999M", "999M")],
)  # fmt: skip
def test_ages_above_89_are_told_as_090y(age, told):
    dataset = pet_slice()
    raw_add(dataset, 0x00101010, "AS", age)
    assert deidentify(dataset, context=CONTEXT)[0].PatientAge == told


def test_sex_weight_and_size_stay_and_other_characteristics_go():
    dataset = pet_slice()
    dataset.PatientSize = "1.63"
    dataset.EthnicGroup = "Han"
    dataset.SmokingStatus = "YES"
    dataset.PregnancyStatus = 4
    cleaned, _ = deidentify(dataset, context=CONTEXT)
    assert (cleaned.PatientSex, cleaned.PatientWeight, cleaned.PatientSize) == ("F", 71.5, 1.63)
    assert not {"EthnicGroup", "SmokingStatus", "PregnancyStatus"} & set(cleaned.dir())


def test_descriptions_are_coded_unless_the_site_approved_them_word_for_word():
    dataset = pet_slice()
    dataset.SeriesDescription = "PET AC"
    dataset.StudyDescription = "Thorax, called her daughter"
    dataset.ImageComments = "seen by Dr X"
    cleaned, _ = deidentify(dataset, context=CONTEXT, approved_texts=frozenset({"PET AC"}))
    again, _ = deidentify(dataset, context=CONTEXT)
    assert cleaned.SeriesDescription == "PET AC"
    assert cleaned.StudyDescription.startswith("TEXT-")
    assert len(cleaned.StudyDescription) == 13
    assert again.StudyDescription == cleaned.StudyDescription
    assert again.SeriesDescription.startswith("TEXT-")
    assert "ImageComments" not in cleaned


def test_an_approved_description_that_names_the_participant_is_not_kept():
    dataset = pet_slice()
    dataset.SeriesDescription = "Meyer"
    cleaned, _ = deidentify(dataset, context=CONTEXT, approved_texts=frozenset({"Meyer"}))
    assert cleaned.SeriesDescription.startswith("TEXT-")


def test_the_synthetic_marks_survive():
    dataset = pet_slice()
    dataset.SyntheticData = "YES"
    dataset.SeriesDescription = "SYNTHETIC PET of Meyer"
    dataset.ImageComments = "synthetic, not for clinical use"
    cleaned, _ = deidentify(dataset, context=CONTEXT)
    assert cleaned.SyntheticData == "YES"
    assert cleaned.SeriesDescription == cleaned.ImageComments == "SYNTHETIC"


def test_file_meta_and_preamble_are_written_anew():
    dataset = pet_slice()
    dataset.file_meta.SourceApplicationEntityTitle = "HOSPITAL_PACS"
    dataset.preamble = b"MZ" + b"\x01" * 126
    cleaned, _ = deidentify(dataset, context=CONTEXT)
    content = written(cleaned)
    assert content[:132] == b"\0" * 128 + b"DICM"
    assert b"HOSPITAL_PACS" not in content
    assert cleaned.file_meta.MediaStorageSOPInstanceUID == cleaned.SOPInstanceUID
    assert cleaned.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


def test_icons_overlays_curves_private_and_unknown_attributes_are_removed():
    dataset = pet_slice()
    dataset.IconImageSequence = Sequence([pet_slice()])
    raw_add(dataset, 0x60003000, "OW", CANARY.encode())
    raw_add(dataset, 0x60020022, "LO", CANARY)
    raw_add(dataset, 0x50000022, "LO", CANARY)
    raw_add(dataset, 0x00110010, "LO", "HOSPITAL PRIVATE")
    raw_add(dataset, 0x00111001, "LO", CANARY)
    raw_add(dataset, 0x00110001, "LO", CANARY)
    raw_add(dataset, 0x00186060, "DS", "12")
    cleaned, report = deidentify(dataset, context=CONTEXT)
    assert CANARY.encode() not in written(cleaned)
    assert not [e for e in cleaned if e.tag.is_private]
    assert report.actions[Rule.OVERLAY_REMOVED] == 3
    assert report.actions[Rule.PRIVATE_REMOVED] == 3
    assert report.actions[Rule.OUTSIDE_IMAGE_REMOVED] == 1
    assert "IconImageSequence" not in cleaned


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_the_private_elements_that_suv_needs_stay_with_their_creator_and_no_others(syntax):
    dataset = pet_slice()
    dataset.file_meta.TransferSyntaxUID = syntax
    philips = dataset.private_block(0x7053, "Philips PET Private Group", create=True)
    philips.add_new(0x00, "DS", "0.000728")
    philips.add_new(0x09, "DS", "4.709921")
    philips.add_new(0x03, "ST", CANARY)
    general = dataset.private_block(0x0009, "GEMS_PETD_01", create=True)
    general.add_new(0x0D, "DT", "20240101000512.00")
    general.add_new(0x02, "LO", CANARY)
    raw = pydicom.dcmread(io.BytesIO(written(dataset)))
    cleaned, report = deidentify(raw, context=CONTEXT)
    content = written(cleaned)
    again = pydicom.dcmread(io.BytesIO(content))
    assert CANARY.encode() not in content
    block = again.private_block(0x7053, "Philips PET Private Group")
    assert (float(block[0x00].value), float(block[0x09].value)) == (0.000728, 4.709921)
    moved = again.private_block(0x0009, "GEMS_PETD_01")[0x0D].value
    assert moved == f"{again.SeriesDate}000512.00"
    assert report.actions[Rule.PRIVATE_KEPT] == 3
    assert len([e for e in again if e.tag.is_private]) == 5


@pytest.mark.parametrize("value", ["Meyer", "nan", "1e999", "0.1\\0.2", ""])
def test_a_safe_private_element_that_holds_no_number_is_removed(value):
    dataset = pet_slice()
    block = dataset.private_block(0x7053, "Philips PET Private Group", create=True)
    raw_add(dataset, block.get_tag(0x00), "UN", value.encode())
    cleaned, report = deidentify(dataset, context=CONTEXT)
    assert not [e for e in cleaned if e.tag.is_private]
    assert report.notes == ("(7053,1000) could not be read and was removed.",)


def test_a_safe_element_number_under_a_strange_creator_is_removed():
    dataset = pet_slice()
    dataset.private_block(0x7053, "OTHER MAKER", create=True).add_new(0x00, "DS", "1.5")
    cleaned, _ = deidentify(dataset, context=CONTEXT)
    assert not [e for e in cleaned if e.tag.is_private]


# ---- broken values ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "vr", "value"),
    [
        (0x00080021, "DA", "born in May"), (0x00080021, "DA", "20241399"), (0x00080031, "TM", CANARY),
        (0x00080031, "DS", "1.5"), (0x00101010, "AS", CANARY), (0x00101030, "LO", "seventy"),
        (0x0008002A, "DT", "2024"), (0x00080021, "DA", "00010101"), (0x00540013, "LO", CANARY),
    ],
)  # fmt: skip
def test_a_value_that_is_not_of_its_kind_is_removed_with_a_note_that_does_not_repeat_it(
    tag, vr, value
):
    dataset = pet_slice()
    raw_add(dataset, tag, vr, value)
    cleaned, report = deidentify(dataset, context=CONTEXT)
    assert tag not in cleaned
    assert report.actions[Rule.BROKEN_REMOVED] == 1
    assert len(report.notes) == 1
    assert value not in report.notes[0]


@pytest.mark.parametrize("vr", ["DS", "IS", "US", "FL", "AT", "SQ", "UN", "PN"])
def test_bytes_that_do_not_fit_their_kind_do_not_stop_the_work(vr):
    dataset = pet_slice()
    content = written(dataset)
    marker = b"\x10\x00\x30\x10DS"  # PatientWeight
    short = len(vr) and vr not in {"SQ", "UN"}
    assert content.count(marker) == 1
    broken = content.replace(
        marker + b"\x04\x0071.5",
        b"\x10\x00\x30\x10"
        + vr.encode()
        + (b"\x04\x00ab\xff\xfe" if short else b"\0\0\x04\0\0\0ab\xff\xfe"),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cleaned, report = deidentify(pydicom.dcmread(io.BytesIO(broken)), context=CONTEXT)
    assert "PatientWeight" not in cleaned
    assert any("PatientWeight" in note for note in report.notes)
    assert written(cleaned)


@pytest.mark.real_data
def test_the_file_with_odd_private_values_and_nested_private_sequences_comes_through():
    dataset = read(real_file("phi_deid", "ct_with_phi", "ctbrain1.dcm"))
    cleaned, report = deidentify(dataset, context=CONTEXT)
    assert not [e for e in every_element(cleaned) if e.tag.is_private]
    assert report.actions[Rule.PRIVATE_REMOVED] >= 20
    assert cleaned.file_meta.TransferSyntaxUID == dataset.file_meta.TransferSyntaxUID
    assert cleaned.PixelData == dataset.PixelData


# ---- repeatability ---------------------------------------------------------------------------


def test_the_input_is_not_changed():
    dataset = planted_pet()
    before = copy.deepcopy(dataset)
    deidentify(dataset, context=CONTEXT)
    assert dataset == before
    assert dataset.file_meta == before.file_meta


def test_another_upload_gives_the_same_bytes_and_another_key_other_uids():
    other = PseudonymContext.of_participant(
        participant_code="SH01-0007", site_code="SH01", key=DeidentificationKey(b"k" * 32)
    )
    first = deidentify(pet_slice(), context=CONTEXT)[0]
    assert written(first) == written(deidentify(pet_slice(), context=CONTEXT)[0])
    assert first.SOPInstanceUID != deidentify(pet_slice(), context=other)[0].SOPInstanceUID


def test_a_series_report_adds_counts_and_tells_each_note_once():
    dataset = pet_slice()
    raw_add(dataset, 0x00080031, "TM", "noon")
    report = deidentify(dataset, context=CONTEXT)[1]
    both = merged_reports([report, report])
    assert both.notes == report.notes
    assert both.actions == {rule: 2 * count for rule, count in report.actions.items()}


@given(st.from_regex(r"[12](\.(0|[1-9][0-9]{0,8})){1,6}", fullmatch=True))
def test_a_uid_is_replaced_by_a_legal_one_always_the_same(uid):
    new = remap_uid(KEY, uid)
    assert new == remap_uid(KEY, uid)
    if uid.startswith("1.2.840.10008."):
        assert new == uid
    else:
        assert new != uid
        assert UID(new).is_valid
        assert len(new) <= 44


@given(st.text(min_size=1, max_size=20).filter(str.strip))
def test_the_offset_is_whole_days_one_to_ten_years_back(code):
    context = PseudonymContext.of_participant(participant_code=code, site_code="S", key=KEY)
    assert -3652 <= context.date_offset_days <= -365


@pytest.mark.parametrize("days", [0, -364, -3653, 365])
def test_an_offset_outside_one_to_ten_years_back_is_refused(days):
    with pytest.raises(ValueError, match="days back"):
        PseudonymContext("P", "S", KEY, days)


def test_a_short_key_and_an_empty_participant_code_are_refused_and_no_repr_shows_the_key():
    with pytest.raises(ValueError, match="31 bytes"):
        DeidentificationKey(b"x" * 31)
    with pytest.raises(ValueError, match="participant code"):
        PseudonymContext(" ", "S", KEY, -400)
    assert "secret" not in repr(CONTEXT)


# ---- an outside opinion ----------------------------------------------------------------------


def complaints(path: Path) -> set[str]:
    done = subprocess.run([DCIODVFY, "-new", path], capture_output=True, text=True, check=False)
    return {line for line in done.stderr.splitlines() if line.startswith("Error")}


@pytest.mark.real_data
@pytest.mark.referee
@pytest.mark.skipif(not DCIODVFY.exists(), reason="dciodvfy (dicom3tools) is not installed")
@pytest.mark.parametrize(
    "folder",
    ["pet_ct_ge_sts001_raw/PT_raw_bqml", "pet_ct_ge_sts001_raw/CT_crop", "pet_siemens_flt_single",
     "ct_chest_siemens_lungdx_a0002/CT_B40f_soft"],
)  # fmt: skip
def test_dciodvfy_finds_no_new_kind_of_error_in_a_deidentified_real_file(folder, tmp_path):
    original = min(real_file(*folder.split("/")).glob("*.dcm"))
    cleaned, _ = deidentify(read(original), context=CONTEXT)
    clean_path = tmp_path / "cleaned.dcm"
    clean_path.write_bytes(written(cleaned))
    assert complaints(clean_path) <= complaints(original)
