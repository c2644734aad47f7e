"""Configurations: read whole, or refused by the name of the key."""

from pathlib import Path

import pytest

from synthesis.config import Config, ConfigRefusedError, ModelConfig, build, load_config, to_table

GOOD = '[release]\nname = "x"\nversion = "1"\ncreated = "2026-01-01"\n'


def config_of(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def test_what_is_not_said_has_its_default(tmp_path: Path) -> None:
    config = config_of(tmp_path, GOOD + "[training]\nsteps = 7\n")

    assert config.training.steps == 7
    assert config.model == ModelConfig()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (GOOD + "[training]\nstepps = 7\n", "Unknown key training.stepps"),
        (GOOD + "[colour]\n", "Unknown key colour"),
        ('[release]\nname = "x"\nversion = "1"\n', "Missing key release.created"),
        ("", "Missing key release"),
        (GOOD + '[training]\nsteps = "many"\n', "training.steps must be int"),
        (GOOD + "[training]\nsteps = true\n", "training.steps must be int"),
        (GOOD + "[training]\nsteps = 0\n", "at least one step"),
        (GOOD + "[model]\nfeatures = [8, 8]\n", "six stages"),
        (GOOD + "[model]\nspacing_zyx_mm = [4.0, 4.0]\n", "needs 3 values"),
        (GOOD + "[model]\nfeatures = 8\n", "must be a list"),
        (GOOD + "[cohort]\ntest = 0\n", "at least one participant"),
        ("[release\n", "not valid TOML"),
        ("release = 3\n", "release must be a table"),
    ],
)
def test_a_faulty_configuration_is_refused_with_its_key(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(ConfigRefusedError, match=sentence):
        config_of(tmp_path, text)


def test_settings_survive_the_way_through_a_table() -> None:
    model = ModelConfig(neighbours=1, features=(8, 8, 8, 8, 8, 8))

    assert build(ModelConfig, to_table(model)) == model


def test_input_channels_are_slices_times_windows() -> None:
    assert ModelConfig(neighbours=2).input_channels == 15
