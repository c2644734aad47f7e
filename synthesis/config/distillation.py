"""How a student of few network evaluations is made from a released teacher of many."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from synthesis.config.families import CpdmConfig, FamilyConfig, Pix2PixDdpmConfig
from synthesis.config.reading import ConfigRefusedError, build, to_table
from synthesis.config.recipe import RecipeConfig
from synthesis.config.release import ReleaseConfig
from synthesis.config.run import FamilyTrainingConfig, table_of

SCHEMA = 2


@dataclass(frozen=True, slots=True)
class DistillationConfig:
    """What the student is.

    Attributes
    ----------
    evaluations
        Of the denoiser that the student samples with; it is trained on exactly these.
    substeps
        Evaluations of the teacher that the student makes in one.
    recipe
        How the student's denoiser is trained, from the teacher's weights on.
    """

    evaluations: int = 4
    substeps: int = 8
    recipe: RecipeConfig = field(
        default_factory=lambda: RecipeConfig(steps=5000, rate=1e-4, ema_decay=0.999)
    )

    def __post_init__(self) -> None:
        """Refuse a student that learns nothing."""
        if self.evaluations < 1 or self.substeps < 2:
            raise ValueError("A student has one evaluation or more and does two or more in one.")

    @property
    def teacher_evaluations(self) -> int:
        """Evaluations of the teacher's way."""
        return self.evaluations * self.substeps


@dataclass(frozen=True, slots=True)
class DistillationRun:
    """Everything that one distillation is made from, but the teacher and the data."""

    release: ReleaseConfig
    distillation: DistillationConfig = field(default_factory=DistillationConfig)
    training: FamilyTrainingConfig = field(default_factory=FamilyTrainingConfig)

    @property
    def digest(self) -> str:
        """SHA-256 of all settings."""
        text = json.dumps(to_table(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def load_distillation(path: Path) -> DistillationRun:
    """Return the run that a file describes; the family and the split come from the teacher.

    Raises
    ------
    ConfigRefusedError
        When the file is no TOML, is of another schema, or a key is unknown, missing or of the
        wrong kind.
    """
    return distillation_run(table_of(path))


def distillation_run(table: Mapping[str, Any]) -> DistillationRun:
    """Return the run of a table with `schema`, `[release]`, `[distillation]`, `[training]`."""
    if table.get("schema") != SCHEMA:
        raise ConfigRefusedError(
            f"This distillation has schema {table.get('schema')!r}; this version reads schema "
            f"{SCHEMA}."
        )
    return build(DistillationRun, {k: v for k, v in table.items() if k != "schema"})


def teacher_config(config: FamilyConfig, distillation: DistillationConfig) -> FamilyConfig:
    """Return a released configuration as a way without noise that a student can follow.

    A stochastic bridge becomes its deterministic form from a noisy start, which has the same
    marginals (DBIM, Zheng 2024): the image is then a function of source and noise.

    Raises
    ------
    ConfigRefusedError
        When the family is no diffusion from a CT, or has fewer steps than the way needs.
    """
    count = distillation.teacher_evaluations
    try:
        if isinstance(config, CpdmConfig) and config.path == "flow":
            return replace(config, flow=replace(config.flow, evaluations=count))
        if isinstance(config, CpdmConfig):
            bridge = replace(
                config.bridge, deterministic=True, eta=0.0, boot_noise=False, spacing="trailing",
                start_noise=config.bridge.stochastic, evaluations=count,
            )  # fmt: skip
            return replace(config, bridge=bridge)
        if isinstance(config, Pix2PixDdpmConfig):
            process = replace(config.process, eta=0.0, spacing="trailing", evaluations=count)
            return replace(config, process=process)
    except ValueError as error:
        raise ConfigRefusedError(f"The teacher cannot take {count} steps: {error}") from error
    raise ConfigRefusedError(
        f"{config.family} cannot be distilled; cpdm and pix2pix_ddpm can: they go from a CT to a "
        "PET in many evaluations of one network."
    )


def student_config(config: FamilyConfig, distillation: DistillationConfig) -> FamilyConfig:
    """Return the configuration of the student of a released configuration.

    Where the teacher says epsilon the student says v: from pure noise, the estimate of x0 that
    follows from epsilon has no precision left (Salimans 2022, section 4).
    """
    way, count = teacher_config(config, distillation), distillation.evaluations
    if isinstance(way, Pix2PixDdpmConfig):
        target = "v" if way.process.target == "epsilon" else way.process.target
        process = replace(way.process, evaluations=count, target=target)
        return replace(way, process=process, recipe=distillation.recipe)
    if not isinstance(way, CpdmConfig):
        raise ConfigRefusedError(f"{way.family} cannot be distilled.")
    return replace(
        way,
        bridge=replace(way.bridge, evaluations=count) if way.path == "bridge" else way.bridge,
        flow=replace(way.flow, evaluations=count),
        recipe=distillation.recipe,
    )
