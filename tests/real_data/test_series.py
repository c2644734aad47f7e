"""Series as scanners and other programs wrote them."""

import numpy as np
import pytest

from evaluation.imaging import (
    SeriesRefused,
    SuvRefused,
    overlap,
    read_nifti,
    read_segmentation,
    read_series,
    scan_folder,
)
from tests.real_data.places import expected, published

pytestmark = pytest.mark.real_data
PAIRS = ["STS_002", "STS_003", "STS_008", "STS_024", "STS_025", "STS_035"]


def faults_of(path):
    with pytest.raises(SeriesRefused) as refused:
        read_series(path)
    return {reason.id: reason.sentence for reason in refused.value.reasons}


@pytest.mark.parametrize("case", PAIRS)
def test_a_pair_has_the_published_geometry_and_lies_in_one_frame(case):
    ct = read_series(published("pet_ct_ge_sts_pairs", case, "CT", "image"))
    pet = read_series(published("pet_ct_ge_sts_pairs", case, "PET", "image"))
    truth = expected("pet_ct_ge_sts_pairs", case)

    for series, key in ((ct, "ct"), (pet, "pet")):
        stated = truth[key]
        assert series.grid.shape == (stated["slices"], stated["rows"], stated["cols"])
        assert series.grid.spacing_mm[1:] == pytest.approx(stated["pixel_spacing"])
        assert series.facts.z_range_mm == pytest.approx(stated["z"], abs=0.01)
    assert ct.facts.frame_of_reference_uid == pet.facts.frame_of_reference_uid
    assert (ct.values.min(), ct.values.max()) == (truth["ct"]["hu_min"], truth["ct"]["hu_max"])
    assert overlap(pet.grid, ct.grid)[0] == slice(0, pet.grid.shape[0])


@pytest.mark.parametrize("case", PAIRS)
@pytest.mark.parametrize("modality", ["PET", "CT"])
def test_an_outline_fills_exactly_the_voxels_of_the_published_mask(case, modality):
    folder = published("pet_ct_ge_sts_pairs", case, modality)
    series = read_series(folder / "image")
    segments = read_segmentation(
        folder / "mask" / "RS.dcm",
        series.grid,
        frame_of_reference_uid=series.facts.frame_of_reference_uid,
    )
    truth = expected("pet_ct_ge_sts_pairs", case, "pet" if modality == "PET" else "ct")

    assert int(segments[1].mask.sum()) == truth["gtv_voxels"]


@pytest.mark.parametrize("modality", ["PET", "CT"])
def test_nifti_and_dicom_of_one_patient_are_the_same_voxels_at_the_same_place(modality):
    folder = published("pet_ct_ge_sts_pairs", "STS_008", modality)
    series = read_series(folder / "image")
    image = read_nifti(published("nifti_pet_ct", "STS_008", f"{modality}_image.nii.gz"), "any")
    outline = read_segmentation(folder / "mask" / "RS.dcm", series.grid)[1]
    labels = read_segmentation(
        published("nifti_pet_ct", "STS_008", f"{modality}_mask.nii.gz"), series.grid
    )[1]

    assert image.grid.same_as(series.grid, tolerance_mm=0.02)
    assert np.abs(image.array - series.stored_volume().array).max() < 1e-5
    assert np.array_equal(outline.mask, labels.mask)


def test_gantry_tilt_is_refused_by_name():
    faults = faults_of(published("ct_bad_geometry", "gantrytilting_001"))
    assert "14.0 degrees" in faults["gantry_tilt"]


def test_a_missing_slice_is_refused_by_its_place():
    faults = faults_of(published("ct_bad_geometry", "sliceincrement_001"))
    assert "33.11 mm" in faults["missing_slice"]


def test_a_phantom_without_instance_numbers_is_sorted_but_has_no_suv():
    series = read_series(published("pet_phantom_nema_iq", "recon_1"))

    assert series.values.max() == pytest.approx(26465.91, abs=0.01)
    with pytest.raises(SuvRefused) as refused:
        series.suv_volume()
    assert {"units", "dose", "weight"} <= {reason.id for reason in refused.value.reasons}


def test_a_real_chest_ct_has_the_published_values():
    truth = expected("ct", "ct_chest_siemens_lungdx_a0002/CT_B40f_soft")
    series = read_series(published("ct_chest_siemens_lungdx_a0002", "CT_B40f_soft"))

    assert series.facts.kernel == truth["kernel"]
    assert series.values.mean() == pytest.approx(truth["hu_mean"], abs=0.01)


def test_two_reconstructions_are_two_series():
    scan = scan_folder(published("ct_chest_siemens_lungdx_a0002"))
    assert sorted(len(group.files) for group in scan.groups) == [3, 14]


def test_enhanced_multi_frame_and_nuclear_medicine_are_refused():
    assert "multiframe" in faults_of(published("dicom_misc", "eCT_Supplemental.dcm"))
    assert "secondary_capture" in faults_of(published("dicom_misc", "JPEG-LL.dcm"))


def test_jpeg_2000_lossless_of_another_encoder_is_decoded():
    series = read_series(published("dicom_misc", "693_J2KR.dcm"))
    assert series.grid.shape == (1, 512, 512)


def test_no_malformed_file_gets_through_or_raises_anything_but_a_refusal():
    files = sorted(published("malformed_dicom").glob("cat*/*.dcm"))
    assert len(files) > 80
    for path in files:
        with pytest.raises(SeriesRefused):
            read_series([path])
