"""Where training pairs come from, and how they come to the model's grid."""

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluation.imaging import Grid, Volume, write_nifti
from synthesis.config import (
    DomainConfig,
    ReleaseConfig,
    SplitConfig,
    load_family_run,
    preset,
)
from synthesis.data import write_dicom
from synthesis.data.folder_source import FolderSource
from synthesis.data.pairs import (
    Pair,
    PairRefusedError,
    fit_to,
    load_case,
    make_pair_case,
    store_case,
)
from synthesis.data.source import SourceRefusedError
from synthesis.data.sources import PhantomSource, open_source
from synthesis.data.splits import ParticipantSplit, SplitRefusedError, load_split
from synthesis.registry import packaged_releases
from synthesis.training.ahead import ahead
from synthesis.training.case_store import CaseStore
from synthesis.training.family_held_out import image_rows, lesion_rows
from synthesis.training.patches import PatchSampler
from synthesis.training.prepared import prepare
from tests.synthesis.family_runs import ALONE, tiny_run
from tests.synthesis.makers import small_pair

COARSE = (16.0, 12.5, 12.5)
DOMAIN = DomainConfig(form="2d", neighbours=0, spacing_zyx_mm=COARSE, patch=(32, 32))


def nifti_participant(folder: Path, *, lesions: bool = True) -> None:
    pair = small_pair()
    folder.mkdir(parents=True)
    write_nifti(pair.ct, folder / "ct.nii.gz")
    write_nifti(pair.pet, folder / "pet.nii.gz")
    if lesions:
        mask = pair.region("lesion:1").astype(np.uint8)
        write_nifti(Volume(mask, pair.pet.grid, "labels"), folder / "lesions.nii.gz")


def test_phantoms_come_from_every_scanner_and_the_same_seed_gives_the_same_pair() -> None:
    source = open_source("phantom:6:3", COARSE, Path("unused"))

    assert isinstance(source, PhantomSource)
    assert len(set(source.sites.values())) == 5
    pair, again = source.pair("3000001"), source.pair("3000001")
    assert np.array_equal(pair.ct.array, again.ct.array)
    assert pair.demographics is not None
    assert len(pair.malignant) == len(pair.focus_names) == pair.foci.max()


def test_dicom_and_nifti_of_the_same_participant_give_the_same_case(tmp_path: Path) -> None:
    write_dicom(small_pair(), tmp_path / "dicom" / "A", with_pet=True)
    nifti_participant(tmp_path / "nifti" / "A")
    table = "participant,site,sex,age_years,height_cm,weight_kg,kvp\nA,SPH,F,61,160,58,100\n"
    (tmp_path / "nifti" / "participants.csv").write_text(table, encoding="utf-8")

    dicom = FolderSource(tmp_path / "dicom", "dicom").pair("A")
    source = FolderSource(tmp_path / "nifti", "nifti")
    nifti = source.pair("A")

    assert source.sites == {"A": "SPH"}
    assert (dicom.kvp, nifti.kvp) == (120.0, 100.0)
    assert nifti.demographics == (1.6, 58.0, 0.0, 61.0)
    a, b = make_pair_case(dicom, DOMAIN), make_pair_case(nifti, DOMAIN)
    assert a.grid.same_as(b.grid, tolerance_mm=0.01)
    assert np.abs(a.hu.astype(int) - b.hu).max() <= 2
    np.testing.assert_allclose(a.suv, b.suv, rtol=0.01, atol=0.01)
    assert "lesion:1" in dicom.focus_names
    assert not any(name.startswith("organ:") for name in dicom.focus_names)


def test_a_zip_is_unpacked_once_and_its_checksums_are_checked(tmp_path: Path) -> None:
    nifti_participant(tmp_path / "A", lesions=False)
    archive = tmp_path / "pairs.zip"
    content = {p.name: p.read_bytes() for p in (tmp_path / "A").iterdir()}
    sums = "".join(f"{hashlib.sha256(c).hexdigest()}  A/{n}\n" for n, c in content.items())
    with zipfile.ZipFile(archive, "w") as zipped:
        for name, body in content.items():
            zipped.writestr(f"A/{name}", body)
        zipped.writestr("SHA256SUMS", sums)

    source = open_source(str(archive), COARSE, tmp_path / "scratch")

    assert list(source.sites) == ["A"]
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("A/ct.nii.gz", b"changed")
        zipped.writestr("SHA256SUMS", sums)
    with pytest.raises(SourceRefusedError, match="is missing or was changed"):
        open_source(str(archive), COARSE, tmp_path / "scratch")


def test_a_zip_that_leaves_its_folder_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "pairs.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("../outside", b"")

    with pytest.raises(SourceRefusedError, match="leaves its folder"):
        open_source(str(archive), COARSE, tmp_path / "scratch")


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("phantom:2", "three participants or more"),
        ("phantom:x", "must be phantom:PARTICIPANTS"),
        ("nowhere", "neither phantom:PARTICIPANTS"),
    ],
)
def test_data_that_are_not_there_are_refused(tmp_path: Path, spec: str, sentence: str) -> None:
    with pytest.raises(SourceRefusedError, match=sentence):
        open_source(spec, COARSE, tmp_path)
    with pytest.raises(SourceRefusedError, match="holds no participant's folder"):
        open_source(str(tmp_path), COARSE, tmp_path)


def test_images_that_do_not_meet_are_refused_by_name() -> None:
    pair = small_pair()
    away = Grid(pair.pet.grid.shape, pair.pet.grid.spacing_mm, (5000.0, 0.0, 0.0))
    foci = np.zeros(pair.pet.array.shape, dtype=np.uint8)
    moved = Volume(pair.pet.array, away, "SUVbw")

    with pytest.raises(PairRefusedError, match="CT and PET of P7 do not fit"):
        make_pair_case(Pair("P7", pair.ct, moved, foci, (), ()), DOMAIN)


def test_a_case_is_only_where_both_images_reach() -> None:
    pair = small_pair()
    half = pair.pet.crop((slice(0, 13), slice(None), slice(None)))
    foci = np.zeros(half.array.shape, dtype=np.uint8)

    case = make_pair_case(Pair("A", pair.ct, half, foci, (), ()), DOMAIN)

    whole = make_pair_case(replace(_pair(), participant="A"), DOMAIN)
    assert len(case.hu) < len(whole.hu)


def _pair() -> Pair:
    pair = small_pair()
    foci = pair.region("lesion:1").astype(np.uint8)
    return Pair("A", pair.ct, pair.pet, foci, ("lesion:1",), (True,), kvp=120.0)


def test_a_stored_case_comes_back(tmp_path: Path) -> None:
    case = make_pair_case(_pair(), DOMAIN)
    store_case(case, tmp_path / "A.npz")

    again = load_case(tmp_path / "A.npz")

    for name in ("hu", "suv", "body", "foci"):
        assert np.array_equal(getattr(case, name), getattr(again, name))
    assert (again.focus_names, again.malignant, again.kvp) == (("lesion:1",), (True,), 120.0)
    assert again.demographics is None
    assert again.grid == case.grid


def test_the_acquired_pet_itself_has_no_error_and_full_recovery() -> None:
    case = make_pair_case(_pair(), DOMAIN)
    acquired = case.suv.astype(np.float32)

    found = {row.quantity: row.value for row in image_rows(case, "model", acquired)}
    shares = [row.value for row in lesion_rows(case, "model", acquired)]

    assert (found["mae_suv"], found["ssim"]) == (0, pytest.approx(1))
    assert shares == [1]


def test_a_case_is_cut_and_padded_round_its_body() -> None:
    case = make_pair_case(_pair(), DOMAIN)
    fitted = fit_to(case, (32, 40, 16))

    assert fitted.hu.shape == (32, 40, 16)
    z, y, x = (int(n) for n in np.argwhere(fitted.suv == fitted.suv.max())[0])
    place = fitted.grid.affine() @ np.array([x, y, z, 1.0])
    inside = np.rint(np.linalg.inv(case.grid.affine()) @ place).astype(int)
    assert case.suv[inside[2], inside[1], inside[0]] == fitted.suv[z, y, x]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> CaseStore:
    source = PhantomSource(3, 1, COARSE)
    store = CaseStore(source, preset("baseline", "tiny"), tmp_path_factory.mktemp("cases"))
    store.prepare(list(source.sites))
    return store


def sampler(cases: CaseStore, **training: object) -> PatchSampler:
    run = tiny_run("baseline")
    settings = replace(run.training, **training)  # type: ignore[arg-type]
    names = ("1000000", "1000001", "1000002")
    return PatchSampler(cases.case, names, run.family, settings, stage=0)


def test_a_patch_depends_on_step_and_place_alone(cases: CaseStore) -> None:
    both = sampler(cases).batch(7, range(2))
    second = sampler(cases).batch(7, (1,))
    other = sampler(cases).batch(8, (1,))

    assert both.suv[1].equal(second.suv[0])
    assert both.condition.hu is not None
    assert second.condition.hu is not None
    assert both.condition.hu[1].equal(second.condition.hu[0])
    assert not second.suv.equal(other.suv)
    assert both.condition.hu.shape == (2, 3, 32, 32)


def test_patches_ahead_of_time_are_the_same_patches(cases: CaseStore) -> None:
    here = sampler(cases)

    made = ahead(lambda key: here.batch(key, (0,)), range(5), 2)

    for key, batch in enumerate(made):
        assert batch.suv.equal(here.batch(key, (0,)).suv)


def test_half_of_the_patches_hold_a_lesion_when_asked(cases: CaseStore) -> None:
    always = sampler(cases, lesion_share=1.0, augment=False)
    never = sampler(cases, lesion_share=0.0, augment=False)

    with_lesion = [bool(always.batch(k, (0,)).lesion.any()) for k in range(20)]

    assert all(with_lesion)
    assert not all(bool(never.batch(k, (0,)).lesion.any()) for k in range(20))


def test_organs_weigh_as_the_training_says(cases: CaseStore) -> None:
    case = cases.case("1000000")
    organs = np.zeros(case.hu.shape, dtype=np.uint8)
    organs[:, :16] = 1
    outlined = replace(case, organs=organs, organ_names=("organ:liver",))
    run = tiny_run("baseline", organ_weights=[["organ:liver", 3.0]], augment=False)

    drawn = PatchSampler(lambda _name: outlined, ("A",), run.family, run.training, stage=0)

    batch = drawn.batch(0, (0,))
    assert batch.importance is not None
    assert batch.importance[0, 0, :16].eq(3).all()
    assert batch.importance[0, 0, 16:].eq(1).all()
    assert sampler(cases).batch(0, (0,)).importance is None


def test_organs_of_a_folder_are_kept_apart_from_lesions(tmp_path: Path) -> None:
    nifti_participant(tmp_path / "A")
    pair = small_pair()
    mask = pair.region("organ:liver").astype(np.uint8)
    write_nifti(Volume(mask, pair.pet.grid, "labels"), tmp_path / "A" / "organs.nii.gz")

    read = FolderSource(tmp_path, "x").pair("A")

    assert (read.focus_names, read.organ_names) == (("label 1",), ("label 1",))
    assert read.organs is not None
    assert np.array_equal(read.organs > 0, mask > 0)
    assert not (read.foci[read.organs > 0] > 0).any()


def test_the_shipped_release_comes_of_the_training_file_beside_it() -> None:
    (release,) = packaged_releases()

    run = load_family_run(release.folder / "training.toml")

    assert run.family == release.config
    assert run.release == ReleaseConfig(release.name, release.version, release.created)


def test_a_split_on_record_that_names_a_stranger_is_refused(tmp_path: Path) -> None:
    ParticipantSplit(("1000000",), ("1000001",), ("nobody",)).store(tmp_path / "split.json")

    with pytest.raises(SplitRefusedError, match="names participant nobody, who is not in the data"):
        prepare(tiny_run("baseline"), "phantom:5", tmp_path, world=ALONE)


def test_a_split_by_site_tests_on_one_whole_site(tmp_path: Path) -> None:
    run = tiny_run("baseline")
    run = replace(run, split=SplitConfig(by="site", test_site="SEH", validation=0.3))

    data = prepare(run, "phantom:5", tmp_path, world=ALONE)

    assert {data.source.sites[name] for name in data.split.test} == {"SEH"}
    assert load_split(tmp_path / "split.json") == data.split
