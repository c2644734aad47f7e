"""From a released teacher to a released student of few evaluations, on the teacher's own split."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from synthesis.config import (
    ConfigRefusedError,
    DistillationRun,
    FamilyRun,
    SplitConfig,
    build,
    student_config,
)
from synthesis.data.splits import SplitRefusedError
from synthesis.families import Family
from synthesis.registry import Release
from synthesis.training.descent import Descent
from synthesis.training.family_release import write_family_release
from synthesis.training.family_run import FamilyTraining, set_up
from synthesis.training.prepared import Prepared, Report, prepare, silent
from synthesis.training.student import Student
from synthesis.training.world import World


def distil(
    run: DistillationRun,
    teacher: Release,
    spec: str,
    out: Path,
    *,
    world: World,
    report: Report = silent,
) -> Release | None:
    """Train a student and write `out/release/`; go on from `out/checkpoint/` where there is one.

    Only the first of several processes returns the release, which names its teacher's digest.

    Raises
    ------
    ConfigRefusedError
        When the teacher's family cannot be distilled, or it does not say its split.
    SplitRefusedError
        When the data do not give the teacher's split: somebody whom it learned from would be
        tested on.
    """
    family_run, student, data = fit_student(run, teacher, spec, out, world=world, report=report)
    if not world.writes:
        return None
    return write_family_release(
        family_run, student, data, out, distillation=run.distillation, report=report
    )


def fit_student(
    run: DistillationRun,
    teacher: Release,
    spec: str,
    out: Path,
    *,
    world: World,
    report: Report = silent,
    images: Path | None = None,
) -> tuple[FamilyRun, Family, Prepared]:
    """Train what is left to train; return the student with its data, before any release."""
    family_run = _family_run(run, teacher)
    set_up(family_run, world.device)
    descent = Descent(teacher, "distilled")
    data = prepare(
        family_run, spec, out, world=world, report=report, images=images, descent=descent
    )
    _require_the_same_split(teacher, data)
    text = f"{data.fingerprint}/{run.digest}"
    data = replace(data, fingerprint=hashlib.sha256(text.encode()).hexdigest())
    student = Student(teacher, run.distillation, device=world.device)
    training = FamilyTraining(family_run, data, out, world=world, report=report, family=student)
    training.fit()
    return family_run, training.family, data


def _family_run(run: DistillationRun, teacher: Release) -> FamilyRun:
    return FamilyRun(
        family=student_config(teacher.config, run.distillation),
        release=run.release,
        training=run.training,
        split=_split_of(teacher),
    )


def _split_of(teacher: Release) -> SplitConfig:
    table: Any = teacher.training.get("split")
    if not isinstance(table, dict) or "split_sha256" not in teacher.training:
        raise ConfigRefusedError(
            f"{teacher.title} does not say how its participants were split; a student must be "
            "tested on nobody whom its teacher learned from."
        )
    return build(SplitConfig, json.loads(json.dumps(table)), "split.")


def _require_the_same_split(teacher: Release, data: Prepared) -> None:
    if data.split.digest != teacher.training["split_sha256"]:
        raise SplitRefusedError(
            f"The data give another split than {teacher.title} was trained on, so somebody whom it "
            "learned from could be tested on; give the data that it was trained on."
        )
