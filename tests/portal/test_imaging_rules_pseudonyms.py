"""Pseudonyms: repeatable, irreversible without the key, and fit for an outside validator."""

import copy
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID

from studyportal.imaging.rules import deidentify, merged_reports
from studyportal.imaging.rules.pseudonym import DeidentificationKey, PseudonymContext, remap_uid
from tests.portal.test_imaging_rules_files import (
    CONTEXT,
    DCIODVFY,
    KEY,
    pet_slice,
    planted,
    raw_add,
    read,
    real_file,
    written,
)

# ---- repeatability ---------------------------------------------------------------------------


def test_the_input_is_not_changed():
    dataset = planted()
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


@pytest.mark.parametrize("uid", ["1.2.840.10008.Meyer", "1.2.840.10008.1\0Meyer", "1.2.840.10008."])
def test_what_only_begins_like_a_uid_of_the_standard_is_replaced(uid):
    assert remap_uid(KEY, uid).startswith("2.25.")


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
