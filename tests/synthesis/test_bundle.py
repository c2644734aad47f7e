"""A release as a MONAI bundle: MONAI's own tools read it, and what comes back is the release."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from monai.bundle import run as run_bundle
from monai.bundle.scripts import verify_net_in_out
from monai.bundle.utils import DEFAULT_METADATA

from evaluation.imaging import Grid, Volume, read_nifti
from evaluation.imaging.nifti import write_nifti
from synthesis.families import load_family
from synthesis.inference import synthesise_volume
from synthesis.inference.bundle import write_bundle
from synthesis.inference.bundle_parts import bundle_network
from synthesis.jobs import bundle_release
from synthesis.registry import (
    BUNDLE,
    DESCRIPTION,
    ReleaseRefusedError,
    load_bundle,
    unpack_release,
    write_zip,
)
from synthesis.registry.release import load_release
from tests.synthesis.test_release_check import untrained_family

FILES = {
    "LICENSE", "configs/metadata.json", "configs/inference.json", "configs/release.toml",
    "models/model.pt", "models/model.safetensors", "docs/README.md",
}  # fmt: skip


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory):
    return untrained_family(tmp_path_factory.mktemp("families") / "r", "baseline")


@pytest.fixture(scope="module")
def bundle(release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(release, tmp_path_factory.mktemp("bundles") / "bundle")


def parser_of(bundle: Path) -> ConfigParser:
    parser = ConfigParser()
    parser.read_meta(str(bundle / "configs/metadata.json"))
    parser.read_config(str(bundle / "configs/inference.json"))
    parser["bundle_root"] = str(bundle)
    return parser


def small_ct() -> Volume:
    grid = Grid((5, 20, 22), (8.0, 8.0, 8.0), (-80.0, -70.0, 5.0))
    hu = np.random.default_rng(2).uniform(-1000, 400, grid.shape).astype(np.float32)
    return Volume(hu, grid, "HU")


def test_a_bundle_holds_the_files_of_the_specification_and_no_other(bundle: Path) -> None:
    found = {str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file()}
    assert found == FILES
    assert found <= set(BUNDLE.wanted) | BUNDLE.left_alone


def test_the_metadata_say_what_the_specification_asks_for(bundle: Path, release) -> None:
    said = json.loads((bundle / "configs/metadata.json").read_text("utf-8"))

    assert set(DEFAULT_METADATA) <= set(said)
    assert "Never for diagnosis" in said["intended_use"]
    assert said["release_sha256"] == release.digest
    image, pred = (
        said["network_data_format"][a][b] for a, b in (("inputs", "image"), ("outputs", "pred"))
    )
    for side in (image, pred):
        assert {
            "type", "format", "num_channels", "spatial_shape", "dtype", "value_range",
            "is_patch_data", "channel_def",
        } <= set(side)  # fmt: skip
        assert side["spacing_zyx_mm"] == list(release.config.domain.spacing_zyx_mm)
    assert pred["value_range"] == [0.0, release.codec.top_suv]
    assert "SUV" in pred["channel_def"]["0"]


def test_monai_finds_every_property_that_an_inference_needs(bundle: Path) -> None:
    workflow = ConfigWorkflow(
        config_file=str(bundle / "configs/inference.json"),
        meta_file=str(bundle / "configs/metadata.json"),
        workflow_type="infer",
        bundle_root=str(bundle),
    )
    workflow.initialize()
    assert not workflow.check_properties()


def test_monai_verifies_shape_and_type_of_what_the_network_gives(bundle: Path) -> None:
    verify_net_in_out(
        net_id="network_def",
        meta_file=str(bundle / "configs/metadata.json"),
        config_file=str(bundle / "configs/inference.json"),
        device="cpu",
        any=16,
        bundle_root=str(bundle),
    )


def test_a_run_of_the_bundle_writes_the_image_that_the_release_makes(
    bundle: Path, release, tmp_path: Path
) -> None:
    ct = small_ct()
    (tmp_path / "ct").mkdir()
    write_nifti(ct, tmp_path / "ct" / "one.nii.gz")
    run_bundle(
        run_id="run",
        config_file=str(bundle / "configs/inference.json"),
        meta_file=str(bundle / "configs/metadata.json"),
        bundle_root=str(bundle),
        dataset_dir=str(tmp_path / "ct"),
        output_dir=str(tmp_path / "pet"),
        device="cpu",
    )

    written = read_nifti(tmp_path / "pet" / "one_synthetic_pet.nii.gz", "SUVbw")
    expected, grid = synthesise_volume(load_family(release), ct)
    np.testing.assert_allclose(written.array, expected.first, atol=1e-5)
    np.testing.assert_allclose(written.grid.affine(), grid.affine(), atol=1e-3)


def test_the_pickled_copy_holds_the_state_of_the_network_and_nothing_else(bundle: Path) -> None:
    state = torch.load(bundle / "models" / "model.pt", weights_only=True)
    network = bundle_network(str(bundle))
    own = network.state_dict()

    assert state.keys() == own.keys()
    assert all(torch.equal(state[name], own[name]) for name in own)
    assert not network.load_state_dict(state).missing_keys


def test_the_release_comes_back_from_folder_and_zip_whatever_the_pickle_holds(
    bundle: Path, release, tmp_path: Path
) -> None:
    names = sorted(str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file())
    poison = tmp_path / "model.pt"
    poison.write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    files = {name: poison if name.endswith(".pt") else bundle / name for name in names}
    stream = io.BytesIO()
    write_zip(files, stream)
    unpack_release(stream, tmp_path / "back")

    assert load_bundle(bundle).digest == release.digest
    assert load_release(tmp_path / "back").digest == release.digest
    assert not (tmp_path / "back" / "model.pt").exists()


def test_the_same_release_gives_the_same_zip(bundle: Path) -> None:
    one, two = io.BytesIO(), io.BytesIO()
    for stream in (one, two):
        write_zip({"a": bundle / "LICENSE", "b": bundle / "docs/README.md"}, stream)
    assert one.getvalue() == two.getvalue()


def test_a_bundle_that_was_changed_is_refused(release, tmp_path: Path) -> None:
    bundle = write_bundle(release, tmp_path / "b")
    path = bundle / "configs" / DESCRIPTION
    path.write_text(path.read_text("utf-8") + "\n# more\n", encoding="utf-8")
    assert load_bundle(bundle).digest != release.digest
    (bundle / "docs/README.md").write_text("another card", encoding="utf-8")
    with pytest.raises(ReleaseRefusedError, match="was changed"):
        bundle_network(str(bundle))


@pytest.mark.parametrize("name", ["pix2pix", "pix2pix_ddpm", "cpdm"])
def test_every_family_that_translates_ct_makes_a_bundle(tmp_path: Path, name: str) -> None:
    bundle = write_bundle(untrained_family(tmp_path / "r", name), tmp_path / "b")
    network = bundle_network(str(bundle))
    size = 16 if network.domain.dimensions == 2 else 32
    with torch.no_grad():
        pet = network(torch.full((1, 1, 2, size, size), -50.0), kvp=120.0)
    assert pet.shape == (1, 1, 2, size, size)
    assert bool(torch.isfinite(pet).all())


def test_twins_make_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(ReleaseRefusedError, match="makes no PET of a CT"):
        write_bundle(untrained_family(tmp_path / "r", "cascade3d"), tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_the_command_writes_a_bundle_once(release, tmp_path: Path, capsys) -> None:
    arguments = [str(release.folder), "--out", str(tmp_path / "b")]
    assert bundle_release.main(arguments) == 0
    assert bundle_release.main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == f"{tmp_path / 'b'}\n"
    assert "b exists" in said.err
