"""The command line on series and files made in code; `main` is called as the shell calls it."""

import csv
import io
import json

import nibabel
import numpy as np
import pytest

from evaluation.__main__ import main
from evaluation.imaging import Grid, Volume, write_nifti
from evaluation.metabolic import lesion_parameters
from tests.evaluation.imaging_series import ct_series, pet_slice, write_series

FACTOR = 70_000 / 350e6 * 2 ** (3600 / 6586.2)
GRID = Grid((16, 24, 24), (3.0, 4.0, 4.0))


def pet_series(folder, *, spoil=lambda _: None):
    slices = [pet_slice(3.0 * k) for k in range(4)]
    for made in slices:
        spoil(made)
    return str(write_series(folder, slices))


def run(capsys, *arguments):
    status = main([str(a) for a in arguments])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_the_commands_are_listed_with_what_they_do(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    words = capsys.readouterr().out

    assert ended.value.code == 0
    for command in ("suv", "pair", "study"):
        assert f"\n    {command} " in words


def test_suv_names_rule_factor_and_readings(tmp_path, capsys):
    status, out, err = run(capsys, "suv", pet_series(tmp_path))

    assert status == 0
    assert "decay corrected to start (START, series_time)" in out
    assert f"{FACTOR:.12g}" in out
    assert "acquisition_time" in out
    assert "no findings" in out
    assert err == ""


def test_suv_as_json_holds_every_digit_and_the_versions(tmp_path, capsys):
    status, out, _ = run(capsys, "suv", pet_series(tmp_path), "--json", "--kind", "lbm_james")
    twin = json.loads(out)
    mass_kg = 1.10 * 70 - 128 * (70 / 175) ** 2

    assert status == 0
    assert twin["conversion"]["factor"] == pytest.approx(FACTOR * mass_kg / 70, rel=1e-14)
    assert (twin["conversion"]["kind"], twin["unit"]) == ("lbm_james", "SUVlbm")
    assert twin["series"]["units"] == "BQML"
    assert {"numpy", "pydicom"} <= set(twin["versions"])
    assert "P-001" not in out  # the patient's identifier


def test_suv_writes_the_volume_it_computed(tmp_path, capsys):
    out = tmp_path / "suv.nii.gz"
    status, printed, _ = run(capsys, "suv", pet_series(tmp_path / "a"), "--out", out, "--json")
    values = np.asarray(nibabel.load(out).dataobj)

    assert status == 0
    assert np.allclose(values, 5000 * FACTOR, rtol=1e-6)
    assert json.loads(printed)["volume"]["maximum"] == pytest.approx(5000 * FACTOR, rel=1e-6)


def test_suv_refuses_with_every_sentence_and_status_two(tmp_path, capsys):
    def spoil(made):
        made.PatientWeight = made.Units = None

    folder = pet_series(tmp_path, spoil=spoil)
    status, _, err = run(capsys, "suv", folder)
    again, out, _ = run(capsys, "suv", folder, "--json")

    assert status == again == 2
    assert "The weight is missing, zero or impossible. (0010,1030)" in err
    assert {r["tag"] for r in json.loads(out)["refusals"]} >= {"(0010,1030)", "(0054,1001)"}


def test_suv_tells_a_finding_and_is_no_refusal(tmp_path, capsys):
    def spoil(made):
        made.SeriesTime, made.FrameReferenceTime = "113000", "1800000"

    status, out, _ = run(capsys, "suv", pet_series(tmp_path, spoil=spoil))

    assert status == 0
    assert "Other readings of the header give SUV that differ by" in out


def volume_file(folder, name):
    path = folder / name
    write_nifti(Volume(np.ones(GRID.shape, np.float32), GRID, "SUVbw"), path)
    return path


@pytest.mark.parametrize(
    ("series", "extra", "words"),
    [
        (lambda d: volume_file(d, "a.nii"), [], "NIfTI, which states neither dose"),
        (lambda d: d / "nothing", [], "does not exist"),
        (ct_series, [], "holds no PET series"),
        (pet_series, ["--out", "suv.mhd"], "no NIfTI name"),
        (pet_series, ["--series-uid", "1.2.3"], "holds no PET series 1.2.3"),
    ],
)
def test_suv_refuses_what_is_no_pet_series(tmp_path, capsys, series, extra, words):
    status, out, err = run(capsys, "suv", series(tmp_path), *extra)

    assert (status, out) == (2, "")
    assert words in err


def test_of_several_series_none_is_guessed(tmp_path, capsys):
    def another(made):
        made.SeriesInstanceUID = "1.2.826.0.1.3680043.10.1099"

    pet_series(tmp_path / "a")
    pet_series(tmp_path / "b", spoil=another)
    status, _, err = run(capsys, "suv", tmp_path)
    chosen, _, _ = run(capsys, "suv", tmp_path, "--series-uid", "1.2.826.0.1.3680043.10.1099")

    assert (status, chosen) == (2, 0)
    assert "none is guessed" in err


@pytest.fixture
def pair(tmp_path):
    """Reference, synthetic, CT and masks as NIfTI files."""
    rng = np.random.default_rng(0)
    values = 1 + rng.random(GRID.shape)
    values[7:10, 8:12, 8:12] = 9.0
    labels = np.zeros(GRID.shape, np.int16)
    labels[7:10, 8:12, 8:12], labels[2:5, 2:5, 2:5] = 1, 2
    liver = np.zeros(GRID.shape, np.int16)
    liver[1:15, 12:22, 2:22] = 1
    hounsfield = np.full(GRID.shape, -1000.0)
    hounsfield[:, 1:23, 1:23] = 40
    images = {
        "pet": values, "spet": values * 0.9, "ct": hounsfield, "lesions": labels, "Liver": liver,
    }  # fmt: skip
    for name, array in images.items():
        stored = array.astype(np.int16 if array.dtype == np.int16 else np.float32)
        write_nifti(Volume(stored, GRID, "any"), tmp_path / f"{name}.nii.gz")
    return tmp_path


def arguments_of(folder, *extra):
    files = {name: folder / f"{name}.nii.gz" for name in ("pet", "spet", "ct", "lesions", "Liver")}
    return [
        "pair", files["pet"], files["spet"], "--unit", "SUVbw", "--ct", files["ct"],
        "--lesions", files["lesions"], "--organs", files["Liver"], "--data-range", 20, *extra,
    ]  # fmt: skip


def test_a_pair_is_measured_and_told_in_tables(pair, capsys):
    status, out, err = run(capsys, *arguments_of(pair))
    line = next(text for text in out.splitlines() if text.strip().startswith("suv_max"))

    assert (status, err) == (0, "")
    assert line.split()[:4] == ["suv_max", "9", "8.1", "-10.0%"]
    for words in (
        "body",
        "lesion:1",
        "lesion:2",
        "organ:liver",
        "[0, 20] in SUVbw",
        "tbr_max_liver",
    ):
        assert words in out


def test_the_json_of_a_pair_holds_the_numbers_of_the_library(pair, capsys):
    _, out, _ = run(capsys, *arguments_of(pair, "--json", "--sul-factor", "0.75", "--controls"))
    twin = json.loads(out)
    rows = {(r["region"], r["image"], r["quantity"]): r["value"] for r in twin["rows"]}
    values = np.asarray(nibabel.load(pair / "pet.nii.gz").dataobj).T.astype(np.float32)
    mask = np.asarray(nibabel.load(pair / "lesions.nii.gz").dataobj).T == 1
    expected = lesion_parameters(Volume(values, GRID, "SUVbw"), mask)

    for parameter in expected:
        assert rows["lesion:1", "reference", parameter.quantity] == parameter.value
    assert rows["lesion:1", "reference", "mtv_percist"] > 0
    assert ("body", "control:zero", "ssim") in rows
    assert twin["recipe"]["data_range"] == 20
    assert twin["recipe"]["sul_factor"] == 0.75
    assert twin["recipe"]["organs"] == ["liver"]
    assert len(twin["inputs"]["reference"]["sha256"]) == 64


def test_the_csv_of_a_pair_has_one_line_per_row(pair, capsys):
    _, out, _ = run(capsys, *arguments_of(pair, "--csv"))
    _, twin, _ = run(capsys, *arguments_of(pair, "--json"))
    lines = list(csv.DictReader(io.StringIO(out)))

    assert len(lines) == len(json.loads(twin)["rows"])
    assert float(next(r["value"] for r in lines if r["quantity"] == "suv_max")) == 9.0


def test_the_same_pair_gives_the_same_bytes(pair, capsys):
    first = run(capsys, *arguments_of(pair, "--json"))
    assert run(capsys, *arguments_of(pair, "--json")) == first


def test_the_data_range_must_be_given(pair, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["pair", str(pair / "pet.nii.gz"), str(pair / "spet.nii.gz")])

    assert ended.value.code == 2
    assert "--data-range" in capsys.readouterr().err


def without(arguments, option, count=2):
    place = arguments.index(option)
    return arguments[:place] + arguments[place + count :]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: without(arguments_of(d), "--unit"), "say so with --unit SUVbw"),
        (lambda d: [*arguments_of(d), "--organs", d / "lesions.nii.gz"], "2 labels and no names"),
        (lambda d: [*arguments_of(d), "--organs", f"liver={d}/lesions.nii.gz"], "holds 2 regions"),
        (lambda d: [*arguments_of(d), "--organs", f"x={d}/lesions.nii.gz#7"], "no region 7"),
        (
            lambda d: [*arguments_of(d), "--organs", d / "Liver.nii.gz", f"liver={d}/Liver.nii.gz"],
            "given twice",
        ),
        (lambda d: [*arguments_of(d), "--sul", "james"], "no body measures"),
        (lambda d: [*arguments_of(d), "--lesions", d / "none.nii"], "is no file"),
        (lambda d: [*arguments_of(d), "--ct", d / "none.nii"], "does not exist"),
        (lambda d: [*arguments_of(d), "--ct", d], "holds no CT series"),
        (lambda d: [*arguments_of(d), "--data-range", "-1"], "cannot be measured"),
        (lambda d: [*arguments_of(d), "--sul-factor", "0"], "above zero"),
    ],
)
def test_a_pair_that_lacks_something_is_refused_in_words(pair, capsys, change, words):
    status, out, err = run(capsys, *change(pair))

    assert (status, out) == (2, "")
    assert words in err


def test_organs_are_picked_by_label_and_named_on_the_command_line(pair, capsys):
    chosen = ["blood_pool=" + str(pair / "lesions.nii.gz") + "#2"]
    _, out, _ = run(capsys, *arguments_of(pair, "--organs", *chosen, "--json"))
    regions = {r["region"] for r in json.loads(out)["rows"]}
    assert {r for r in regions if r.startswith("organ:")} == {"organ:blood_pool"}


def test_a_synthetic_series_is_taken_as_the_synthetic_and_never_as_the_reference(tmp_path, capsys):
    def mark(made):
        made.SyntheticData, made.SeriesInstanceUID = "YES", "1.2.826.0.1.3680043.10.1098"
        made.Units, made.SUVType = "GML", "BW"

    real = pet_series(tmp_path / "real")
    synthetic = pet_series(tmp_path / "synthetic", spoil=mark)
    right = run(capsys, "pair", real, synthetic, "--data-range", 20)
    wrong = run(capsys, "pair", synthetic, real, "--data-range", 20)

    assert right[0] == 0
    assert wrong[0] == 2
    assert "marked as a synthetic image" in wrong[2]


def test_images_of_two_frames_of_reference_are_not_compared(tmp_path, capsys):
    def move(made):
        made.FrameOfReferenceUID = "1.2.3.4"

    one = pet_series(tmp_path / "one")
    other = pet_series(tmp_path / "other", spoil=move)
    status, _, err = run(capsys, "pair", one, other, "--data-range", 20)

    assert status == 2
    assert "one frame of reference" in err


def test_lean_mass_comes_from_the_header_of_the_reference(tmp_path, capsys):
    one, other = pet_series(tmp_path / "one"), pet_series(tmp_path / "other")
    _, out, _ = run(capsys, "pair", one, other, "--data-range", 20, "--sul", "james", "--json")
    recipe = json.loads(out)["recipe"]
    expected = (1.10 * 70 - 128 * (70 / 175) ** 2) / 70

    assert recipe["sul_factor"] == pytest.approx(expected)
    assert recipe["sul_formula"] == "james"
