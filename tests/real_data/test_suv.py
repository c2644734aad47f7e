"""SUV against independent truths: reference objects, vendor headers, a raw series of a scanner."""

import io
import json
import lzma
import tarfile

import nibabel
import numpy as np
import pytest
from pydicom import Dataset

from evaluation.imaging import read_segmentation, read_series, suv_factor
from tests.real_data.places import expected, published, reference

pytestmark = pytest.mark.real_data
PAIRS = ["STS_002", "STS_003", "STS_008", "STS_024", "STS_025", "STS_035"]
OBJECTS = ["0_0", "1_0", "2_0", "2_4", "4_0", "4_1", "5_0"]
VENDORS = [
    "SIEMENS",
    "GE_MEDICAL_AND_BQML",
    "PHILIPS_BQML",
    "PHILIPS_CNTS_AND_SUV",
    "RADIOPHARM_DATETIME_UNDEFINED",
]
_INJECTED = (
    "RadionuclideTotalDose",
    "RadionuclideHalfLife",
    "RadiopharmaceuticalStartTime",
    "RadiopharmaceuticalStartDateTime",
)
_PHILIPS = {"SUVScaleFactor": 0x00, "ActivityConcentrationScaleFactor": 0x09}


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    folder = tmp_path_factory.mktemp("objects")
    packed = io.BytesIO(lzma.decompress(reference("suv_dro.tar.xz").read_bytes()))
    with tarfile.open(fileobj=packed) as archive:
        archive.extractall(folder, filter="data")
    return folder / "dro_dev"


@pytest.mark.parametrize("name", OBJECTS)
def test_a_digital_reference_object_has_its_known_suv(objects, name):
    volume = read_series(objects / f"DRO_{name}").suv_volume()
    mask = np.asarray(nibabel.load(objects / "DRO_mask.nii.gz").dataobj).T > 0
    inside = volume.array[mask]

    tolerance = 0.02 if name == "2_3" else 0.01
    found = [inside.min(), np.median(inside), inside.max()]
    assert found == pytest.approx([0.20, 1.00, 4.00], abs=tolerance)


def header_of(instance):
    """Build a header from the JSON of a vendor's series."""
    header, injected = Dataset(), Dataset()
    for keyword, value in instance.items():
        if keyword in _INJECTED:
            setattr(injected, keyword, value)
        elif keyword == "PhilipsPETPrivateGroup":
            block = header.private_block(0x7053, "Philips PET Private Group", create=True)
            for name, factor in value.items():
                block.add_new(_PHILIPS[name], "DS", factor)
        else:
            setattr(header, keyword, value)
    header.RadiopharmaceuticalInformationSequence = [injected]
    return header


@pytest.mark.parametrize("name", VENDORS)
def test_a_vendor_header_gives_the_factor_of_the_published_vectors(name):
    path = published("suv_header_vectors", f"{name}-instances.json")
    instances = json.loads(path.read_text(encoding="utf-8"))
    conversion = suv_factor([header_of(instance) for instance in instances])

    truth = expected("suv_header_vectors", name, "suvbw_factor")
    assert conversion.refusals == ()
    assert conversion.factor == pytest.approx(truth, abs=1e-6, rel=1e-6)


def test_the_vendor_headers_of_the_reference_folder_agree_too():
    cases = json.loads(reference("suv_vendor_headers.json").read_text(encoding="utf-8"))["series"]
    found = {
        name: suv_factor([header_of(instance) for instance in case["instances"]]).factor
        for name, case in cases.items()
    }
    truth = {name: case["expected_suvbw_factor"] for name, case in cases.items()}
    assert found == pytest.approx(truth, abs=1e-6, rel=1e-6)


def test_a_raw_ge_series_agrees_voxel_by_voxel_with_another_program():
    raw = read_series(published("pet_ct_ge_sts001_raw", "PT_raw_bqml"))
    other = read_series(published("pet_ct_ge_sts001_raw", "PT_suv_reference_gml")).suv_volume()
    part = (slice(0, 59), slice(45, 88), slice(59, 100))
    suv = raw.suv_volume()

    truth = expected("pet_ct_ge_sts001_raw")
    assert raw.suv_conversion().factor == pytest.approx(truth["suvbw_factor"], rel=1e-9)
    assert raw.suv_conversion().findings == ()
    for kind, factor in (("lbm_james", 0.00018411), ("lbm_janmahasatian", 0.00018083)):
        assert raw.suv_conversion(kind).factor == pytest.approx(factor, abs=5e-9)
    assert suv.crop(part).grid.same_as(other.grid, tolerance_mm=0.01)
    assert np.abs(suv.crop(part).array - other.array).max() <= 1e-3
    assert suv.array.max() == pytest.approx(66.5215, abs=1e-3)
    assert np.unravel_index(suv.array.argmax(), suv.array.shape) == (62, 70, 69)
    for kind, key in (("lbm_james", "james_128"), ("lbm_janmahasatian", "janmahasatian")):
        factor = raw.suv_conversion(kind).factor
        assert factor == pytest.approx(truth["suvlbm_factor"][key], rel=1e-6)


def test_the_tumour_of_the_raw_series_has_the_published_uptake():
    raw = read_series(published("pet_ct_ge_sts001_raw", "PT_raw_bqml"))
    path = published("pet_ct_ge_sts001_raw", "RTSTRUCT_raw_pet", "1-1.dcm")
    tumour = next(s for s in read_segmentation(path, raw.grid).values() if s.label == "GTV_Mass")
    uptake = raw.suv_volume().array[tumour.mask]

    assert uptake.size == 5095
    assert uptake.max() == pytest.approx(7.91067, abs=1e-4)
    assert uptake.mean() == pytest.approx(2.55518, abs=1e-4)


@pytest.mark.parametrize("case", PAIRS)
def test_values_stored_as_suv_are_taken_as_they_are(case):
    series = read_series(published("pet_ct_ge_sts_pairs", case, "PET", "image"))
    truth = expected("pet_ct_ge_sts_pairs", case, "pet")

    assert series.suv_conversion().factor == 1.0
    assert series.suv_volume().array.max() == pytest.approx(truth["suv_max"], abs=1e-4)


def test_a_single_siemens_slice_has_its_published_factor():
    series = read_series(published("pet_siemens_flt_single"))
    truth = expected("pet_siemens_flt_single", "acrin_flt_breast_029.dcm")

    conversion = series.suv_conversion()
    assert conversion.factor == pytest.approx(truth["suvbw_factor_series_time"], rel=1e-9)
    assert series.suv_volume().array.max() == pytest.approx(truth["suv_max"], abs=1e-4)
    assert series.facts.tracer == ""
