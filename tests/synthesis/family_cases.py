"""Tiny batches and families for tests: seconds on one core."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from synthesis.config import (
    FAMILY_CONFIGS,
    Cascade3dConfig,
    CpdmConfig,
    DomainConfig,
    FamilyConfig,
    GaussianConfig,
    preset,
)
from synthesis.families import Batch, Condition, Family

torch.set_num_threads(1)  # networks this small are faster on one core, and others need the rest
FAMILIES = tuple(FAMILY_CONFIGS)
PEOPLE = torch.tensor([[1.72, 71.0, 1.0, 64.0], [1.60, 60.0, 0.0, 51.0]])


def tiny(family: str, **changes: Any) -> FamilyConfig:
    return replace(preset(family, "tiny"), **changes)


def space_of(config: FamilyConfig) -> tuple[int, ...]:
    return config.volume if isinstance(config, Cascade3dConfig) else config.domain.patch


def smooth(*shape: int, seed: int) -> Tensor:
    """Blobs between 0 and 1, the same for the same seed."""
    space = shape[2:]
    small = torch.rand(
        *shape[:2], *(max(n // 8, 1) for n in space), generator=torch.Generator().manual_seed(seed)
    )
    mode = "bilinear" if len(space) == 2 else "trilinear"
    return torch.nn.functional.interpolate(small, size=space, mode=mode, align_corners=False)


def condition_of(config: FamilyConfig, n: int = 2, seed: int = 0) -> Condition:
    hu = -1000 + 1200 * smooth(n, config.domain.slices, *space_of(config), seed=seed)
    return Condition(hu=hu, kvp=(120.0, 100.0)[:n], demographics=PEOPLE[:n])


def batch_of(config: FamilyConfig, n: int = 2, seed: int = 0) -> Batch:
    condition = condition_of(config, n, seed)
    suv = 6 * smooth(n, 1, *space_of(config), seed=seed + 50) ** 2
    return Batch(
        condition=condition,
        suv=suv,
        lesion=(suv > 4).float(),
        body=torch.ones_like(suv),
    )


def overfit(
    family: Family,
    batch: Batch,
    steps: int,
    *,
    stages: tuple[str, ...] | None = None,
    rate: float = 3e-3,
) -> list[dict[str, float]]:
    """Descend one batch; return what each step showed."""
    chosen = family.stages if stages is None else stages
    names = [part for stage in chosen for part in family.parts(stage)]
    optimisers = {
        name: torch.optim.Adam(family.networks[name].parameters(), rate, betas=(0.9, 0.99))
        for name in names
    }
    generator = torch.Generator().manual_seed(1)
    family.networks.train()
    curve = []
    for step in range(steps):
        losses = family.fit_step(batch, generator, step=step, stages=stages)
        for name, total in losses.totals.items():
            optimisers[name].zero_grad(set_to_none=True)
            torch.autograd.backward(total)
            torch.nn.utils.clip_grad_norm_(family.networks[name].parameters(), 1.0)
            optimisers[name].step()
        curve.append({name: float(value) for name, value in losses.shown.items()})
    return curve


def cpdm(**changes: Any) -> CpdmConfig:
    config = tiny("cpdm", **changes)
    assert isinstance(config, CpdmConfig)
    return config


BLOCKS = DomainConfig(
    form="3d", spacing_zyx_mm=(16.0, 12.5, 12.5), neighbours=0, patch=(16, 16, 16),
    windows=preset("baseline", "tiny").domain.windows,
)  # fmt: skip


def blocks(name: str) -> FamilyConfig:
    if name == "pix2pix_ddpm":
        config: Any = tiny(name, process=GaussianConfig(evaluations=2))
        return replace(config, gan=replace(config.gan, domain=BLOCKS))
    if name == "cpdm":
        return tiny(name, domain=BLOCKS, overlap=4)
    return tiny(name, domain=BLOCKS)
