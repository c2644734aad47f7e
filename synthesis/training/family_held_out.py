"""How good a family is on participants it never saw, beside three controls that are no models."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.fidelity import mae, negative_controls, psnr, ssim
from evaluation.imaging import Volume
from evaluation.statistics import WeightedStatistic, bootstrap, mean_interval
from synthesis.data.model_grid import body_mask
from synthesis.data.pairs import PairCase
from synthesis.data.source import Source
from synthesis.data.sources import PhantomSource
from synthesis.families import Family
from synthesis.inference.family_volume import sample_on_grid, sample_twin
from synthesis.inference.sampling import Sampling
from synthesis.training.checking import RANGE_SUV, recoveries
from synthesis.training.hallucination import (
    STAYED,
    STRAYS,
    foci_that_stay,
    stayed_table,
    stray_count,
    stray_table,
)

Array = NDArray[np.float32]
MODEL, MEAN = "model", "mean_of_samples"
NOT_ESTIMABLE = float("nan")
HIGHEST_PERCENT = 99.0
BOOTSTRAP_SEED = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One number of one participant and predictor."""

    participant: str
    predictor: str
    quantity: str
    value: float


def measure_held_out(
    family: Family,
    cases: Iterable[PairCase],
    sampling: Sampling,
    done: Callable[[int], None],
    *,
    source: Source | None = None,
) -> list[Row]:
    """Return the rows of all participants: image numbers in the body, foci, stray foci.

    Simulated participants are painted again from their source, without their lung lesions.
    """
    rows: list[Row] = []
    for number, case in enumerate(cases, start=1):
        if family.config.family == "cascade3d":
            rows += _twin_rows(family, case, sampling)
        else:
            for name, suv in predictions(family, case, sampling).items():
                rows += image_rows(case, name, suv)
                rows += lesion_rows(case, name, suv) + stray_rows(case, name, suv)
            if isinstance(source, PhantomSource):
                rows += _removed_rows(family, source, case, sampling)
        done(number)
    return rows


def predictions(family: Family, case: PairCase, sampling: Sampling) -> dict[str, Array]:
    """Return the images to measure: one sample, the mean of several, and the controls."""
    hu = case.hu.astype(np.float32)
    sampled = sample_on_grid(family, hu, kvp=case.kvp, sampling=sampling)
    images = {MODEL: sampled.first}
    if sampled.sd is not None:
        images[MEAN] = sampled.mean
    reference = Volume(case.suv.astype(np.float32), case.grid, "SUVbw")
    lesions = {n: case.foci == n for n in range(1, len(case.focus_names) + 1)}
    controls = negative_controls(reference, mask=case.body, lesions=lesions)
    return images | {name: volume.array for name, volume in controls.items()}


def image_rows(case: PairCase, predictor: str, suv: Array) -> list[Row]:
    """Return MAE, PSNR and slice-wise SSIM inside the body, both images clipped to 0-20."""
    acquired = np.clip(case.suv.astype(np.float32), 0, RANGE_SUV)
    synthetic = np.clip(suv, 0, RANGE_SUV)
    results = {
        "mae_suv": mae(acquired, synthetic, data_range=RANGE_SUV, mask=case.body),
        "psnr_db": psnr(acquired, synthetic, data_range=RANGE_SUV, mask=case.body),
        "ssim": ssim(acquired, synthetic, data_range=RANGE_SUV, mask=case.body, dimension="2d"),
    }
    return [
        Row(case.participant, predictor, name, NOT_ESTIMABLE if r.value is None else r.value)
        for name, r in results.items()
    ]


def lesion_rows(case: PairCase, predictor: str, suv: Array) -> list[Row]:
    """Return the share of its SUVmax that each malignant focus keeps."""
    return [
        Row(case.participant, predictor, "lesion_suvmax_recovery", share)
        for share in recoveries(case, suv)
    ]


def stray_rows(case: PairCase, predictor: str, suv: Array) -> list[Row]:
    """Return the number of stray foci; nothing where no lung is found."""
    count = stray_count(case, suv)
    return [] if count is None else [Row(case.participant, predictor, STRAYS, count)]


def _removed_rows(
    family: Family, source: PhantomSource, case: PairCase, sampling: Sampling
) -> list[Row]:
    """Return for every lung lesion taken out of the CT whether a focus stays: one or none."""
    found = foci_that_stay(
        source, case, family.config.domain, lambda bare: predictions(family, bare, sampling)
    )
    return [
        Row(case.participant, name, STAYED, float(stays))
        for name, sites in found.items()
        for stays in sites
    ]


def _twin_rows(family: Family, case: PairCase, sampling: Sampling) -> list[Row]:
    """Return body volume, mean SUV and high SUV of a participant and of a twin of the same size.

    A twin is nobody: no number of it is compared with one participant's, only with all of them.
    """
    if case.demographics is None:
        return []
    ct, pet = sample_twin(family, case.demographics, sampling=sampling)
    images = {
        "acquired": (case.body, case.suv.astype(np.float32)),
        MODEL: (body_mask(ct.array), pet.array),
    }
    rows = []
    for name, (body, suv) in images.items():
        inside = suv[body] if body.any() else np.array([np.nan], dtype=np.float32)
        values = {
            "body_litres": body.sum() * case.grid.voxel_volume_ml / 1000,
            "body_mean_suv": inside.mean(),
            "body_p99_suv": np.percentile(inside, HIGHEST_PERCENT),
        }
        rows += [Row(case.participant, name, key, float(value)) for key, value in values.items()]
    return rows


def summary(rows: Iterable[Row]) -> dict[str, Any]:
    """Return by predictor and quantity: mean over participants with its 95 % t interval.

    Stray foci, and shares of removed lesions that stay, stand in a table of their own.

    Recovery is the median over lesions; its 95 % interval draws whole participants, because the
    lesions of one are alike.
    """
    named: dict[tuple[str, str], dict[str, list[float]]] = {}
    for row in rows:
        own = named.setdefault((row.predictor, row.quantity), {})
        own.setdefault(row.participant, []).append(row.value)
    tables: dict[str, Any] = {"images": {}, "lesions": {}, "hallucination": {}}
    for (predictor, quantity), people in named.items():
        if quantity in HALLUCINATION:
            found = HALLUCINATION[quantity](people)
            tables["hallucination"].setdefault(predictor, {}).update(found)
            continue
        if quantity == "lesion_suvmax_recovery":
            tables["lesions"][predictor] = _recovery(people)
            continue
        values = [value for one in people.values() for value in one]
        tables["images"].setdefault(predictor, {}).update(_interval(quantity, values))
    return tables


HALLUCINATION: dict[str, Callable[[dict[str, list[float]]], dict[str, float | int]]] = {
    STRAYS: lambda people: stray_table([count for one in people.values() for count in one]),
    STAYED: stayed_table,
}


def _recovery(people: dict[str, list[float]]) -> dict[str, float | int]:
    shares = np.array([value for one in people.values() for value in one])
    owners = [name for name, one in people.items() for _ in one]
    found = bootstrap(weighted_median(shares), owners, seed=BOOTSTRAP_SEED, method="percentile")
    return {
        "median_recovery": float(np.median(shares)),
        "median_recovery_low": NOT_ESTIMABLE if found.lower is None else found.lower,
        "median_recovery_high": NOT_ESTIMABLE if found.upper is None else found.upper,
        "lesions": len(shares),
        "participants": len(people),
    }


def weighted_median(values: NDArray[np.float64]) -> WeightedStatistic:
    """Return the median of values that count as often as their (whole) weights say."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        reached = np.cumsum(weights[:, order], axis=1)
        half = reached[:, -1:] / 2
        low = (reached >= half).argmax(axis=1)  # the middle two where their number is even
        high = (reached > half).argmax(axis=1)
        return (ranked[low] + ranked[high]) / 2

    return statistic


def _interval(quantity: str, values: list[float]) -> dict[str, float]:
    found = mean_interval(values)
    named = {"": found.value, "_low": found.lower, "_high": found.upper}
    return {
        f"{quantity}{end}": NOT_ESTIMABLE if value is None else value
        for end, value in named.items()
    }


def write_rows(rows: Iterable[Row], path: Path) -> None:
    """Write one line a number, for paired comparisons of releases on the same split."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["participant", "predictor", "quantity", "value"])
        for row in rows:
            value = "" if math.isnan(row.value) else f"{row.value:.8g}"
            writer.writerow([row.participant, row.predictor, row.quantity, value])
