"""Training files: read whole, or refused by the name of the key."""

from pathlib import Path

import pytest

from synthesis.config import (
    ConfigRefusedError,
    DomainConfig,
    FamilyRun,
    Pix2PixConfig,
    build,
    load_family_run,
    to_table,
)

HEAD = 'schema = 2\nfamily = "pix2pix"\n'
GOOD = HEAD + '[release]\nname = "x"\nversion = "1"\ncreated = "2026-01-01"\n'


def run_of(tmp_path: Path, text: str) -> FamilyRun:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load_family_run(path)


def test_what_is_not_said_has_its_default(tmp_path: Path) -> None:
    run = run_of(tmp_path, GOOD + "[training]\nseed = 7\n")

    assert run.training.seed == 7
    assert run.family == Pix2PixConfig()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (GOOD + "[training]\nsead = 7\n", "Unknown key training.sead"),
        (GOOD + "[colour]\n", "Unknown key colour"),
        (HEAD + '[release]\nname = "x"\nversion = "1"\n', "Missing key release.created"),
        (HEAD, "Missing key release"),
        ("", "names no schema. This version reads schema 2"),
        (GOOD.replace("schema = 2", "schema = 1"), "schema 1. This version reads schema 2"),
        (GOOD + '[training]\nseed = "many"\n', "training.seed must be int"),
        (GOOD + "[training]\nseed = true\n", "training.seed must be int"),
        (GOOD + "[recipe]\nsteps = 0\n", "at least one step"),
        (GOOD + "[generator]\nfeatures = [8, 8]\n", "six stages"),
        (GOOD + "[domain]\nspacing_zyx_mm = [4.0, 4.0]\n", "needs 3 values"),
        (GOOD + "[generator]\nfeatures = 8\n", "must be a list"),
        (GOOD + "[split]\ntest = 0.0\n", "positive and leave some to train"),
        (GOOD + '[split]\nby = "site"\n', "names its test_site"),
        ("[release\n", "not valid TOML"),
        (HEAD + "release = 3\n", "release must be a table"),
    ],
)
def test_a_faulty_configuration_is_refused_with_its_key(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(ConfigRefusedError, match=sentence):
        run_of(tmp_path, text)


def test_settings_survive_the_way_through_a_table() -> None:
    domain = DomainConfig(neighbours=1, patch=(64, 48))

    assert build(DomainConfig, to_table(domain)) == domain


def test_input_channels_are_slices_times_windows() -> None:
    assert DomainConfig(neighbours=2).source_channels == 15
