"""Coverage of the intervals of reader studies in simulated studies: minutes, not part of the tests.

Ratings follow the model of Roe CA, Metz CE, Acad Radiol 1997;4:298: normal, with random readers and
cases and all their interactions; the total variance of a case's rating is 1.
"""

import argparse
import math

import numpy as np
import pandas as pd
from scipy import stats
from tqdm import tqdm

from evaluation.readers import fleiss_kappa, obuchowski_rockette, visual_turing

# Variances of reader and test by reader, then of case, test by case, reader by case, rest.
STRUCTURES = {"HL": (0.0055, 0.3, 0.3, 0.2, 0.2), "LH": (0.03, 0.1, 0.1, 0.2, 0.6)}
TESTS = 2


def ratings(rng, *, structure, readers, positives, negatives, shift):
    var_reader, var_case, var_test_case, var_reader_case, var_rest = STRUCTURES[structure]
    rows = []
    for truth, n in ((1, positives), (0, negatives)):
        case = rng.normal(0, math.sqrt(var_case), n)
        by_test = rng.normal(0, math.sqrt(var_test_case), (TESTS, n))
        by_reader = rng.normal(0, math.sqrt(var_reader_case), (readers, n))
        reader = rng.normal(0, math.sqrt(var_reader), readers)
        for t in range(TESTS):
            for r in range(readers):
                own = reader[r] + rng.normal(0, math.sqrt(var_reader))
                rest = rng.normal(0, math.sqrt(var_rest), n)
                score = shift * truth + case + by_test[t] + by_reader[r] + own + rest
                labels = np.arange(n) + 1000 * truth
                rows.append(pd.DataFrame({"reader": r, "test": t, "case": labels, "truth": truth,
                                          "rating": score}))  # fmt: skip
    return pd.concat(rows)


def true_area(structure, shift):
    var_reader = STRUCTURES[structure][0]
    return float(stats.norm.cdf(shift / math.sqrt(2 + 4 * var_reader)))


def reader_studies(replicates, seed):
    print("structure readers cases  area | covered %: difference, mean | rejected %: 5 % test")
    for structure in STRUCTURES:
        for readers, positives, negatives, shift in ((3, 25, 25, 1.5), (5, 25, 25, 1.5), (5, 50, 50, 2.5),
                                                     (10, 50, 100, 1.5)):  # fmt: skip
            area = true_area(structure, shift)
            hit = np.zeros(3)
            for child in tqdm(np.random.SeedSequence(seed).spawn(replicates), leave=False):
                study = obuchowski_rockette(
                    ratings(np.random.default_rng(child), structure=structure, readers=readers,
                            positives=positives, negatives=negatives, shift=shift)
                )  # fmt: skip
                difference, mean = study.differences["0", "1"], study.means[0]
                hit += (difference.lower <= 0 <= difference.upper, mean.lower <= area <= mean.upper,
                        study.p_value < 0.05)  # fmt: skip
            shares = 100 * hit / replicates
            print(
                f"{structure:9} {readers:7} {positives:2}+{negatives:<3} {area:.3f} | {shares[0]:.1f} {shares[1]:.1f} | {shares[2]:.1f}"
            )


def turing_tests(replicates, seed):
    print(
        "readers cases | covered %: accuracy, d' (guessing) | equivalent %: at 50 %, at the margin of 60 %"
    )
    for readers, cases in ((6, 100), (10, 200)):
        hit = np.zeros(4)
        for child in tqdm(np.random.SeedSequence(seed).spawn(replicates), leave=False):
            rng = np.random.default_rng(child)
            found = [turing(rng, readers=readers, cases=cases, right=share) for share in (0.5, 0.6)]
            hit += (found[0].accuracy.lower <= 0.5 <= found[0].accuracy.upper,
                    found[0].d_prime.lower <= 0 <= found[0].d_prime.upper,
                    *(e.equivalence.p_value < 0.05 for e in found))  # fmt: skip
        print(
            f"{readers:7} {cases:5} | "
            + " ".join(f"{share:.1f}" for share in 100 * hit / replicates)
        )


def turing(rng, *, readers, cases, right):
    reader, case = (a.ravel() for a in np.meshgrid(np.arange(readers), np.arange(cases)))
    truth = case % 2 == 0
    # Readers differ in skill and images in difficulty, on the probit scale.
    spread = rng.normal(0, 0.15, readers)[reader] + rng.normal(0, 0.3, cases)[case]
    skill = stats.norm.ppf(right) * math.sqrt(1 + 0.15**2 + 0.3**2)
    return visual_turing(
        truth, np.where(rng.normal(skill + spread) > 0, truth, ~truth), reader, case
    )


def fleiss(replicates, seed):
    print("cases readers | covered %: Fleiss kappa")
    for cases, readers in ((30, 6), (100, 3)):
        big = agreement(np.random.default_rng(seed), cases=200_000, readers=readers)
        true, hit = fleiss_kappa(big).value, 0
        for child in np.random.SeedSequence(seed + 1).spawn(replicates):
            e = fleiss_kappa(agreement(np.random.default_rng(child), cases=cases, readers=readers))
            hit += e.lower <= true <= e.upper
        print(f"{cases:5} {readers:7} | {100 * hit / replicates:.1f} (kappa {true:.3f})")


def agreement(rng, *, cases, readers):
    latent = rng.normal(size=(cases, 1)) + rng.normal(0, 0.7, (cases, readers))
    category = np.digitize(latent, [-0.6, 0.6])
    return np.stack([(category == k).sum(axis=1) for k in range(3)], axis=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20251201)
    asked = parser.parse_args()
    for part in (reader_studies, turing_tests, fleiss):
        part(asked.replicates, asked.seed)


if __name__ == "__main__":
    main()
