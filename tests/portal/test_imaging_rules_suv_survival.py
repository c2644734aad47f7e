"""SUV factors before and after de-identification are the same to twelve digits."""

import io
import json
import warnings
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian

from evaluation.imaging import suv_factor
from studyportal.imaging.rules import DeidentificationKey, PseudonymContext, deidentify
from tests.portal.test_imaging_rules_files import DATA

KEY = DeidentificationKey(b"\x17" * 40)
CONTEXT = PseudonymContext.of_participant(participant_code="BJ-0042", site_code="BJ", key=KEY)
PHILIPS = {"SUVScaleFactor": 0x00, "ActivityConcentrationScaleFactor": 0x09}
INJECTION = {
    "RadionuclideTotalDose", "RadionuclideHalfLife", "RadiopharmaceuticalStartTime",
    "RadiopharmaceuticalStartDateTime", "Radiopharmaceutical",
}  # fmt: skip


def cleaned(header: Dataset) -> Dataset:
    """De-identified, written and read again, as the archive would hold it."""
    buffer = io.BytesIO()
    deidentify(header, context=CONTEXT)[0].save_as(buffer, enforce_file_format=True)
    return pydicom.dcmread(io.BytesIO(buffer.getvalue()))


def assert_same_suv(headers: list[Dataset]) -> None:
    before, after = suv_factor(headers), suv_factor([cleaned(header) for header in headers])
    assert before.refusals == after.refusals == ()
    assert after.slice_factors == pytest.approx(before.slice_factors, rel=1e-12)
    assert dict(after.alternatives) == pytest.approx(dict(before.alternatives), rel=1e-12)
    assert (after.rule, after.decay_seconds) == (before.rule, before.decay_seconds)
    assert [note.id for note in after.findings] == [note.id for note in before.findings]


def files_below(*parts: str) -> list[Path]:
    folder = DATA.joinpath(*parts)
    if not folder.is_dir():
        pytest.skip(f"the published data are not here: {'/'.join(parts)}")
    return sorted(path for path in folder.rglob("*") if path.is_file())


def read(path: Path) -> Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(path, stop_before_pixels=True)


@pytest.mark.real_data
def test_the_whole_raw_series_of_the_ge_scanner_keeps_its_known_factor():
    headers = [read(path) for path in files_below("pet_ct_ge_sts001_raw", "PT_raw_bqml")]
    assert len(headers) == 267
    assert_same_suv(headers)
    known = json.loads((DATA / "expected.json").read_text())["pet_ct_ge_sts001_raw"]["suvbw_factor"]
    assert suv_factor([cleaned(headers[0])]).factor == pytest.approx(known, rel=1e-9)


@pytest.mark.real_data
@pytest.mark.parametrize("parts", [("pet_siemens_flt_single",), ("pet_ct_ge_sts_pairs", "STS_024", "PET", "image")])  # fmt: skip
def test_other_real_pet_series_keep_their_factor(parts):
    assert_same_suv([read(path) for path in files_below(*parts)])


def header_of(entry: dict[str, object]) -> Dataset:
    """A PET header from one entry of the vendors' header vectors."""
    header, injected = Dataset(), Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.SOPClassUID = "1.2.840.10008.5.1.4.1.1.128"
    header.SOPInstanceUID = "1.2.3"
    for keyword, value in entry.items():
        if keyword == "PhilipsPETPrivateGroup":
            block = header.private_block(0x7053, "Philips PET Private Group", create=True)
            for name, factor in value.items():
                block.add_new(PHILIPS[name], "DS", str(factor).strip())
        elif keyword == "GEPrivatePostInjectionDateTime":
            block = header.private_block(0x0009, "GEMS_PETD_01", create=True)
            block.add_new(0x0D, "DT", str(value))
        else:
            shown = value if isinstance(value, list) else str(value)
            setattr(injected if keyword in INJECTION else header, keyword, shown)
    header.RadiopharmaceuticalInformationSequence = Sequence([injected])
    return header


def vectors() -> list[Path]:
    return sorted((DATA / "suv_header_vectors").glob("*.json"))


@pytest.mark.real_data
@pytest.mark.parametrize("path", vectors() or [DATA / "missing"], ids=lambda path: path.name[:12])
def test_the_vendors_header_vectors_keep_their_factor(path):
    if not path.exists():
        pytest.skip("the published data are not here: suv_header_vectors")
    assert_same_suv([header_of(entry) for entry in json.loads(path.read_text())])


def start_header(series: str, injected: str, *, dated: bool = True) -> Dataset:
    entry = {
        "Units": "BQML", "DecayCorrection": "START", "CorrectedImage": ["ATTN", "DECY"],
        "PatientWeight": "71.5", "SeriesDate": series[:8], "SeriesTime": series[8:],
        "AcquisitionDate": series[:8], "AcquisitionTime": series[8:], "RadionuclideTotalDose": "3.7e8",
        "RadionuclideHalfLife": "6586.2",
        "RadiopharmaceuticalStartTime": injected[8:],
    }  # fmt: skip
    if dated:
        entry["RadiopharmaceuticalStartDateTime"] = injected
    return header_of(entry)


@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize(
    ("series", "injected"),
    [("20240101000512.25", "20231231230512"), ("20240301001000", "20240229233000"),
     ("20231015093000", "20231015082500")],
)  # fmt: skip
def test_scans_over_midnight_new_year_and_leap_day_keep_their_factor(series, injected, dated):
    assert_same_suv([start_header(series, injected, dated=dated)])


@given(
    day=st.dates(min_value=__import__("datetime").date(1990, 1, 1)),
    seconds=st.integers(0, 86399),
    weight=st.decimals("30", "200", places=3),
)
def test_no_date_clock_time_or_weight_changes_the_factor(day, seconds, weight):
    clock = f"{seconds // 3600:02d}{seconds % 3600 // 60:02d}{seconds % 60:02d}"
    header = start_header(f"{day:%Y%m%d}{clock}", f"{day:%Y%m%d}{clock}")
    header.PatientWeight = str(weight)
    assert_same_suv([header])


@pytest.mark.parametrize("creator", ["GEMS_PETD_01", None])
def test_the_ge_scan_time_counts_after_as_before_even_where_its_creator_was_lost(creator):
    header = start_header("20240101101000", "20240101090000")
    moment = DataElement(Tag(0x0009, 0x100D), "DT", "20240101100000.00")
    if creator:
        header.private_block(0x0009, creator, create=True)
    header[moment.tag] = moment
    assert "ge_scan" in suv_factor([header]).rule
    assert_same_suv([header])


@pytest.mark.parametrize("creator", ["Philips PET Private Group", None])
def test_philips_counts_keep_their_factor_even_where_the_creator_was_lost(creator):
    header = start_header("20240101101000", "20240101090000")
    header.Units = "CNTS"
    if creator:
        header.private_block(0x7053, creator, create=True)
    header[0x70531000] = DataElement(Tag(0x70531000), "DS", "0.000728")
    assert suv_factor([header]).factor == 0.000728
    assert_same_suv([header])
