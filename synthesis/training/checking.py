"""What a stage is judged by while it trains: always the same participants, seeds and noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from synthesis.config import FamilyTrainingConfig
from synthesis.data.pairs import PairCase
from synthesis.families import Family
from synthesis.inference.family_volume import sample_on_grid
from synthesis.inference.sampling import Sampling
from synthesis.samplers import generator_of
from synthesis.training.curves import write_image
from synthesis.training.patches import PatchSampler
from synthesis.training.stage import precision

RANGE_SUV = 20.0
CHECK_BATCHES = 4
AVID_SUV = 2.5
FINAL_STAGES = {
    "baseline": "generator",
    "pix2pix": "adversarial",
    "pix2pix_ddpm": "diffusion",
    "cpdm": "bridge",
}
DISTILLATION = "distillation"  # of any family
Array = NDArray[np.float32]


def gives_pet(family: Family, stage: str) -> bool:
    """Whether the PET of a given CT can be sampled after this stage."""
    config = family.config
    last = stage in (FINAL_STAGES.get(config.family), DISTILLATION)
    return last and config.domain.target == "pet"


def body_mae(case: PairCase, suv: Array) -> float:
    """Return the mean absolute error inside the body, SUV clipped to 0-20."""
    acquired = np.clip(case.suv.astype(np.float32), 0, RANGE_SUV)
    return float(np.abs(np.clip(suv, 0, RANGE_SUV) - acquired)[case.body].mean())


def recoveries(case: PairCase, suv: Array) -> list[float]:
    """Return synthetic over acquired SUVmax of every malignant focus.

    Where the reference standard is unknown, a focus of SUVmax 2.5 or more counts: of weaker ones
    the background alone recovers most.
    """
    shares = []
    for number, malignant in enumerate(case.malignant, start=1):
        inside = case.foci == number
        acquired = float(case.suv[inside].max()) if inside.any() else 0.0
        counts = acquired >= AVID_SUV if malignant is None else malignant
        if counts and acquired > 0:
            shares.append(float(suv[inside].max()) / acquired)
    return shares


class Checker:
    """Judges a family in a stage on validation participants."""

    def __init__(
        self,
        case: Callable[[str], PairCase],
        participants: Sequence[str],
        training: FamilyTrainingConfig,
        *,
        device: torch.device,
        images: Path,
    ) -> None:
        count = training.validation_cases or len(participants)
        self._case = case
        self._participants = tuple(participants[:count])
        self._training = training
        self._device = device
        self._images = images

    def check(
        self, family: Family, stage: str, step: int, sampler: PatchSampler
    ) -> dict[str, float]:
        """Return the measures by name, `validation_...`."""
        values = {"validation_loss": self._loss(family, stage, sampler)}
        if gives_pet(family, stage):
            values |= self._sampled(family, stage, step)
        return values

    def judged(self, family: Family, stage: str, values: dict[str, float]) -> float:
        """Return the one number that the stage is judged by; lower is better.

        The distance of the median recovery from one, for `lesion_recovery`; without lesions in
        the validation part, and in stages that give no PET, the loss.
        """
        wanted = self._training.measure
        if wanted == "body_mae" and gives_pet(family, stage):
            return values["validation_body_mae"]
        if wanted == "lesion_recovery" and "validation_lesion_recovery" in values:
            return abs(1 - values["validation_lesion_recovery"])
        return values["validation_loss"]

    @torch.no_grad()
    def _loss(self, family: Family, stage: str, sampler: PatchSampler) -> float:
        part = family.parts(stage)[0]
        was_training = family.networks.training
        family.networks.eval()
        total = 0.0
        for number in range(CHECK_BATCHES):
            batch = sampler.batch(number, range(family.recipe(stage).batch))
            generator = generator_of("check", self._training.seed, stage, number)
            with precision(self._training, self._device):
                losses = family.fit_step(batch.to(family.device), generator, stages=(stage,))
            total += float(losses.totals[part])
        family.networks.train(was_training)
        return total / CHECK_BATCHES

    def _sampled(self, family: Family, stage: str, step: int) -> dict[str, float]:
        wanted = min(self._training.validation_evaluations, family.spec().evaluations)
        sampling = Sampling(seed=self._training.seed, evaluations=wanted, compiled="never")
        errors, shares = [], []
        for number, name in enumerate(self._participants):
            case = self._case(name)
            suv = sample_on_grid(
                family, case.hu.astype(np.float32), kvp=case.kvp, sampling=sampling
            ).first
            errors.append(body_mae(case, suv))
            shares += recoveries(case, suv)
            if number < self._training.images:
                write_image(case, suv, self._images / f"{stage}-{step:07d}-{name}.png")
        values = {"validation_body_mae": float(np.mean(errors))}
        if shares:
            values["validation_lesion_recovery"] = float(np.median(shares))
        return values
