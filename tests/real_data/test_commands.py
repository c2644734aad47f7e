"""The command line on published patients: a raw GE series, six pairs, one of them as NIfTI."""

import json

import nibabel
import numpy as np
import pytest

from evaluation.__main__ import main
from evaluation.imaging import read_series
from tests.real_data.places import expected, published

pytestmark = pytest.mark.real_data
PAIRS = ["STS_002", "STS_003", "STS_008", "STS_024", "STS_025", "STS_035"]


def run(capsys, *arguments):
    status = main([str(a) for a in arguments])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def twin_of(capsys, *arguments):
    status, out, err = run(capsys, *arguments, "--json")
    assert (status, err) == (0, "")
    return json.loads(out)


def test_the_raw_series_of_a_scanner_becomes_the_suv_of_another_program(tmp_path, capsys):
    folder = published("pet_ct_ge_sts001_raw")
    truth = expected("pet_ct_ge_sts001_raw")
    out = tmp_path / "suv.nii.gz"
    twin = twin_of(capsys, "suv", folder / "PT_raw_bqml", "--out", out)
    other = read_series(folder / "PT_suv_reference_gml").suv_volume()
    suv = np.asarray(nibabel.load(out).dataobj).T

    assert twin["conversion"]["factor"] == pytest.approx(truth["suvbw_factor"], rel=1e-9)
    assert np.abs(suv[0:59, 45:88, 59:100] - other.array).max() <= 1e-3


@pytest.mark.parametrize("case", PAIRS)
def test_a_patient_folder_with_outlines_beside_the_images_is_measured(capsys, case):
    folder = published("pet_ct_ge_sts_pairs", case)
    ct = ["--ct", folder / "CT"] if case == "STS_035" else []  # which covers more than the PET
    twin = twin_of(
        capsys, "pair", folder / "PET", folder / "PET", *ct,
        "--lesions", folder / "PET" / "mask" / "RS.dcm", "--data-range", 20,
    )  # fmt: skip
    truth = expected("pet_ct_ge_sts_pairs", case, "pet")
    rows = {(r["region"], r["image"], r["quantity"]): r for r in twin["rows"]}

    for image in ("reference", "synthetic"):
        assert rows["lesion:1", image, "suv_max"]["value"] == pytest.approx(
            truth["gtv_suv_max"], abs=1e-4
        )
        assert rows["lesion:1", image, "mtv_mask"]["value"] == pytest.approx(
            truth["gtv_ml"], abs=1e-3
        )
    assert rows["body", "pair", "ssim"]["value"] == pytest.approx(1.0)
    assert "identical" in rows["body", "pair", "psnr"]["flags"]


def test_dicom_and_nifti_of_one_patient_give_the_same_numbers(capsys):
    folder, nifti = (
        published("pet_ct_ge_sts_pairs", "STS_008"),
        published("nifti_pet_ct", "STS_008"),
    )
    dicom = twin_of(
        capsys, "pair", folder / "PET", folder / "PET", "--lesions",
        folder / "PET" / "mask" / "RS.dcm", "--data-range", 20,
    )  # fmt: skip
    files = twin_of(
        capsys, "pair", nifti / "PET_image.nii.gz", nifti / "PET_image.nii.gz", "--unit", "SUVbw",
        "--lesions", nifti / "PET_mask.nii.gz", "--data-range", 20,
    )  # fmt: skip

    for one, other in zip(dicom["rows"], files["rows"], strict=True):
        assert (one["region"], one["quantity"]) == (other["region"], other["quantity"])
        if one["value"] is not None:
            assert other["value"] == pytest.approx(one["value"], rel=2e-4)


def test_a_phantom_without_units_is_refused_in_words(capsys):
    status, _, err = run(capsys, "suv", published("pet_phantom_nema_iq", "recon_1"))

    assert status == 2
    assert "The units of the PET values are not stated. (0054,1001)" in err
    assert "UserWarning" not in err


def test_an_enhanced_image_is_refused_by_its_kind(capsys):
    status, _, err = run(capsys, "suv", published("dicom_misc", "eCT_Supplemental.dcm"))

    assert status == 2
    assert "Enhanced CT" in err
