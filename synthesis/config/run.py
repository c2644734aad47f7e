"""How a family is trained: what a training file says beside the family itself."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from synthesis.config.families import FamilyConfig
from synthesis.config.family_reading import family_config, family_table, require_schema
from synthesis.config.reading import ConfigRefusedError, build, to_table
from synthesis.config.release import ReleaseConfig

Measure = Literal["body_mae", "lesion_recovery", "loss"]
Precision = Literal["auto", "float32", "bfloat16"]
OWN_PARTS = ("training", "release", "split")


@dataclass(frozen=True, slots=True)
class AugmentationRanges:
    """The largest change of each kind, either way.

    Attributes
    ----------
    turn_degrees
        About the long axis of the body.
    size
        Relative change of size in the plane.
    shift_mm
        In the plane.
    hu_offset, hu_noise
        Calibration of the CT and the largest standard deviation of added noise.
    """

    turn_degrees: float = 8.0
    size: float = 0.08
    shift_mm: float = 24.0
    hu_offset: float = 8.0
    hu_noise: float = 15.0

    def __post_init__(self) -> None:
        """Refuse ranges that would turn a body over or shrink it to nothing."""
        if not 0 <= self.turn_degrees <= 45 or not 0 <= self.size < 0.5:
            raise ValueError("A body is turned by at most 45 degrees and resized by at most half.")
        if min(self.shift_mm, self.hu_offset, self.hu_noise) < 0:
            raise ValueError("Ranges of augmentation are not negative.")


@dataclass(frozen=True, slots=True)
class SplitConfig:
    """Who trains, tunes and tests: shares of every site, or one whole site left out.

    Attributes
    ----------
    by
        `participant`: every site gives its share to every part. `site`: `test_site` is tested on.
    """

    by: Literal["participant", "site"] = "participant"
    test_site: str = ""
    validation: float = 0.1
    test: float = 0.2
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse shares that leave nobody to learn from, and a site that is not named."""
        if min(self.validation, self.test) <= 0 or self.validation + self.test >= 1:
            raise ValueError("Shares of validation and test are positive and leave some to train.")
        if (self.by == "site") != bool(self.test_site):
            raise ValueError("A split by site names its test_site; one by participant does not.")


@dataclass(frozen=True, slots=True)
class FamilyTrainingConfig:
    """One run over all stages of a family; steps and rates stand in the stages' recipes.

    Attributes
    ----------
    precision
        Of the networks: `auto` is bfloat16 on CUDA and float32 elsewhere. Losses are float32.
    deterministic
        Only algorithms that give the same bytes again: `auto` on the CPU, where it costs nothing;
        `always` also on CUDA, where some networks have layers without such an algorithm (torch
        then ends the training and names the layer).
    check_every
        Steps between two checks: validation, curves, checkpoint.
    measure
        What early stopping and the choice of weights look at: error inside the body, the distance
        of the median SUVmax recovery of lesions from one, or the stage's own loss. Stages that give
        no PET of a given CT (segmentor, autoencoder, the cascade) always take the loss.
    patience
        Checks without progress before a stage stops early; 0 never stops.
    keep
        Which weights a stage ends with.
    validation_cases, validation_evaluations
        Participants that a check translates (0: all) and network evaluations for each.
    lesion_share
        Share of the training patches that are centred on a lesion.
    organ_weights
        Pairs of an organ's name and how much its voxels count; others count 1.
    folds
        Groups for out-of-fold attention maps.
    prefetch
        Processes that make images and prepare batches ahead; neither depends on how many.
    """

    seed: int = 5
    precision: Precision = "auto"
    deterministic: Literal["auto", "always", "never"] = "auto"
    threads: int = 2
    check_every: int = 500
    measure: Measure = "body_mae"
    patience: int = 0
    keep: Literal["best", "last"] = "best"
    validation_cases: int = 4
    validation_evaluations: int = 10
    images: int = 2
    lesion_share: float = 0.5
    augment: bool = True
    augmentation: AugmentationRanges = field(default_factory=AugmentationRanges)
    organ_weights: tuple[tuple[str, float], ...] = ()
    folds: int = 3
    prefetch: int = 2
    test_samples: int = 4

    def __post_init__(self) -> None:
        """Refuse a training that cannot run."""
        positive = (self.check_every, self.threads, self.validation_evaluations, self.test_samples)
        if min(positive) < 1 or min(self.patience, self.validation_cases, self.images) < 0:
            raise ValueError("Checks, threads and evaluations are positive; counts not negative.")
        if any(weight < 0 for _, weight in self.organ_weights):
            raise ValueError("Organ weights are not negative.")
        if not 0 <= self.lesion_share <= 1 or self.folds < 2 or self.prefetch < 0:
            raise ValueError("The lesion share lies in 0 to 1, and there are two folds or more.")


@dataclass(frozen=True, slots=True)
class FamilyRun:
    """Everything that one training of a family is made from, but the data."""

    family: FamilyConfig
    release: ReleaseConfig
    training: FamilyTrainingConfig = field(default_factory=FamilyTrainingConfig)
    split: SplitConfig = field(default_factory=SplitConfig)

    @property
    def digest(self) -> str:
        """SHA-256 of all settings."""
        text = json.dumps(family_run_table(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def load_family_run(path: Path) -> FamilyRun:
    """Return the run that a training file describes.

    Raises
    ------
    ConfigRefusedError
        When the file is no TOML, is of another schema, or a key is unknown, missing or of the
        wrong kind.
    """
    return family_run(table_of(path))


def family_run(table: Mapping[str, Any]) -> FamilyRun:
    """Return the run of a table: `[release]`, `[training]`, `[split]`, and the family's keys."""
    require_schema(table)
    if "release" not in table:
        raise ConfigRefusedError("Missing key release.")
    for part in OWN_PARTS:
        if not isinstance(table.get(part, {}), Mapping):
            raise ConfigRefusedError(f"{part} must be a table.")
    return FamilyRun(
        family=family_config({k: v for k, v in table.items() if k not in OWN_PARTS}),
        release=build(ReleaseConfig, table["release"], "release."),
        training=build(FamilyTrainingConfig, table.get("training", {}), "training."),
        split=build(SplitConfig, table.get("split", {}), "split."),
    )


def family_run_table(run: FamilyRun) -> dict[str, Any]:
    """Return a table that `family_run` reads back to the same run."""
    own = {part: to_table(getattr(run, part)) for part in OWN_PARTS}
    return {**family_table(run.family), **own}


def table_of(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigRefusedError(f"{path.name} is not valid TOML: {error}.") from error
