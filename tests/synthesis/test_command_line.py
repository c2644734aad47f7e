"""`python -m synthesis`: what a person types, and what they are told."""

import json
from pathlib import Path

import pytest

from synthesis.__main__ import COMMANDS, main
from synthesis.data import write_dicom
from tests.synthesis.family_runs import run_file
from tests.synthesis.makers import small_pair, untrained_release

Captured = pytest.CaptureFixture[str]


def test_without_a_command_the_commands_are_named(capsys: Captured) -> None:
    assert main([]) == 2
    assert "|".join(COMMANDS) in capsys.readouterr().err


def test_translate_writes_a_series_and_prints_the_result(tmp_path: Path, capsys: Captured) -> None:
    write_dicom(small_pair(), tmp_path / "phantom", with_pet=False)
    untrained_release(tmp_path / "release")
    ct, release, out = (str(tmp_path / part) for part in ("phantom/CT", "release", "out"))

    status = main(["translate", "--ct", ct, "--release", release, "--out", out])

    said = capsys.readouterr()
    assert status == 0, said.err
    result = json.loads(said.out)
    assert len(list(Path(out).iterdir())) == len(result["files"])


def test_translate_names_the_releases_when_the_wanted_one_is_unknown(
    tmp_path: Path, capsys: Captured
) -> None:
    status = main(["translate", "--ct", str(tmp_path), "--release", "nope", "--out", "x"])

    said = capsys.readouterr()
    assert status == 1, said.err
    assert "No release 'nope'" in said.err


def test_translate_says_in_one_sentence_why_a_ct_is_refused(
    tmp_path: Path, capsys: Captured
) -> None:
    untrained_release(tmp_path / "release")
    (tmp_path / "empty").mkdir()
    release, out = str(tmp_path / "release"), str(tmp_path / "out")

    status = main(
        ["translate", "--ct", str(tmp_path / "empty"), "--release", release, "--out", out]
    )

    said = capsys.readouterr()
    assert status == 1, said.err
    assert "No file was given." in said.err
    assert not Path(out).exists()


def test_train_refuses_an_unknown_key(tmp_path: Path, capsys: Captured) -> None:
    config = tmp_path / "config.toml"
    text = run_file(tmp_path, "baseline").read_text("utf-8") + "[wrong]\n"
    config.write_text(text, encoding="utf-8")

    status = main(["train", str(config), "--data", "phantom:5", "--out", str(tmp_path / "out")])

    said = capsys.readouterr()
    assert status == 2, said.err
    assert "Unknown key wrong" in said.err
    assert not (tmp_path / "out").exists()
