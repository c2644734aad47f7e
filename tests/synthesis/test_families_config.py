"""Configurations of families: presets, overrides, and refusals that name the key."""

from pathlib import Path
from typing import Any

import pytest
import tomli_w

from synthesis.config import (
    FAMILY_CONFIGS,
    PRESETS,
    BridgeConfig,
    Cascade3dConfig,
    ConfigRefusedError,
    DomainConfig,
    EdmConfig,
    FlowConfig,
    GaussianConfig,
    family_config,
    family_table,
    load_family_config,
    preset,
)

CPDM = {"schema": 2, "family": "cpdm", "preset": "tiny"}


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("family", FAMILY_CONFIGS)
def test_every_preset_survives_the_way_through_a_file(
    tmp_path: Path, family: str, name: str
) -> None:
    config = preset(family, name)
    path = tmp_path / "family.toml"
    path.write_text(tomli_w.dumps(family_table(config)), encoding="utf-8")

    assert load_family_config(path) == config


def test_what_is_said_replaces_what_the_preset_says_and_nothing_else() -> None:
    config = family_config({**CPDM, "bridge": {"eta": 0.5}})

    assert config.bridge == BridgeConfig(evaluations=4, eta=0.5, deterministic=True)  # type: ignore[union-attr]
    assert config.domain == preset("cpdm", "tiny").domain


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"family": "cpdm"}, "names no schema. This version reads schema 2"),
        ({"schema": 2}, "Missing key family"),
        ({"schema": 3, "family": "cpdm"}, "names schema 3. This version reads schema 2"),
        ({"schema": 2, "family": "vae"}, "Unknown family 'vae'; choose baseline, pix2pix"),
        ({**CPDM, "preset": "huge"}, "Unknown preset 'huge'; choose tiny, paper, h200"),
        ({**CPDM, "colour": 1}, "Unknown key colour"),
        ({**CPDM, "bridge": {"etta": 1}}, "Unknown key bridge.etta"),
        ({**CPDM, "space": "wavelet"}, "space must be one of pixel, latent, not 'wavelet'"),
        ({**CPDM, "domain": {"patch": [30, 32]}}, "multiple of 16 voxels, not \\(30, 32"),
        ({**CPDM, "domain": {"codec": {"scale": "square"}}}, "log2, linear, gamma"),
        ({**CPDM, "denoiser": {"channels": [16, 30]}}, "multiples of 4 groups"),
        ({**CPDM, "domain": 3}, "domain must be a table"),
    ],
)
def test_a_faulty_family_configuration_is_refused(table: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigRefusedError, match=sentence):
        family_config(table)


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "family.toml"
    path.write_text("schema = = 2", encoding="utf-8")

    with pytest.raises(ConfigRefusedError, match="not valid TOML"):
        load_family_config(path)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: BridgeConfig(m_first=0.0), "0 < m < 1"),
        (lambda: BridgeConfig(evaluations=0), "1 to T"),
        (lambda: BridgeConfig(boot_noise=True), "for the deterministic bridge"),
        (lambda: GaussianConfig(beta_last=1.0), "0 < beta < 1"),
        (lambda: GaussianConfig(eta=2.0), "eta in 0 to 1"),
        (lambda: EdmConfig(sigma_min=90.0), "smallest < largest"),
        (lambda: FlowConfig(source_noise=-1.0), "not below zero"),
        (lambda: DomainConfig(form="3d", neighbours=0), "patch has 3 sides"),
        (lambda: DomainConfig(form="2d"), "Neighbours are for the form 2.5d"),
        (lambda: Cascade3dConfig(chunk=(16, 32, 32)), "more than its overlaps"),
        (lambda: Cascade3dConfig(volume=(30, 32, 32)), "multiple of 16"),
    ],
)
def test_settings_that_mean_nothing_are_refused(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()


def test_a_fixed_scale_stands_in_every_table() -> None:
    table = family_table(preset("cascade3d", "paper"))

    assert table["domain"]["codec"] == {"top_suv": 25.0, "scale": "log2", "gamma": 2.0}
    assert table["domain"]["windows"] == ({"low_hu": -500.0, "high_hu": 500.0},)
