"""Simulated readers with known areas: how often the intervals of the pipeline hold the truth.

    python -m benchmarks.reader_simulation [--seeds 200] [--readers 5] [--cases 120] [--areas 0.80 0.86]

Scores follow the model of Roe and Metz (Acad Radiol 1997;4:298): reader, case and their interactions with
the test are random. Each seed is one study; its tables go through the plan and `evaluation.analysis.run`, and
the rows `mrmc` are compared with the areas of the population of readers and cases.
"""

import argparse
import math
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from evaluation.analysis import COLUMNS, Plan, Tables, default_plan, empty_table, run
from evaluation.readers import Read, index_scores

ARMS = ("ct", "ct_spet")
CONDITION, UNIT = "distant_metastasis", "participant"


@dataclass(frozen=True)
class Spread:
    """Variances of the model; those of the cases add up to 1. `HL` of Roe and Metz: high, low."""

    reader: float = 0.011
    test_reader: float = 0.011
    case: float = 0.3
    test_case: float = 0.3
    reader_case: float = 0.2
    rest: float = 0.2

    @property
    def of_difference(self) -> float:
        """Variance of the score of a positive less that of a negative case, over readers and cases."""
        cases = self.case + self.test_case + self.reader_case + self.rest
        return 2 * (self.reader + self.test_reader + cases)


def drawn_reads(
    rng: np.random.Generator, *, areas: tuple[float, float], readers: int, truth: np.ndarray,
    spread: Spread,
) -> list[Read]:  # fmt: skip
    """Reads of one study in which the population areas of both arms are as given."""
    n, t = len(truth), len(ARMS)
    scale = {name: math.sqrt(value) for name, value in vars(spread).items()}
    shift = np.array([stats.norm.ppf(area) * math.sqrt(spread.of_difference) for area in areas])
    own = rng.normal(size=(readers, 2)) * scale["reader"]  # reader x truth
    both = rng.normal(size=(t, readers, 2)) * scale["test_reader"]
    score = (
        shift[:, None, None] * truth
        + own[None, :, truth]
        + both[:, :, truth]
        + rng.normal(size=n) * scale["case"]
        + rng.normal(size=(t, 1, n)) * scale["test_case"]
        + rng.normal(size=(1, readers, n)) * scale["reader_case"]
        + rng.normal(size=(t, readers, n)) * scale["rest"]
    )
    return [
        Read("S1", ARMS[i], f"R{j}", f"P{k:04d}", CONDITION, UNIT, "", float(score[i, j, k]))
        for i in range(t) for j in range(readers) for k in range(n)
    ]  # fmt: skip


def reader_plan() -> Plan:
    """The packaged plan with its reader comparison alone."""
    plan = default_plan()
    return replace(
        plan, primary=(), baseline=(), sensitivity=(), subgroup=(), multiplicity=None, risk=None,
        negative_controls=None, uptake_trend=None, demographic_concordance=None, precision=None,
        target_condition=tuple(c for c in plan.target_condition if c.id == CONDITION),
        index_test=tuple(t for t in plan.index_test if t.kind == "scores"),
        comparison=tuple(c for c in plan.comparison if c.test == "reader_ct_spet"),
    )  # fmt: skip


def tables_of(reads: list[Read], truth: np.ndarray) -> Tables:
    """The tables of a study whose participants were all read."""
    codes = [f"P{k:04d}" for k in range(len(truth))]
    people = pd.DataFrame(dict.fromkeys(COLUMNS["participants"], True), index=range(len(codes)))
    people = people.assign(
        participant=codes, site="SPH", age_years=60.0, sex="F", exclusion_reason=""
    )
    verdicts = pd.DataFrame(
        {"participant": codes, "site": "SPH", "target_condition": CONDITION, "unit": UNIT, "unit_id": "",
         "status": np.where(truth == 1, "positive", "negative"), "source": "simulation"}
    )  # fmt: skip
    sites = pd.DataFrame(
        {"code": ["SPH"], "name": ["SPH"], "name_zh": [""], "target": [len(codes)]}
    )
    scores = index_scores(reads, sites=dict.fromkeys(codes, "SPH"))
    return Tables(people, empty_table("measurements"), verdicts, scores, sites)


def held(seed: int, *, areas: tuple[float, float], readers: int, cases: int) -> dict[str, bool]:
    """Of each interval of one study, whether it holds the truth."""
    truth = (np.arange(cases) < cases // 2).astype(int)
    rng = np.random.default_rng([seed, readers, cases, *(round(1000 * area) for area in areas)])
    reads = drawn_reads(rng, areas=areas, readers=readers, truth=truth, spread=Spread())
    rows = [
        row for row in run(reader_plan(), tables_of(reads, truth)).rows if row.endpoint == "mrmc"
    ]
    known = {"reader_ct": areas[0], "reader_ct_spet": areas[1]}
    found = {}
    for row in rows:
        if row.statistic == "auc":
            found[row.test] = row.lower <= known[row.test] <= row.upper
        if row.statistic == "auc_difference":
            found["difference"] = row.lower <= areas[1] - areas[0] <= row.upper
            found["difference shown"] = not row.lower <= 0 <= row.upper
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--readers", type=int, default=5)
    parser.add_argument("--cases", type=int, default=120)
    parser.add_argument(
        "--areas", type=float, nargs=2, action="append", metavar=("CT", "CT_SPET"),
        help="areas of both arms in the population; may be given more than once",
    )  # fmt: skip
    asked = parser.parse_args()
    for areas in map(tuple, asked.areas or [(0.80, 0.80), (0.80, 0.86)]):
        counts: Counter[str] = Counter()
        for seed in range(asked.seeds):
            counts.update(
                name
                for name, yes in held(
                    seed, areas=areas, readers=asked.readers, cases=asked.cases
                ).items()
                if yes
            )
        print(
            f"areas {areas[0]:.2f} and {areas[1]:.2f}, {asked.readers} readers, {asked.cases} cases"
        )
        for name in ("reader_ct", "reader_ct_spet", "difference", "difference shown"):
            share = counts[name] / asked.seeds
            spread = 1.96 * math.sqrt(share * (1 - share) / asked.seeds)
            print(f"  {name:18s} {100 * share:5.1f} % of {asked.seeds} (± {100 * spread:.1f})")


if __name__ == "__main__":
    main()
