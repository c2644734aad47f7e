"""The number of network evaluations: its curve on validation participants, and the choice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from synthesis.config import CpdmConfig, FamilyConfig, Pix2PixDdpmConfig
from synthesis.data.pairs import PairCase
from synthesis.families import Family, build_family
from synthesis.inference.family_volume import sample_on_grid
from synthesis.inference.sampling import Sampling
from synthesis.study.records import CurvePoint
from synthesis.training.checking import body_mae, recoveries


def curve_of(
    family: Family,
    cases: Sequence[PairCase],
    evaluations: Iterable[int],
    *,
    seed: int,
    done: Callable[[int], None],
) -> tuple[CurvePoint, ...]:
    """Return error and recovery of one sample a participant for each number of evaluations."""
    points = []
    for number, count in enumerate(evaluations, start=1):
        sampling = Sampling(seed=seed, evaluations=count, compiled="never")
        errors, shares = [], []
        for case in cases:
            hu = case.hu.astype(np.float32)
            suv = sample_on_grid(family, hu, kvp=case.kvp, sampling=sampling).first
            errors.append(body_mae(case, suv))
            shares += recoveries(case, suv)
        median = float(np.median(shares)) if shares else float("nan")
        points.append(CurvePoint(count, float(np.mean(errors)), median, len(errors), len(shares)))
        done(number)
    return tuple(points)


def chosen(curve: Sequence[CurvePoint], otherwise: int) -> int:
    """Return the number whose median recovery lies nearest one; the smaller of equals."""
    known = [point for point in curve if np.isfinite(point.median_recovery)]
    if not known:
        return otherwise
    best = min(known, key=lambda p: (abs(1 - p.median_recovery), p.evaluations))
    return best.evaluations


def with_evaluations(family: Family, count: int) -> Family:
    """Return the same networks in a family whose configured number of evaluations is this."""
    config = _config(family.config, count)
    if config == family.config:
        return family
    again = build_family(config, device=family.device)
    again.networks.load_state_dict(family.networks.state_dict())
    again.networks.eval()
    return again


def _config(config: FamilyConfig, count: int) -> FamilyConfig:
    if isinstance(config, CpdmConfig) and config.path == "flow":
        return replace(config, flow=replace(config.flow, evaluations=count))
    if isinstance(config, CpdmConfig):
        return replace(config, bridge=replace(config.bridge, evaluations=count))
    if isinstance(config, Pix2PixDdpmConfig):  # the pair's own evaluation is counted too
        denoiser = max(1, count - (config.mode != "independent"))
        return replace(config, process=replace(config.process, evaluations=denoiser))
    return config
