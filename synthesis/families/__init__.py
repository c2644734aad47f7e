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
from synthesis.families.pix2pix import Pix2Pix
from synthesis.families.pix2pix_ddpm import Pix2PixDdpm
from synthesis.families.records import (
    Batch,
    Condition,
    ConditionRefusedError,
    Losses,
    Spec,
)

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


__all__ = [
    "BUILDERS",
    "Batch",
    "Condition",
    "ConditionRefusedError",
    "Family",
    "Losses",
    "Spec",
    "build_family",
]
