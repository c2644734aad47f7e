"""Whether weights are those of the networks: asked of shapes, without building the networks."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from synthesis.config import FAMILY_SCHEMA, family_config, to_table
from synthesis.families import build_family, save_parts
from synthesis.families.fit import require_fit, tensors_of
from synthesis.jobs import check_release
from synthesis.registry import (
    CARD,
    DESCRIPTION,
    WEIGHTS,
    Release,
    ReleaseRefusedError,
    load_release,
    write_description,
)
from tests.synthesis.makers import untrained_release

FAMILIES = ("baseline", "pix2pix", "pix2pix_ddpm", "cpdm", "cascade3d")


def untrained_family(folder: Path, name: str) -> Release:
    """A release with the first weights of its family."""
    config = family_config({"schema": FAMILY_SCHEMA, "family": name, "preset": "tiny"})
    folder.mkdir(parents=True)
    save_parts(build_family(config), folder / WEIGHTS)
    (folder / CARD).write_text("# untrained\n", encoding="utf-8")
    table = {
        "name": f"untrained-{name}", "version": "0", "created": "2026-01-01", "family": name,
        "config": to_table(config), "training": {}, "metrics": {},
    }  # fmt: skip
    write_description(folder, table)
    return load_release(folder)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_weights_of_every_family_fit_its_networks(tmp_path: Path, name: str) -> None:
    require_fit(untrained_family(tmp_path / "r", name))


def changed(tmp_path: Path, change: dict[str, torch.Tensor | None]) -> Release:
    release = untrained_release(tmp_path / "r")
    tensors = load_file(release.weights)
    for name, tensor in change.items():
        tensors.pop(name, None)
        if tensor is not None:
            tensors[name] = tensor
    save_file(tensors, release.weights)
    return release


FIRST = "generator/network.conv_0.conv_0.adn.N.bias"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({FIRST: None}, f"{FIRST} is missing"),
        ({"extra": torch.zeros(1)}, "extra belongs to none"),
        ({FIRST: torch.zeros(5)}, r"has shape \[5\] where \[4\] is needed"),
        ({FIRST: torch.zeros(4, dtype=torch.float16)}, "holds F16 where F32 is needed"),
        ({FIRST: torch.full((4,), torch.nan)}, "values that are no numbers"),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_the_tensor(
    tmp_path: Path, change: dict[str, torch.Tensor | None], sentence: str
) -> None:
    with pytest.raises(ReleaseRefusedError, match=sentence):
        require_fit(changed(tmp_path, change))


def test_networks_that_would_not_fit_into_any_memory_are_refused_without_being_built(
    tmp_path: Path,
) -> None:
    release = untrained_release(tmp_path / "r")
    path = release.folder / DESCRIPTION
    text = path.read_text("utf-8")
    assert "features = [\n    4," in text
    huge = text.replace("features = [\n    4,", "features = [\n    40000000,")
    path.write_text(huge, encoding="utf-8")

    assert (
        max(max(h.shape, default=0) for h in tensors_of(load_release(tmp_path / "r")).values())
        >= 40_000_000
    )
    with pytest.raises(ReleaseRefusedError, match="has shape"):
        require_fit(load_release(tmp_path / "r"))


def test_the_command_answers_with_the_digest_or_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    release = untrained_release(tmp_path / "r")
    monkeypatch.setattr(check_release, "limit_process", lambda: None)  # it would limit this one

    assert check_release.main([str(release.folder)]) == 0
    assert check_release.main([str(release.folder), "--digest", "0" * 64]) == 2
    said = capsys.readouterr()
    assert said.out == f"{release.digest}\n"
    assert "has digest" in said.err


def test_the_process_bounds_itself() -> None:
    child = os.fork()
    if child == 0:
        check_release.limit_process()
        wanted = {
            resource.RLIMIT_AS: check_release.MEMORY,
            resource.RLIMIT_CPU: check_release.SECONDS,
            resource.RLIMIT_FSIZE: check_release.FILE,
            resource.RLIMIT_CORE: 0,
        }
        os._exit(any(resource.getrlimit(kind)[1] > most for kind, most in wanted.items()))
    assert os.waitpid(child, 0)[1] == 0
