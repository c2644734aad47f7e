"""Studies written by hand: numbers without any training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from evaluation.imaging import Grid
from synthesis.data.pairs import PairCase
from synthesis.study.records import Change, Cost, CurvePoint, Focus, Measured, Nearness, Strays
from synthesis.training.family_held_out import Row
from tests.synthesis.family_runs import run_table

SHARES = {"model": 0.9, "zero": 0.0, "body_mean": 0.1, "lesions_erased": 0.12}
ERRORS = {"model": 0.2, "zero": 0.7, "body_mean": 0.4, "lesions_erased": 0.01}
PEOPLE = 8


def study_file(folder: Path, *families: str, **changes: Any) -> Path:
    """Write a tiny study with the family files that it names."""
    for family in families:
        table = run_table(family)
        table.pop("split")
        (folder / f"{family}.toml").write_text(tomli_w.dumps(table), encoding="utf-8")
    table = {
        "schema": 1,
        "name": "tiny",
        "created": "2026-11-25",
        "cohort": "phantom:5",
        "split": {"validation": 0.2, "test": 0.2},
        "families": [{"config": f"{family}.toml"} for family in families],
        "measures": {"replicates": 100, "counterfactual_cases": 1, "curve_cases": 1},
        **changes,
    }
    path = folder / "study.toml"
    path.write_text(tomli_w.dumps(table), encoding="utf-8")
    return path


def measured(*, better_by: float = 0.0) -> Measured:
    """Return the numbers of eight participants, two malignant foci and one benign each."""
    rows: list[Row] = []
    foci: list[Focus] = []
    strays: list[Strays] = []
    changes: list[Change] = []
    for n in range(PEOPLE):
        who, spread = f"P{n}", 1 + 0.02 * n
        for name, share in SHARES.items():
            own = share + better_by if name == "model" else share
            rows += [
                Row(who, name, "mae_suv", ERRORS[name] * spread),
                Row(who, name, "psnr_db", 30.0 + n),
                Row(who, name, "ssim", 0.9),
                *[Row(who, name, "lesion_suvmax_recovery", own)] * 2,
            ]
            foci += [
                Focus(who, name, "lesion:1", True, 8.0 + n, own * (8.0 + n)),
                Focus(who, name, "node:7", True, 4.0, own * 4.0),
                Focus(who, name, "lesion:2", False, 2.0, own * 2.0),
            ]
            strays.append(Strays(who, name, int(name == "model" and n == 0), 3000.0))
            changes += [
                Change(who, name, "removed", 8.0, 0.6, 8.0 * own, 3.0 if n == 0 else 0.5),
                Change(who, name, "inserted", 8.0, 0.6, 8.0 * own, 0.5),
            ]
    return Measured(
        key="k", evaluations=4, parameters=10, cost=Cost(1.0, 0.9, None, 36), rows=tuple(rows),
        foci=tuple(foci), strays=tuple(strays), changes=tuple(changes),
        curve=(CurvePoint(1, 0.2, 0.8, 2, 4), CurvePoint(4, 0.25, 1.1, 2, 4)),
        nearness=Nearness(10, 0.1, 0.2, 0.0),
    )  # fmt: skip


def case_with(suv: np.ndarray, name: str = "P1") -> PairCase:
    """Return a case that is all body and all lung, without foci."""
    shape = suv.shape
    ones = np.ones(shape, dtype=np.uint8)
    return PairCase(
        participant=name, hu=np.full(shape, -800, np.int16), suv=suv.astype(np.float16),
        body=ones > 0, foci=0 * ones, focus_names=(), malignant=(), kvp=120.0, demographics=None,
        grid=Grid((shape[0], shape[1], shape[2]), (8.0, 8.0, 8.0), (0.0, 0.0, 0.0)), organs=ones,
        organ_names=("organ:lung_left",),
    )  # fmt: skip
