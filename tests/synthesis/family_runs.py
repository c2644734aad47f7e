"""Tiny trainings of families for tests: seconds on one core."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomli_w
import torch

from synthesis.config import FamilyRun, family_run, to_table
from synthesis.families import Family, save_parts
from synthesis.registry import CARD, WEIGHTS, Release, load_release, write_description
from synthesis.training import train_family
from synthesis.training.world import World

DATA = "phantom:5"
ALONE = World(0, 1, torch.device("cpu"))
RECIPES = {
    "baseline": ("recipe",),
    "pix2pix": ("recipe",),
    "pix2pix_ddpm": ("recipe",),
    "cpdm": ("recipe", "segmentor_recipe", "autoencoder_recipe"),
    "cascade3d": ("low_recipe", "high_recipe"),
}
TRAINING = {
    "threads": 1, "check_every": 2, "prefetch": 0, "validation_cases": 1, "images": 1,
    "test_samples": 2, "folds": 2, "validation_evaluations": 2,
}  # fmt: skip


def run_table(family: str, *, steps: int = 4, recipe: Any = None, **training: Any) -> dict[str, Any]:  # fmt: skip
    wanted = {"steps": steps, **(recipe or {})}
    table: dict[str, Any] = {
        "schema": 2,
        "family": family,
        "preset": "tiny",
        "release": {"name": f"tiny-{family}", "version": "1", "created": "2026-11-25"},
        "training": {**TRAINING, **training},
        "split": {"validation": 0.2, "test": 0.2},
        **dict.fromkeys(RECIPES[family], wanted),
    }
    if family == "pix2pix_ddpm":
        table["gan"] = {"recipe": wanted}
    return table


def tiny_run(family: str, **settings: Any) -> FamilyRun:
    return family_run(run_table(family, **settings))


def run_file(folder: Path, family: str, **settings: Any) -> Path:
    path = folder / f"{family}.toml"
    path.write_text(tomli_w.dumps(run_table(family, **settings)), encoding="utf-8")
    return path


def trained(family: str, out: Path, *, data: str = DATA, **settings: Any) -> Release:
    release = train_family(tiny_run(family, **settings), data, out, world=ALONE)
    assert release is not None
    return release


def release_of(family: Family, folder: Path, **training: Any) -> Release:
    """The family's weights as they are, as a release: nothing was measured."""
    folder.mkdir(parents=True)
    save_parts(family, folder / WEIGHTS)
    (folder / CARD).write_text("# as it is\n", encoding="utf-8")
    table = {
        "name": "as-it-is", "version": "0", "created": "2026-01-01",
        "family": family.config.family, "config": to_table(family.config), "training": training,
        "metrics": {},
    }  # fmt: skip
    write_description(folder, table)
    return load_release(folder)
