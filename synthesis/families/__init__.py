"""The model zoo: one interface, one builder a family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from synthesis.config import FamilyConfig
from synthesis.families.base import Family
from synthesis.families.baseline import Baseline
from synthesis.families.cascade3d import Cascade3d
from synthesis.families.cpdm import Cpdm
from synthesis.families.loading import fill_parts, save_parts
from synthesis.families.pix2pix import Pix2Pix
from synthesis.families.pix2pix_ddpm import Pix2PixDdpm
from synthesis.families.records import (
    Batch,
    Condition,
    ConditionRefusedError,
    Losses,
    Spec,
)
from synthesis.registry import Release

BUILDERS: dict[str, Callable[[Any, int], Family]] = {
    "baseline": Baseline,
    "pix2pix": Pix2Pix,
    "pix2pix_ddpm": Pix2PixDdpm,
    "cpdm": Cpdm,
    "cascade3d": Cascade3d,
}


def build_family(
    config: FamilyConfig, *, seed: int = 0, device: torch.device | str = "cpu"
) -> Family:
    """Return the family of a configuration; its first weights follow from the seed."""
    family = BUILDERS[config.family](config, seed)
    family.networks.to(device)
    return family


def load_family(release: Release, *, device: torch.device | str = "cpu") -> Family:
    """Return the family of a release with its weights, ready to sample on a device.

    Raises
    ------
    ReleaseRefusedError
        When the weights do not fit.
    """
    return fill_parts(build_family(release.config, device=device), release)


__all__ = [
    "BUILDERS",
    "Batch",
    "Condition",
    "ConditionRefusedError",
    "Family",
    "Losses",
    "Spec",
    "build_family",
    "fill_parts",
    "load_family",
    "save_parts",
]
