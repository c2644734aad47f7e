"""From a trained family to a release folder that the registry accepts."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from synthesis.config import DistillationConfig, FamilyRun, to_table
from synthesis.data.sources import PhantomSource
from synthesis.data.splits import PARTS
from synthesis.families import Family, save_parts
from synthesis.inference.sampling import Sampling
from synthesis.registry import (
    CARD,
    WEIGHTS,
    Release,
    lineage_tables,
    load_release,
    write_description,
)
from synthesis.training.descent import learned_by
from synthesis.training.family_card import family_card
from synthesis.training.family_held_out import Row, measure_held_out, summary, write_rows
from synthesis.training.prepared import Prepared, Report, silent

VERSIONED = ("torch", "monai", "numpy")
HELD_OUT = "held_out.csv"


@dataclass(frozen=True, slots=True)
class StudyNotes:
    """What a study found: a section of the model card, and its numbers by name."""

    section: str
    numbers: dict[str, dict[str, Any]]


def write_family_release(
    run: FamilyRun,
    family: Family,
    data: Prepared,
    out: Path,
    *,
    distillation: DistillationConfig | None = None,
    report: Report = silent,
    rows: list[Row] | None = None,
    study: StudyNotes | None = None,
) -> Release:
    """Measure the family on the held-out participants and write `out/release/`, whole or absent.

    `rows` are its numbers where they were measured already, `study` what a study adds.
    """
    family.networks.eval()
    if rows is None:
        rows = _rows(run, family, data, report)
    write_rows(rows, out / HELD_OUT)
    metrics = {**summary(rows), **({"study": study.numbers} if study else {})}
    metrics["simulated"] = isinstance(data.source, PhantomSource)
    folder = out / "release"
    unfinished = folder.with_name("release.partial")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    save_parts(family, unfinished / WEIGHTS)
    card = family_card(run, family, data, metrics, more=study.section if study else "")
    (unfinished / CARD).write_text(card, encoding="utf-8")
    description = _description(run, family, data, metrics)
    if distillation is not None:
        description["training"]["distillation"] = to_table(distillation)
    write_description(unfinished, description)
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)
    return load_release(folder)


def _description(
    run: FamilyRun, family: Family, data: Prepared, metrics: dict[str, Any]
) -> dict[str, Any]:
    return {
        "name": run.release.name,
        "version": run.release.version,
        "created": run.release.created,
        "family": family.config.family,
        "intended_use": "research and software tests; not for clinical use",
        "parameters": family.spec().parameters,
        "config": to_table(family.config),
        "training": _training(run, family.device, data),
        "metrics": metrics,
        **lineage_tables(
            None if data.descent is None else data.descent.lineage,
            learned_by(data.split, data.descent),
        ),
    }


def _training(run: FamilyRun, device: torch.device, data: Prepared) -> dict[str, Any]:
    return {
        **to_table(run.training),
        "split": to_table(run.split),
        "split_sha256": data.split.digest,
        "images_sha256": data.images_sha256,
        "settings_sha256": run.digest,
        "participants": {part: len(getattr(data.split, part)) for part in PARTS},
        "sites": sorted(set(data.source.sites.values())),
        "seen": data.cases.seen(data.split.train).to_table(),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "versions": {name: version(name) for name in VERSIONED},
    }


def _rows(
    run: FamilyRun,
    family: Family,
    data: Prepared,
    report: Report,
) -> list[Row]:
    spec = family.spec()
    if "suv" not in spec.outputs:
        return []
    paired = spec.stochastic and spec.family != "cascade3d"
    samples = run.training.test_samples if paired else 1
    return measure_held_out(
        family,
        (data.cases.case(name) for name in data.split.test),
        Sampling(seed=run.training.seed, samples=samples, compiled="never"),
        lambda number: report("measuring", number, len(data.split.test)),
        source=data.source,
    )
