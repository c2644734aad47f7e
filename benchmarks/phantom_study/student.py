"""Train a student and set it beside its teacher on held-out participants.

`python -m benchmarks.phantom_study.student DISTIL.toml --teacher RELEASE --data SOURCE --out DIR`.
Prints the median recovery of SUVmax of malignant foci and the error inside the body of the teacher
at its full and at the student's number of evaluations, of the student, and the paired difference.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from synthesis.config import load_distillation
from synthesis.data.pairs import PairCase
from synthesis.families import Family, load_family
from synthesis.inference.family_volume import sample_on_grid
from synthesis.inference.sampling import Sampling
from synthesis.registry import load_release
from synthesis.training.checking import body_mae, recoveries
from synthesis.training.distillation import fit_student
from synthesis.training.world import joined

FULL = 200
REPLICATES = 2000


def measured(
    family: Family, cases: list[PairCase], evaluations: int
) -> tuple[list[float], list[list[float]]]:
    """Return the error of each participant, and the recovery of each of their foci."""
    wanted = Sampling(seed=20, evaluations=evaluations, compiled="never")
    errors, shares = [], []
    for case in cases:
        hu = case.hu.astype(np.float32)
        suv = sample_on_grid(family, hu, kvp=case.kvp, sampling=wanted).first
        errors.append(body_mae(case, suv))
        shares.append(recoveries(case, suv))
    return errors, shares


def points_apart(ours: list[list[float]], theirs: list[list[float]]) -> dict[str, float]:
    """Return the difference of median recoveries in points, with a bootstrap over participants."""
    rng = np.random.default_rng(20)
    drawn = []
    for _ in range(REPLICATES):
        chosen = rng.integers(len(ours), size=len(ours))
        medians = [np.median(np.concatenate([side[k] for k in chosen])) for side in (ours, theirs)]
        drawn.append(100 * (medians[0] - medians[1]))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {"points": 100 * (_median(ours) - _median(theirs)), "low": low, "high": high}


def _median(shares: list[list[float]]) -> float:
    return float(np.median(np.concatenate(shares)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--images", type=Path, help="images on the model's grid, of a study say")
    parser.add_argument("--participants", type=int, default=20)
    options = parser.parse_args()
    run, release = load_distillation(options.config), load_release(options.teacher)
    with joined() as world:
        _, student, data = fit_student(
            run, release, options.data, options.out, world=world, images=options.images
        )
        student.networks.eval()
        cases = [data.cases.case(n) for n in data.split.test[: options.participants]]
        few = run.distillation.evaluations
        teacher = load_family(release, device=world.device)
        found = {
            f"teacher, {FULL}": measured(teacher, cases, FULL),
            f"teacher, {few}": measured(teacher, cases, few),
            f"student, {few}": measured(student, cases, few),
        }
    full = found[f"teacher, {FULL}"][1]
    table = {
        name: {
            "body_mae": float(np.mean(errors)), "median_recovery": _median(shares),
            "foci": sum(map(len, shares)), "participants": len(cases),
            "minus_full_teacher": points_apart(shares, full),
        }
        for name, (errors, shares) in found.items()
    }  # fmt: skip
    text = json.dumps(table, indent=1)
    (options.out / "student.json").write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
