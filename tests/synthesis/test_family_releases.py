"""Every family, from the command's settings to a release: stopped and gone on, checked, run."""

import tempfile
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest
import torch

from evaluation.imaging import read_series
from synthesis.config import FAMILY_CONFIGS, family_run_table
from synthesis.contract import RefusedError
from synthesis.data import write_dicom
from synthesis.data.splits import folds, load_split
from synthesis.families import Condition, Family, build_family, load_family
from synthesis.inference import translator_of
from synthesis.jobs import translate_series
from synthesis.registry import (
    CARD,
    DESCRIPTION,
    WEIGHTS,
    Release,
    ReleaseRefusedError,
    load_release,
)
from synthesis.training import train_family
from tests.synthesis.family_cases import blocks
from tests.synthesis.family_runs import ALONE, DATA, tiny_run, trained
from tests.synthesis.makers import request_for, small_pair

FAMILIES = tuple(FAMILY_CONFIGS)
LAST_LEG = {
    "baseline": "generator", "pix2pix": "adversarial", "pix2pix_ddpm": "diffusion",
    "cpdm": "bridge", "cascade3d": "high",
}  # fmt: skip


class StoppedError(Exception):
    """Somebody pulled the plug."""


@lru_cache(maxsize=8)
def finished(family: str) -> tuple[Path, Release]:
    """One training a family and process; its folder is never changed."""
    out = Path(tempfile.mkdtemp(prefix=f"family-{family}-"))
    return out, trained(family, out)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_training_stopped_between_checkpoints_ends_the_same(tmp_path: Path, family: str) -> None:
    straight, release = finished(family)

    def stop(stage: str, done: int, _total: int) -> None:
        if stage == LAST_LEG[family] and done == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_family(tiny_run(family), DATA, tmp_path, world=ALONE, report=stop)
    again = trained(family, tmp_path)

    assert (tmp_path / "curves.csv").read_bytes() == (straight / "curves.csv").read_bytes()
    assert again.weights_sha256 == release.weights_sha256
    assert again.digest == release.digest


@pytest.mark.parametrize("family", FAMILIES)
def test_a_release_says_what_it_is_and_is_verified(family: str) -> None:
    out, release = finished(family)

    assert load_release(out / "release", release.digest).digest == release.digest
    assert release.config == tiny_run(family).family
    assert release.training["split_sha256"] == load_split(out / "split.json").digest
    assert release.training["settings_sha256"] == tiny_run(family).digest
    assert "Not for clinical use" in release.card
    assert release.training["split_sha256"] in release.card
    assert {p.name for p in (out / "release").iterdir()} == {WEIGHTS, CARD, DESCRIPTION}


@pytest.mark.parametrize("family", [f for f in FAMILIES if f != "cascade3d"])
def test_a_release_is_measured_beside_three_controls(family: str) -> None:
    out, release = finished(family)
    predictors = {"model", "zero", "body_mean", "lesions_erased"}
    if release.config.family == "pix2pix_ddpm":
        predictors.add("mean_of_samples")

    images = release.metrics["images"]

    assert set(images) == predictors
    assert set(images["model"]) >= {"mae_suv", "psnr_db", "ssim", "mae_suv_low", "mae_suv_high"}
    assert images["lesions_erased"]["ssim"] > 0.9 > images["zero"]["ssim"]
    assert release.metrics["lesions"]["zero"]["median_recovery"] == 0
    assert release.metrics["hallucination"]["zero"]["stray_foci"] == 0
    assert release.metrics["hallucination"]["model"]["removed_foci"] > 0
    rows = (out / "held_out.csv").read_text("utf-8").splitlines()
    assert rows[0] == "participant,predictor,quantity,value"
    assert any(",model,mae_suv," in row for row in rows)


def test_twins_are_compared_with_all_participants() -> None:
    _, release = finished("cascade3d")

    assert set(release.metrics["images"]) == {"acquired", "model"}
    assert release.metrics["images"]["acquired"]["body_mean_suv"] > 0
    assert "A twin is nobody" in release.card


@pytest.mark.parametrize("family", FAMILIES)
def test_a_release_samples_what_was_trained(family: str) -> None:
    _, release = finished(family)
    loaded = load_family(release)
    fresh = build_family(release.config)

    assert _sample(loaded).numpy().tobytes() == _sample(load_family(release)).numpy().tobytes()
    assert not torch.equal(_sample(loaded), _sample(fresh))


def _sample(family: Family) -> torch.Tensor:
    config = family.config
    people = torch.tensor([[1.7, 70.0, 1.0, 60.0]])
    hu = torch.full((1, config.domain.slices, 32, 32), 40.0)
    if config.family == "cascade3d":
        return family.sample(Condition(demographics=people), seed=1, evaluations=1)
    return family.sample(Condition(hu=hu, kvp=(120.0,)), seed=1, evaluations=2)


def test_validation_images_are_written_as_png() -> None:
    out, _ = finished("baseline")
    images = sorted((out / "images").iterdir())

    assert [p.name.split("-")[0] for p in images] == ["generator", "generator"]
    assert images[0].read_bytes()[:4] == b"\x89PNG"


def test_attention_maps_come_from_a_segmentor_that_never_saw_the_participant() -> None:
    out, _ = finished("cpdm")
    split = load_split(out / "split.json")
    held = folds(split.train, 2, seed=tiny_run("cpdm").training.seed)
    legs = [line.split(",")[0] for line in (out / "curves.csv").read_text("utf-8").splitlines()]

    assert {p.stem for p in (out / "attention").iterdir()} == set(split.train)
    assert {name for fold in held for name in fold} == set(split.train)
    assert list(dict.fromkeys(legs)) == [
        "leg", "segmentor-fold0", "segmentor-fold1", "segmentor", "bridge",
    ]  # fmt: skip


def test_a_latent_bridge_trains_its_autoencoder_first_and_scales_its_latent(tmp_path: Path) -> None:
    run = tiny_run("cpdm", steps=2)
    run = replace(run, family=replace(run.family, space="latent", attention=False))

    train_family(run, DATA, tmp_path, world=ALONE)

    scale = load_family(load_release(tmp_path / "release")).networks["autoencoder"].latent_scale
    assert float(scale) != 1
    assert (tmp_path / "curves.csv").read_text("utf-8").index("autoencoder") < 60


def test_weights_of_another_family_are_refused() -> None:
    _, release = finished("baseline")
    _, other = finished("pix2pix_ddpm")

    with pytest.raises(ReleaseRefusedError, match="do not fit its networks"):
        load_family(replace(release, folder=other.folder))


def test_twins_make_no_pet_of_a_ct() -> None:
    _, release = finished("cascade3d")

    with pytest.raises(RefusedError, match="makes no PET of a CT"):
        translator_of(release, torch.device("cpu"))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_run_survives_the_way_through_a_table(family: str) -> None:
    run = tiny_run(family)

    assert tiny_run(family).digest == run.digest
    assert family_run_table(run)["training"]["seed"] == 5


@pytest.mark.parametrize("family", ["baseline", "cpdm"])
def test_a_release_of_a_family_makes_a_dicom_series_as_the_portal_asks(
    tmp_path: Path, family: str
) -> None:
    _, release = finished(family)
    write_dicom(small_pair(), tmp_path / "phantom", with_pet=False)
    request = request_for(tmp_path / "phantom" / "CT", release, tmp_path / "out")

    result = translate_series.run(request)

    assert result.status == "succeeded", result.reason
    assert result.release_sha256 == release.digest
    written = read_series(tmp_path / "out", allow_synthetic=True)
    assert written.modality == "PT"
    again = translate_series.run(replace(request, out_dir=str(tmp_path / "again")))
    assert again.series_sha256 == result.series_sha256


def test_a_ct_without_tube_voltage_is_refused_by_a_family_that_needs_it() -> None:
    _, release = finished("cpdm")
    translate = translator_of(release, torch.device("cpu"))

    with pytest.raises(RefusedError, match="tube voltage"):
        translate((small_pair().ct, None), 1, lambda _d, _t, _s: None, lambda: False)


def test_a_fusion_family_trains_and_is_not_measured_in_suv(tmp_path: Path) -> None:
    run = tiny_run("pix2pix", steps=2)
    fusion = replace(run.family.domain, target="fusion")

    release = train_family(
        replace(run, family=replace(run.family, domain=fusion)), DATA, tmp_path, world=ALONE
    )

    assert release is not None
    assert release.metrics["images"] == {}
    assert "has no SUV and was not measured" in release.card
    with pytest.raises(RefusedError, match="makes no PET of a CT"):
        translator_of(release, torch.device("cpu"))


@pytest.mark.parametrize("name", ["baseline", "cpdm"])
def test_families_of_blocks_train_and_are_measured_on_whole_volumes(
    tmp_path: Path, name: str
) -> None:
    run = replace(tiny_run(name, check_every=20), family=blocks(name))

    release = train_family(run, DATA, tmp_path, world=ALONE)

    assert release is not None
    assert release.metrics["images"]["model"]["mae_suv"] > 0
