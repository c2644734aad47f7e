"""The fidelity part of what is measured on a pair: which metrics, where, under which names."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluation.fidelity import (
    FidelityResult,
    bias,
    fsim,
    mae,
    ms_ssim,
    mse,
    nrmse,
    psnr,
    ssim,
    ssim_components,
    uptake_strata,
)
from evaluation.imaging import Volume
from evaluation.metabolic import Region


@dataclass(frozen=True)
class FidelityChoices:
    """What of the fidelity is asked for; nothing here has a default that guesses."""

    data_range: float
    sensitivity_data_range: float | None = None
    uptake_edges: Sequence[float] | None = None
    fsim: bool = False


@dataclass(frozen=True)
class Named:
    """A result with its region and the name of its quantity."""

    region: str
    quantity: str
    result: FidelityResult


def body_fidelity(
    reference: Volume, other: Volume, body: np.ndarray, choices: FidelityChoices
) -> Iterator[Named]:
    """Yield the metrics over the body, in their fixed order."""
    window = choices.data_range
    parts = ssim_components(reference, other, data_range=window, mask=body)
    yield Named("body", "ssim", parts["ssim"])
    flat = ssim(reference, other, data_range=window, mask=body, dimension="2d")
    yield Named("body", "ssim_2d", flat)
    yield Named("body", "structural_similarity", parts["structure"])
    asked = (("fsim", fsim),) if choices.fsim else ()
    for name, metric in (
        ("psnr", psnr),
        ("mse", mse),
        ("mae", mae),
        ("nrmse_mean", nrmse),
        ("bias", bias),
        ("ms_ssim", ms_ssim),
        *asked,
    ):
        yield Named("body", name, metric(reference, other, data_range=window, mask=body))
    if choices.sensitivity_data_range is not None:
        wide = choices.sensitivity_data_range
        for name, metric in (("ssim", ssim), ("psnr", psnr)):
            result = metric(reference, other, data_range=wide, mask=body)
            yield Named("body", f"{name}_l{wide:g}", result)


def lesion_fidelity(
    reference: Volume,
    other: Volume,
    masks: Mapping[str, np.ndarray],
    regions: Mapping[str, Region],
    *,
    data_range: float,
) -> Iterator[Named]:
    """Yield MAE and bias of each lesion; its box alone is read, unless there is none."""
    for name, region in regions.items():
        box = region.box if region.n else ...
        for quantity, metric in (("mae", mae), ("bias", bias)):
            result = metric(
                reference.array[box],
                other.array[box],
                data_range=data_range,
                mask=masks[name][box],
            )
            yield Named(name, quantity, replace(result, unit=reference.unit))


def uptake_fidelity(
    reference: Volume, other: Volume, body: np.ndarray, choices: FidelityChoices
) -> Iterator[Named]:
    """Yield MAE, bias and number of voxels of each uptake stratum of the body."""
    if choices.uptake_edges is None:
        return
    strata = uptake_strata(
        reference, other, edges=choices.uptake_edges, data_range=choices.data_range, mask=body
    )
    for stratum in strata:
        region = f"uptake:{stratum.name}"
        yield Named(region, "mae", stratum.mae)
        yield Named(region, "bias", stratum.bias)
        count = replace(stratum.bias, value=float(stratum.n), unit="voxels", flags=())
        yield Named(region, "n", replace(count, method=count.method.replace("bias", "number", 1)))
