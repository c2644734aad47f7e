"""What a release does with a CT, whatever its family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from evaluation.imaging import Volume
from synthesis.contract import Cancelled, Progress, Refused, RefusedError
from synthesis.data.attenuation import TubeVoltageError
from synthesis.families import ConditionRefusedError, Family, load_family
from synthesis.inference.family_volume import synthesise_volume
from synthesis.inference.fitness import require_fit
from synthesis.inference.haste import lay_out
from synthesis.inference.memory import TOO_LITTLE, ran_out
from synthesis.inference.sampling import Sampling
from synthesis.registry import Release

NO_NUMBERS = Refused(
    "no_numbers",
    "The release gave values that are not numbers for this CT; no image was written.",
)


@dataclass(frozen=True, slots=True)
class Translated:
    """A synthetic PET in SUVbw, and what went otherwise than asked, in sentences."""

    suv: Volume
    notes: tuple[str, ...] = ()


# CT with its tube voltage, seed, progress, cancelled
Translate = Callable[[tuple[Volume, float | None], int, Progress, Cancelled], Translated]


def translator_of(release: Release, device: torch.device) -> Translate:
    """Return what makes a synthetic PET of a CT with this release.

    Raises
    ------
    ReleaseRefusedError
        When the weights do not fit.
    RefusedError
        When the release makes no PET of a CT: twins, or fusion images; or the device has not even
        memory for the weights. What is returned refuses a CT unlike those it was trained on.
    """
    try:
        own = _of_family(release, device)
    except (RuntimeError, MemoryError) as error:
        if ran_out(error):
            raise RefusedError(TOO_LITTLE) from error
        raise

    def translate(
        ct: tuple[Volume, float | None], seed: int, progress: Progress, cancelled: Cancelled
    ) -> Translated:
        notes = require_fit(ct[0], release)
        made = own(ct, seed, progress, cancelled)
        if not np.isfinite(made.suv.array).all():
            raise RefusedError(NO_NUMBERS)
        return Translated(made.suv, (*notes, *made.notes))

    return translate


def _of_family(release: Release, device: torch.device) -> Translate:
    family = load_family(release, device=device)
    if release.config.domain.source == "mr":
        raise RefusedError(Refused("release", f"{release.title} translates MR, not CT."))
    if "hu" not in family.spec().needs or "suv" not in family.spec().outputs:
        sentence = f"{release.title} ({release.family}) makes no PET of a CT."
        raise RefusedError(Refused("release", sentence))
    lay_out(family.networks, family.config.domain.dimensions)
    return _sampling_of(family)


def _sampling_of(family: Family) -> Translate:
    def translate(
        ct: tuple[Volume, float | None], seed: int, progress: Progress, cancelled: Cancelled
    ) -> Translated:
        try:
            sampled, grid = synthesise_volume(
                family,
                ct[0],
                kvp=ct[1],
                sampling=Sampling(seed=seed),
                progress=progress,
                cancelled=cancelled,
            )
        except (ConditionRefusedError, TubeVoltageError) as error:
            raise RefusedError(Refused("condition", str(error))) from error
        return Translated(Volume(sampled.first, grid, "SUVbw"), sampled.notes)

    return translate
