"""Areas and bootstraps of ours and of plain ways to the same number, in one run: seconds, ratios.

python -m benchmarks.evaluation_diagnostic [--participants N] [--repeats N]

Plain ways: DeLong's double sum as a matrix, and a bootstrap that gathers the drawn participants'
lesions and calls scikit-learn; the latter runs 20 of 2,000 replicates and is scaled up.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from sklearn.metrics import roc_auc_score

from evaluation.diagnostic import added_value, cluster_bootstrap, compare_auc

REPLICATES = 2000
TARGETS_S = {"paired DeLong": 0.010, "bootstrap, sensitivity": 0.5, "bootstrap, area": 1.5}


def study(participants: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    lesions = rng.integers(1, 4, participants) + (rng.random(participants) < 0.2)
    who = np.repeat(np.arange(participants), lesions)
    own = rng.normal(size=participants)[who]
    truth = rng.random(len(who)) < 0.3
    one, two = (rng.normal(truth * shift + 0.5 * own, 1) for shift in (1.0, 0.8))
    return {"who": who, "truth": truth, "one": one, "two": two}


def best_of(repeats: int, work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def double_sum(truth: np.ndarray, one: np.ndarray, two: np.ndarray) -> float:
    u, v = [], []
    for score in (one, two):
        x, y = score[truth], score[~truth]
        psi = (x[:, None] > y) + 0.5 * (x[:, None] == y)
        u.append(psi.mean(axis=1))
        v.append(psi.mean(axis=0))
    variance = np.var(u[0] - u[1], ddof=1) / len(u[0]) + np.var(v[0] - v[1], ddof=1) / len(v[0])
    return float((u[0].mean() - u[1].mean()) / np.sqrt(variance))


def gathered(d: dict[str, np.ndarray], statistic: Callable[[np.ndarray], float]) -> float:
    """Seconds for all replicates, from 20 of them."""
    rng = np.random.default_rng(2)
    rows = np.split(np.arange(len(d["who"])), np.flatnonzero(np.diff(d["who"])) + 1)
    start = time.perf_counter()
    for _ in range(20):
        drawn = rng.integers(len(rows), size=len(rows))
        statistic(np.concatenate([rows[k] for k in drawn]))
    return (time.perf_counter() - start) * REPLICATES / 20


def compare(participants: int, repeats: int) -> bool:
    d = study(participants)
    truth, one, two, who = d["truth"], d["one"], d["two"], d["who"]
    first = slice(participants)
    options = {"cluster": who, "seed": 3, "replicates": REPLICATES}
    called = one > 0.5
    risks = [1 / (1 + np.exp(-s)) for s in (two, one)]
    z = compare_auc(truth[first], one[first], two[first]).statistic
    assert z is not None
    assert abs(z - double_sum(truth[first], one[first], two[first])) < 1e-9
    lines = {
        "paired DeLong": (
            lambda: compare_auc(truth[first], one[first], two[first]),
            best_of(1, lambda: double_sum(truth[first], one[first], two[first])),
        ),
        "bootstrap, sensitivity": (
            lambda: cluster_bootstrap("sensitivity", truth, called, **options),
            gathered(d, lambda k: float(called[k][truth[k]].mean())),
        ),
        "bootstrap, area": (
            lambda: cluster_bootstrap("auc", truth, one, **options),
            gathered(d, lambda k: float(roc_auc_score(truth[k], one[k]))),
        ),
        "bootstrap, added value": (
            lambda: added_value(truth, *risks, cutoffs=[0.2, 0.4], **options),
            0.0,
        ),
    }
    print(f"{participants} participants, {len(who)} lesions, {REPLICATES} replicates")
    kept = True
    for name, (work, plain) in lines.items():
        own = best_of(repeats, work)
        target = TARGETS_S.get(name, float("inf"))
        kept &= own <= target
        beside = f"plain {plain:7.2f} s, {plain / own:4.0f} x" if plain else "no plain way timed"
        wanted = f", target {target} s" if name in TARGETS_S else ""
        print(f"{name:24} {own:7.4f} s   {beside}{wanted}")
    return kept


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--participants", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    raise SystemExit(0 if compare(asked.participants, asked.repeats) else 1)
