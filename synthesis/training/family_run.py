"""Trains every stage of a family, goes on where it was stopped, and ends with a release."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from synthesis.config import FamilyRun
from synthesis.data.splits import require_no_leak
from synthesis.families import Family, build_family
from synthesis.registry import Release
from synthesis.training.ahead import ahead
from synthesis.training.attention import AttentionMaps, fit_latent_scale
from synthesis.training.averaging import put_weights, weights_of
from synthesis.training.checking import Checker
from synthesis.training.checkpoint import (
    Progress,
    find_progress,
    restore_networks,
    resume,
    save_checkpoint,
)
from synthesis.training.curves import NO_TENSORBOARD, Curves
from synthesis.training.descent import Descent, begin_from, saw_nobody
from synthesis.training.family_release import write_family_release
from synthesis.training.legs import OUT_OF_FOLD, Leg, legs_of
from synthesis.training.patches import PatchSampler
from synthesis.training.prepared import Prepared, Report, prepare, silent
from synthesis.training.stage import StageTrainer
from synthesis.training.world import World


def train_family(
    run: FamilyRun,
    spec: str,
    out: Path,
    *,
    world: World,
    report: Report = silent,
    parent: Release | None = None,
) -> Release | None:
    """Train and write `out/release/`; go on from `out/checkpoint/` where there is one.

    With a parent the training begins from its weights and the release states it.

    Also written: `curves.csv`, `split.json`, `cases/`, `images/`, `attention/`, `tensorboard/`.
    Only the first of several processes returns the release.
    """
    family, data = fit_family(run, spec, out, world=world, report=report, parent=parent)
    if not world.writes:
        return None
    return write_family_release(run, family, data, out, report=report)


def fit_family(
    run: FamilyRun,
    spec: str,
    out: Path,
    *,
    world: World,
    report: Report = silent,
    images: Path | None = None,
    parent: Release | None = None,
) -> tuple[Family, Prepared]:
    """Train what is left to train; return the family with its data, before any release."""
    set_up(run, world.device)
    descent = None if parent is None else Descent(parent)
    data = prepare(run, spec, out, world=world, report=report, images=images, descent=descent)
    training = FamilyTraining(run, data, out, world=world, report=report)
    training.fit()
    return training.family, data


def set_up(run: FamilyRun, device: torch.device) -> None:
    """Set threads and the choice of algorithms for a training."""
    torch.set_num_threads(run.training.threads)
    wanted = run.training.deterministic
    exactly = wanted == "always" or (wanted == "auto" and device.type == "cpu")
    if exactly:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # or cuBLAS differs each time
    torch.use_deterministic_algorithms(exactly)
    torch.backends.cudnn.benchmark = not exactly


class FamilyTraining:
    """All legs of a run."""

    def __init__(
        self,
        run: FamilyRun,
        data: Prepared,
        out: Path,
        *,
        world: World,
        report: Report = silent,
        family: Family | None = None,
    ) -> None:
        self.run = run
        self.family = family or build_family(
            run.family, seed=run.training.seed, device=world.device
        )
        self._data = data
        self._world = world
        self._report = report
        self._folder = out / "checkpoint"
        self._maps = AttentionMaps(out / "attention", data.cases)
        self._curves = Curves(out) if world.writes else None
        self._checker = Checker(
            data.cases.case,
            data.split.validation,
            run.training,
            device=world.device,
            images=out / "images",
        )
        self._legs = legs_of(self.family, data.split, run.training)
        require_no_leak(data.split, {leg.name: leg.participants for leg in self._legs})
        self._first_weights = self._begin()
        self._progress = Progress(data.fingerprint)

    def _begin(self) -> dict[str, Tensor]:
        """Take the parent's weights; return those that networks of one fold begin with.

        A parent that saw somebody of this training cannot begin a network which must not have.
        """
        descent = self._data.descent
        fresh = weights_of(self.family, list(self.family.networks))
        if descent is None or descent.relation != "fine_tuned":
            return fresh
        begin_from(self.family, descent.parent)
        if not saw_nobody(self._data.split.train, descent.parent):
            return fresh
        return weights_of(self.family, list(self.family.networks))

    def fit(self) -> None:
        """Train what is left to train."""
        found = find_progress(self._folder, self._data.fingerprint)
        self._progress = found or self._progress
        if self._curves is not None:
            self._curves.begin(self._progress.curve_bytes)
            if not self._curves.has_board:
                self._report(NO_TENSORBOARD, 0, 1)
        if found:
            restore_networks(self._folder, self.family)
        while self._progress.leg < len(self._legs):
            self._fit_leg(self._legs[self._progress.leg], resumed=found is not None)
            found = None

    def _fit_leg(self, leg: Leg, *, resumed: bool) -> None:
        trainer = self._trainer(leg)
        best: dict[str, Tensor] = {}
        if resumed:
            best = resume(self._folder, self._progress, trainer)
        if self._progress.step == 0 and leg.stage == OUT_OF_FOLD:
            own = {k: v for k, v in self._first_weights.items() if k.startswith(f"{leg.stage}/")}
            put_weights(self.family, own)  # nothing of the last fold is left
        best = self._steps(leg, trainer, best)
        keeps_best = self.run.training.keep == "best" and best
        put_weights(self.family, best if keeps_best else trainer.average.current())
        self._finish(leg)
        length = self._progress.curve_bytes
        self._progress = Progress(
            self._data.fingerprint, self._progress.leg + 1, curve_bytes=length
        )
        if self._progress.leg < len(self._legs):
            following = self._legs[self._progress.leg]
            trainer = self._trainer(following)
        if self._world.writes:
            save_checkpoint(self._folder, self._progress, trainer, {})
        self._world.wait()

    def _trainer(self, leg: Leg) -> StageTrainer:
        return StageTrainer(
            self.family, leg.stage, self.run.training, world=self._world, key=leg.name
        )

    def _finish(self, leg: Leg) -> None:
        """Do what the next legs need: maps of the held fold, the scale of the latent."""
        self.family.networks.eval()
        if leg.stage == "autoencoder":
            fit_latent_scale(self.family, self._sampler(leg, augment=False))
        if leg.held and self._world.writes:
            self._maps.predict(self.family, leg.held)
        self._world.wait()

    def _sampler(self, leg: Leg, *, augment: bool) -> PatchSampler:
        needs_maps = OUT_OF_FOLD in self.family.stages and leg.stage == "bridge"
        training = self.run.training
        return PatchSampler(
            self._data.cases.case,
            leg.participants,
            self.run.family,
            replace(training, augment=training.augment and augment),
            stage=self._legs.index(leg),
            attention=self._maps.of(self._data.split.train) if needs_maps else None,
        )

    def _steps(self, leg: Leg, trainer: StageTrainer, best: dict[str, Tensor]) -> dict[str, Tensor]:
        """Make the steps that are left; return the best weights."""
        recipe, every = trainer.recipe, self.run.training.check_every
        sampler = self._sampler(leg, augment=True)
        places = self._world.places(recipe.batch)
        keys = range(trainer.step_number * recipe.accumulation, recipe.steps * recipe.accumulation)
        batches = ahead(lambda key: sampler.batch(key, places), keys, self.run.training.prefetch)
        while trainer.step_number < recipe.steps and not self._gave_up():
            trainer.step([next(batches) for _ in range(recipe.accumulation)])
            self._report(leg.name, trainer.step_number, recipe.steps)
            if trainer.step_number % every == 0 or trainer.step_number == recipe.steps:
                best = self._check(leg, trainer, best)
        batches.close()
        return best

    def _gave_up(self) -> bool:
        patience = self.run.training.patience
        return bool(patience) and self._progress.checks_since_best >= patience

    def _check(self, leg: Leg, trainer: StageTrainer, best: dict[str, Tensor]) -> dict[str, Tensor]:
        """Judge, write curves and a checkpoint; return the best weights so far."""
        progress, rate = self._progress, trainer.rate
        means = trainer.means()
        trainer.plateau.look(next(iter(means.values())), trainer.step_number, trainer.recipe)
        values: dict[str, float] = {}
        judged = 0.0
        if self._world.writes:
            with trainer.average.in_place():
                values = self._checker.check(
                    self.family, leg.stage, trainer.step_number, self._validation(leg)
                )
            judged = self._checker.judged(self.family, leg.stage, values)
        judged = self._world.agreed([judged])[0]
        progress.step = trainer.step_number
        progress.checks_since_best += 1
        if progress.best is None or judged < progress.best:
            progress.best, progress.best_step = judged, trainer.step_number
            progress.checks_since_best = 0
            best = trainer.average.current()
        if self._curves is not None:
            shown = {"rate": rate, **means, **values, "judged": judged}
            progress.curve_bytes = self._curves.add(leg.name, trainer.step_number, shown)
            save_checkpoint(self._folder, progress, trainer, best)
        return best

    def _validation(self, leg: Leg) -> PatchSampler:
        validation = replace(leg, participants=self._data.split.validation)
        training = replace(self.run.training, augment=False)
        return PatchSampler(
            self._data.cases.case,
            validation.participants,
            self.run.family,
            training,
            stage=self._legs.index(leg),
        )
