"""From a configuration to a release folder."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from synthesis.config import Config, to_table
from synthesis.models import Generator, save_weights
from synthesis.registry import CARD, WEIGHTS, Release, load_release, write_description
from synthesis.training.batches import SliceSampler
from synthesis.training.card import model_card
from synthesis.training.cases import Case, make_cases
from synthesis.training.held_out import HeldOut, assess, image_numbers, predictor_of
from synthesis.training.split import Split, split_of
from synthesis.training.trainer import Trainer

CURVES = ("step", "l1", "adversarial", "critic", "validation_mae_suv")
Report = Callable[[str, int, int], None]  # stage, done, total


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """Where the release lies and how it did."""

    release: Release
    held_out: HeldOut


def train(
    config: Config, out: Path, *, report: Report = lambda _stage, _done, _total: None
) -> TrainingReport:
    """Train and write `out/release/`; go on from `out/checkpoint/` when it is there.

    Also written: `out/curves.csv` and `out/cases/` (the simulated cases, reused by a rerun).
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(config.training.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    split = split_of(config.cohort)
    parts = {
        name: _cases(config, seeds, out / "cases", report=partial(report, f"phantoms for {name}"))
        for name, seeds in (
            ("training", split.train),
            ("validation", split.validation),
            ("test", split.test),
        )
    }
    trainer = Trainer(config.model, config.training, device)
    checkpoint = out / "checkpoint"
    if (checkpoint / "step.json").exists():
        trainer.resume(checkpoint)
    _run_steps(config, trainer, parts, out=out, report=report)
    trainer.generator.eval()
    predict = predictor_of(trainer.generator, config.model, device)
    mean = float(
        np.mean([case.suv[case.body].astype(np.float32).mean() for case in parts["training"]])
    )
    held_out = assess(parts["test"], predict, mean)
    release = _write_release(
        config, split, trainer.generator, held_out=held_out, folder=out / "release"
    )
    return TrainingReport(release, held_out)


def _cases(
    config: Config, seeds: tuple[int, ...], cache: Path, *, report: Callable[[int, int], None]
) -> list[Case]:
    made = 0

    def done() -> None:
        nonlocal made
        made += 1
        report(made, len(seeds))

    return make_cases(seeds, config.cohort, config.model, cache=cache, done=done)


def _run_steps(
    config: Config, trainer: Trainer, parts: dict[str, list[Case]], *, out: Path, report: Report
) -> None:
    settings = config.training
    sampler = SliceSampler(parts["training"], config.model, settings.seed)
    rows: list[dict[str, float]] = []
    while trainer.step_number < settings.steps:
        losses = trainer.step(sampler.batch(trainer.step_number, settings.batch))
        rows.append(losses)
        report("training", trainer.step_number, settings.steps)
        last = trainer.step_number == settings.steps
        if trainer.step_number % settings.check_every == 0 or last:
            row = _check(config, trainer, parts["validation"], rows)
            _append(out / "curves.csv", row)
            trainer.save(out / "checkpoint")
            rows = []


def _check(
    config: Config, trainer: Trainer, cases: list[Case], rows: list[dict[str, float]]
) -> dict[str, float]:
    """Return the mean losses since the last check and the error on the validation cases."""
    trainer.generator.eval()
    predict = predictor_of(trainer.generator, config.model, trainer.device)
    error = float(np.mean([image_numbers(case, predict(case))["mae_suv"] for case in cases]))
    trainer.generator.train()
    means: dict[str, float] = {"step": trainer.step_number, "validation_mae_suv": error}
    for name in ("l1", "adversarial", "critic"):
        values = [row[name] for row in rows if name in row]
        if values:
            means[name] = float(np.mean(values))
    return means


def _append(path: Path, row: dict[str, float]) -> None:
    is_new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, CURVES, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow({key: round(value, 6) for key, value in row.items()})


def _write_release(
    config: Config, split: Split, generator: Generator, *, held_out: HeldOut, folder: Path
) -> Release:
    """Write the release beside its place and rename it: complete or absent."""
    unfinished = folder.with_name(folder.name + ".partial")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    save_weights(generator, unfinished / WEIGHTS)
    parameters = sum(p.numel() for p in generator.parameters())
    card = model_card(config, split, held_out, parameters=parameters)
    (unfinished / CARD).write_text(card, encoding="utf-8")
    tables = to_table(config)
    description = {
        "name": config.release.name,
        "version": config.release.version,
        "created": config.release.created,
        "family": "pix2pix",
        "intended_use": "demonstration and software tests; not for clinical use",
        "parameters": parameters,
        "model": tables["model"],
        "training": {
            **tables["training"],
            "cohort": tables["cohort"],
            "split_sha256": split.digest,
        },
        "metrics": held_out.to_table(),
    }
    write_description(unfinished, description)
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)
    return load_release(folder)
