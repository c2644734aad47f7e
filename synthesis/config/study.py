"""The settings of a study: one cohort, one split, several families, how they are measured."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from synthesis.config.families import Cascade3dConfig
from synthesis.config.reading import ConfigRefusedError, build, to_table
from synthesis.config.run import FamilyRun, SplitConfig, family_run_table, load_family_run

STUDY_SCHEMA = 1
SIMULATED = "phantom:"


@dataclass(frozen=True, slots=True)
class StudyFamilyConfig:
    """One family of a study.

    Attributes
    ----------
    config
        Training file of the family, beside the study's; it has no `[split]` of its own.
    evaluations
        Numbers of network evaluations to try on the validation participants; the one whose median
        SUVmax recovery lies nearest one is used. Empty: the configured number.
    shown_evaluations
        More numbers for the curve, from which none is chosen.
    samples
        Of each held-out participant, for families whose samples differ.
    parent
        Folder of a release, beside the study's file, whose weights the training begins with.
    """

    config: str
    evaluations: tuple[int, ...] = ()
    shown_evaluations: tuple[int, ...] = ()
    samples: int = 1
    parent: str = ""

    def __post_init__(self) -> None:
        """Refuse numbers that nobody can evaluate."""
        counts = (self.samples, *self.evaluations, *self.shown_evaluations)
        if min(counts) < 1:
            raise ValueError("Samples and evaluations are at least one.")


@dataclass(frozen=True, slots=True)
class StudyMeasuresConfig:
    """How the images are measured.

    Attributes
    ----------
    focus_suv
        A voxel at or above it belongs to a focus; below it a focus is missed.
    curve_cases, counterfactual_cases
        Validation participants behind the curve over evaluations, and held-out participants whose
        CT is painted again without and with a lesion (0: all).
    equivalence_ratio
        Margin within which the twins' mean uptake counts as equivalent.
    """

    focus_suv: float = 2.5
    curve_cases: int = 0
    counterfactual_cases: int = 0
    equivalence_ratio: float = 1.1
    replicates: int = 2000
    seed: int = 20

    def __post_init__(self) -> None:
        """Refuse measures that mean nothing."""
        if self.focus_suv <= 0 or self.equivalence_ratio <= 1 or self.replicates < 100:
            raise ValueError("A focus has a positive SUV; a ratio above one; 100 replicates.")
        if min(self.curve_cases, self.counterfactual_cases) < 0:
            raise ValueError("Counts of participants are not negative.")


@dataclass(frozen=True, slots=True)
class StudyConfig:
    """Everything that a study is made from, but the families' own files."""

    name: str
    created: str
    cohort: str
    families: tuple[StudyFamilyConfig, ...]
    split: SplitConfig = field(default_factory=SplitConfig)
    measures: StudyMeasuresConfig = field(default_factory=StudyMeasuresConfig)

    def __post_init__(self) -> None:
        """Refuse a cohort that cannot be painted again, and a study of nothing."""
        if not self.cohort.startswith(SIMULATED):
            raise ValueError(
                "A study needs a simulated cohort, phantom:PARTICIPANTS[:SEED]: acquired images "
                "cannot be painted again without their lesions."
            )
        if not self.families:
            raise ValueError("A study lists at least one family.")


@dataclass(frozen=True, slots=True)
class Study:
    """A study with the runs of its families, in their order.

    `folder` holds the study's file. The first family that makes a PET of a CT is what the others
    are compared with.
    """

    config: StudyConfig
    runs: tuple[FamilyRun, ...]
    folder: Path

    @property
    def reference(self) -> str:
        """Name of the release that the others are compared with."""
        return next(r.release.name for r in self.runs if r.family.family != "cascade3d")

    @property
    def digest(self) -> str:
        """SHA-256 of all settings, those of the families included."""
        tables = [to_table(self.config), *(family_run_table(run) for run in self.runs)]
        return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()

    def settings(self, name: str) -> StudyFamilyConfig:
        """Return what the study says of a family, by the name of its release."""
        names = [run.release.name for run in self.runs]
        return self.config.families[names.index(name)]


def load_study(path: Path) -> Study:
    """Return the study of a TOML file and of the family files that it names.

    Raises
    ------
    ConfigRefusedError
        When a file is no TOML, a key is unknown or missing, two families have one name, none makes
        a PET of a CT, or those that do work on different images.
    """
    config = build(StudyConfig, _own(path))
    runs = tuple(_run(path.parent / one.config, config.split) for one in config.families)
    _require_comparable(runs)
    return Study(config, runs, path.parent)


def _own(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigRefusedError(f"{path.name} is not valid TOML: {error}.") from error
    if table.pop("schema", None) != STUDY_SCHEMA:
        raise ConfigRefusedError(f"A study file says schema = {STUDY_SCHEMA}.")
    families = table.get("families", ())
    if not isinstance(families, list) or not all(isinstance(f, Mapping) for f in families):
        raise ConfigRefusedError("families must be a list of tables.")
    return table


def _run(path: Path, split: SplitConfig) -> FamilyRun:
    run = load_family_run(path)
    if run.split not in (SplitConfig(), split):
        raise ConfigRefusedError(f"{path.name} has a split of its own; the study has one for all.")
    if run.family.domain.target != "pet":
        raise ConfigRefusedError(f"{path.name} makes fusion images, which have no SUV.")
    return replace(run, split=split)


def _require_comparable(runs: tuple[FamilyRun, ...]) -> None:
    names = [run.release.name for run in runs]
    if len(set(names)) < len(names):
        raise ConfigRefusedError("Each family of a study needs a release name of its own.")
    paired = [run.family.domain for run in runs if not isinstance(run.family, Cascade3dConfig)]
    if not paired:
        raise ConfigRefusedError("No family of the study makes a PET of a CT.")
    if len({(d.spacing_zyx_mm, d.source) for d in paired}) > 1:
        raise ConfigRefusedError(
            "Families that are compared in pairs need one grid: spacing_zyx_mm differs."
        )
