"""De-identification: the whole table, planted identities, SUV headers, odd and broken values."""

import csv
import io
import json

import pydicom
import pytest
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from studyportal.imaging.rules import Rule, deidentify
from studyportal.imaging.rules.confidentiality import table_by_tag, table_rows
from studyportal.imaging.rules.deidentification import DEEPEST
from studyportal.imaging.rules.element_rules import rule_for
from studyportal.imaging.rules.image_attributes import IMAGE_ATTRIBUTES
from tests.portal.test_imaging_rules_files import (
    CANARY,
    CONTEXT,
    DATA,
    PET_CLASS,
    PLANTED,
    every_element,
    pet_slice,
    planted,
    read,
    real_file,
    written,
)

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


def test_no_name_of_a_person_may_stay_without_a_row_of_the_table():
    unnamed = IMAGE_ATTRIBUTES - set(table_by_tag())
    assert not [tag for tag in unnamed if dictionary_VR(tag) == "PN"]


# ---- planted identities --------------------------------------------------------------------


@pytest.mark.parametrize("sop_class", [PET_CLASS, "1.2.840.10008.5.1.4.1.1.2"])
def test_of_an_image_full_of_planted_attributes_nothing_is_left_beyond_the_options(sop_class):
    dataset = planted(sop_class)
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
    cleaned, _ = deidentify(planted(), context=CONTEXT)
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


def test_an_ordinary_word_in_a_name_field_strikes_out_no_scanner_setting():
    dataset = pet_slice()
    dataset.ReferringPhysicianName = "CHEST^CLINIC"
    dataset.BodyPartExamined = "CHEST"
    cleaned, report = deidentify(dataset, context=CONTEXT)
    assert cleaned.BodyPartExamined == "CHEST"
    assert report.notes == ()


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


@pytest.mark.parametrize(
    ("group", "creator"),
    [
        (0x0029, "SIEMENS CSA HEADER"), (0x0019, "SIEMENS CT VA0  COAD"), (0x0051, "SIEMENS MR HEADER"),
        (0x0071, "SIEMENS MED PT"), (0x0009, "GEMS_IDEN_01"), (0x0009, "GEMS_PETD_01"), (0x0025, "GEMS_SERS_01"),
        (0x7053, "Philips PET Private Group"), (0x2001, "Philips Imaging DD 001"),
    ],
)  # fmt: skip
def test_no_identity_in_a_makers_private_group_survives_at_any_depth(group, creator):
    dataset = level = pet_slice()
    for _depth in range(6):
        block = level.private_block(group, creator, create=True)
        for element, kind in ((0x01, "LO"), (0x10, "PN"), (0x11, "UT"), (0x0D, "OB")):
            block.add_new(element, kind, b"Meyer^Hildegard " if kind == "OB" else "Meyer^Hildegard")
        nested = Dataset()
        level.SourceImageSequence = Sequence([nested])
        level = nested
    cleaned, _ = deidentify(dataset, context=CONTEXT)
    assert b"Meyer" in written(dataset)
    assert b"Meyer" not in written(cleaned)
    assert b"Hildegard" not in written(cleaned)
