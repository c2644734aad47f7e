"""What a release does with a CT, whatever its family and schema."""

from __future__ import annotations

from collections.abc import Callable

import torch

from evaluation.imaging import Volume
from synthesis.contract import Cancelled, Progress, Refused, RefusedError
from synthesis.data.attenuation import TubeVoltageError
from synthesis.families import ConditionRefusedError, Family, load_family
from synthesis.inference.family_volume import synthesise_volume
from synthesis.inference.sampling import Sampling
from synthesis.inference.translate import prepare, translate_volume
from synthesis.models import load_generator
from synthesis.registry import Release

# CT with its tube voltage, seed, progress, cancelled: synthetic PET in SUVbw
Translate = Callable[[tuple[Volume, float | None], int, Progress, Cancelled], Volume]


def translator_of(release: Release, device: torch.device) -> Translate:
    """Return what makes a synthetic PET of a CT with this release.

    Raises
    ------
    ReleaseRefusedError
        When the weights do not fit.
    RefusedError
        When the release makes no PET of a CT: twins, or fusion images.
    """
    if release.model is not None:
        translation = prepare(load_generator(release), release.model, device)
        return lambda ct, _seed, progress, cancelled: translate_volume(
            translation, ct[0], progress, cancelled
        )
    family = load_family(release, device=device)
    if release.config.domain.source == "mr":
        raise RefusedError(Refused("release", f"{release.title} translates MR, not CT."))
    if "hu" not in family.spec().needs or "suv" not in family.spec().outputs:
        sentence = f"{release.title} ({release.family}) makes no PET of a CT."
        raise RefusedError(Refused("release", sentence))
    return _of_family(family)


def _of_family(family: Family) -> Translate:
    def translate(
        ct: tuple[Volume, float | None], seed: int, progress: Progress, cancelled: Cancelled
    ) -> Volume:
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
        return Volume(sampled.first, grid, "SUVbw")

    return translate
