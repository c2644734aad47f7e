"""Releases: what is on the disk is what was released."""

from pathlib import Path

import pytest

from synthesis.families import load_family
from synthesis.registry import (
    CARD,
    DESCRIPTION,
    WEIGHTS,
    ReleaseRefusedError,
    load_release,
    packaged_releases,
)
from tests.synthesis.makers import TINY, untrained_release


def test_a_release_comes_back_with_its_settings_and_digest(tmp_path: Path) -> None:
    release = untrained_release(tmp_path / "r")

    assert load_release(tmp_path / "r", release.digest) == release
    assert release.config == TINY
    assert len(release.digest) == 64


def test_another_digest_than_expected_is_refused(tmp_path: Path) -> None:
    untrained_release(tmp_path / "r")

    with pytest.raises(ReleaseRefusedError, match="digest"):
        load_release(tmp_path / "r", "0" * 64)


@pytest.mark.parametrize("name", [WEIGHTS, CARD])
def test_a_changed_file_is_refused(tmp_path: Path, name: str) -> None:
    untrained_release(tmp_path / "r")
    path = tmp_path / "r" / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    with pytest.raises(ReleaseRefusedError, match=f"{name} of r was changed"):
        load_release(tmp_path / "r")


@pytest.mark.parametrize("name", [WEIGHTS, CARD, DESCRIPTION])
def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    untrained_release(tmp_path / "r")
    (tmp_path / "r" / name).unlink()

    with pytest.raises(ReleaseRefusedError, match=f"{name} is missing"):
        load_release(tmp_path / "r")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('family = "pix2pix"', 'family = "oracle"', "cannot run it"),
        ("schema = 2", "schema = 1", r"schema 1\. This version reads schema 2"),
        ("schema = 2", "schema = [2]", r"schema \[2\]\. This version reads"),
        ("neighbours = 1", "neighbors = 1", r"Unknown key domain\.neighbors"),
        ('name = "untrained"', "", "malformed"),
        ('name = "untrained"', "name =", "malformed"),
    ],
)
def test_a_description_that_is_not_understood_is_refused(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    untrained_release(tmp_path / "r")
    path = tmp_path / "r" / DESCRIPTION
    path.write_text(path.read_text("utf-8").replace(old, new), encoding="utf-8")

    with pytest.raises(ReleaseRefusedError, match=sentence):
        load_release(tmp_path / "r")


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    release = untrained_release(tmp_path / "r")
    text = (tmp_path / "r" / DESCRIPTION).read_text("utf-8")
    other = text.replace("neighbours = 1", "neighbours = 2")
    (tmp_path / "r" / DESCRIPTION).write_text(other, encoding="utf-8")

    assert load_family(release) is not None
    with pytest.raises(ReleaseRefusedError, match="do not fit"):
        load_family(load_release(tmp_path / "r"))


def test_the_packaged_release_is_whole_small_and_honest() -> None:
    releases = packaged_releases()

    assert [release.name for release in releases] == ["phantom-pix2pix"]
    (release,) = releases
    assert release.weights.stat().st_size < 10_000_000
    assert "Not for clinical use" in release.card
    assert "simulated" in release.card
    generator = load_family(release).networks["generator"]
    assert sum(p.numel() for p in generator.parameters()) < 2_500_000
