"""The whole outcome run of a large simulated study: seconds, peak memory, rows.

python -m benchmarks.evaluation_study [--participants N] [--replicates B] [--profile]

The run happens in a child process, so that its peak memory is its own. Tables: N participants in
five sites, about 2.2 lesions each, three node stations, three target conditions, synthetic and
reference PET and two readers with CT and with CT and synthetic PET; every part of the packaged plan.
"""

import argparse
import cProfile
import pstats
import resource
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.analysis import Tables, default_plan, run

SITES = ("SPH", "SEH", "NB2", "NCU", "ZMU")
LESION = {
    "suv_peak": 1.0, "suv_max": 1.35, "suv_mean": 0.7, "mtv_41": 2.5, "tlg_41": 4.0,
    "tbr_max": 0.8, "tbr_mean": 0.45,
}  # fmt: skip
BODY = ("ssim", "ssim_2d", "structural_similarity", "psnr", "mse", "mae", "ssim_l10", "psnr_l10")
STATIONS = ("4R", "7", "10R")
_STEPS = ("screened", "eligible", "enrolled", "consented", "ct_received", "pet_received",
          "pair_ready", "synthesised", "reference_complete", "analysed")  # fmt: skip


class Study:
    """Draws the tables of a study, one column at a time."""

    def __init__(self, participants: int, seed: int = 1) -> None:
        self.rng = np.random.default_rng(seed)
        self.n = participants
        self.site = np.asarray(SITES, dtype=object)[np.arange(participants) % len(SITES)]
        self.code = np.array([f"{s}-{i:05d}" for i, s in enumerate(self.site)], dtype=object)
        self.ready = self.rng.random(participants) < 0.94
        self.made = self.ready & (self.rng.random(participants) < 0.99)
        self.parts: list[pd.DataFrame] = []
        self.verdicts: list[pd.DataFrame] = []
        self.scores: list[pd.DataFrame] = []

    def tables(self) -> Tables:
        """Return the tables."""
        made = np.flatnonzero(self.made)
        self._images(made)
        self._lesions(made)
        self._stations(made)
        self._distant(made)
        return Tables(
            self._participants(), pd.concat(self.parts, ignore_index=True),
            pd.concat(self.verdicts, ignore_index=True), pd.concat(self.scores, ignore_index=True),
            pd.DataFrame({"code": SITES, "name": SITES, "name_zh": SITES, "target": 2000}),
        )  # fmt: skip

    def _participants(self) -> pd.DataFrame:
        rng, n = self.rng, self.n
        steps = dict.fromkeys(_STEPS, np.ones(n, dtype=bool))
        steps |= {"pair_ready": self.ready, "synthesised": self.made, "analysed": self.made}
        return pd.DataFrame(
            {
                "participant": self.code, "site": self.site, "age_years": rng.normal(63, 9, n),
                "sex": rng.choice(["F", "M"], n), **steps, "exclusion_reason": "",
                "stage": rng.choice(["I", "II", "III", "IV"], n),
                "body_mass_index": rng.normal(24, 3, n), "uptake_minutes": rng.normal(62, 5, n),
                "ct_pet_days": rng.integers(0, 25, n), "glucose_mmol_l": rng.normal(6, 1, n),
                "treated_between": rng.random(n) < 0.01, "major_deviation": rng.random(n) < 0.02,
                "histology": rng.choice(["adenocarcinoma", "squamous cell"], n),
                "scanner": rng.choice(["A", "B", "C"], n),
            }
        )  # fmt: skip

    def _measure(self, who, region, image, *, quantity, value) -> None:
        release = "" if image == "reference" else "model-1"
        self.parts.append(
            pd.DataFrame(
                {
                    "participant": self.code[who], "site": self.site[who], "release": release,
                    "region": region, "image": image, "quantity": quantity, "value": value,
                    "unit": "SUV", "method": "simulated", "flags": "",
                }
            )
        )  # fmt: skip

    def _images(self, who) -> None:
        rng, n = self.rng, len(who)
        for quantity in BODY:
            scale = 31.0 if quantity.startswith("psnr") else 0.88
            self._measure(
                who, "body", "pair", quantity=quantity, value=rng.normal(scale, scale / 20, n)
            )
        for control in ("zero", "body_mean", "lesions_erased"):
            for quantity in ("ssim", "structural_similarity", "psnr", "mae"):
                value = rng.normal(0.5, 0.05, n)
                self._measure(who, "body", f"control:{control}", quantity=quantity, value=value)
        for region in ("uptake:0-1", "uptake:1-2.5", "uptake:2.5-5", "uptake:5-10", "uptake:10+"):
            for quantity in ("bias", "mae"):
                self._measure(who, region, "pair", quantity=quantity, value=rng.normal(0, 0.2, n))
        for organ in ("organ:liver", "organ:blood_pool"):
            for quantity in ("suv_mean", "volume"):
                real = rng.normal(2.1, 0.2, n)
                self._measure(who, organ, "reference", quantity=quantity, value=real)
                made = real * rng.lognormal(0, 0.04, n)
                self._measure(who, organ, "synthetic", quantity=quantity, value=made)

    def _uptake(self, who, region, peak) -> None:
        error = np.exp(self.rng.normal(-0.05, 0.15, len(who)))
        for quantity, scale in LESION.items():
            jitter = np.exp(self.rng.normal(0, 0.02, len(who)))
            self._measure(who, region, "reference", quantity=quantity, value=peak * scale)
            self._measure(
                who, region, "synthetic", quantity=quantity, value=peak * scale * error * jitter
            )

    def _verdict(self, who, condition, unit, *, unit_id, positive, missing) -> None:
        draw = self.rng.random(len(who))
        known = np.where(positive, "positive", "negative").astype(object)
        status = np.where(draw < missing, "missing", known)
        status = np.where(draw > 0.98, "indeterminate", status)
        self.verdicts.append(
            pd.DataFrame(
                {
                    "participant": self.code[who], "site": self.site[who],
                    "target_condition": condition, "unit": unit, "unit_id": unit_id,
                    "status": status, "source": "histology",
                }
            )
        )  # fmt: skip
        for arm, spread in (("ct", 1.3), ("ct_spet", 0.8)):
            for reader in ("R1", "R2") if unit != "station" else ():
                value = np.clip(np.round(self.rng.normal(2 + 2 * positive, spread)), 1, 5)
                self.scores.append(
                    pd.DataFrame(
                        {
                            "participant": self.code[who], "site": self.site[who],
                            "test": f"reader_{arm}", "arm": arm, "reader": reader,
                            "target_condition": condition, "unit": unit, "unit_id": unit_id,
                            "score": value, "indeterminate": self.rng.random(len(who)) < 0.02,
                        }
                    )
                )  # fmt: skip

    def _lesions(self, who) -> None:
        count = 1 + self.rng.poisson(1.4, len(who))
        of = np.repeat(who, count)
        number = np.concatenate([np.arange(1, k + 1) for k in count])
        positive = (number == 1) | (self.rng.random(len(of)) < 0.4)
        peak = np.exp(self.rng.normal(np.where(positive, 1.7, 0.6), 0.4))
        names = np.array([f"lesion:{k}" for k in number], dtype=object)
        self._uptake(of, names, peak)
        unit_id = number.astype(str).astype(object)
        self._verdict(of, "malignancy", "lesion", unit_id=unit_id, positive=positive, missing=0.05)

    def _stations(self, who) -> None:
        any_positive = np.zeros(len(who), dtype=bool)
        for station in STATIONS:
            positive = self.rng.random(len(who)) < 0.2
            any_positive |= positive
            seen = positive | (self.rng.random(len(who)) < 0.4)
            peak = np.exp(self.rng.normal(np.where(positive, 1.4, 0.5), 0.35))
            self._uptake(who[seen], f"node:{station}", peak[seen])
            self._verdict(
                who, "nodal_metastasis", "station", unit_id=station, positive=positive, missing=0.3
            )
        self._verdict(
            who, "nodal_metastasis", "participant", unit_id="", positive=any_positive, missing=0.3
        )

    def _distant(self, who) -> None:
        positive = self.rng.random(len(who)) < 0.2
        seen = positive & (self.rng.random(len(who)) < 0.85)
        self._uptake(who[seen], "distant:adrenal", self.rng.lognormal(1.5, 0.4, int(seen.sum())))
        self._verdict(
            who, "distant_metastasis", "participant", unit_id="", positive=positive, missing=0.05
        )


def peak_mb() -> float:
    """Return the peak resident memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(participants: int, replicates: int, *, profile: bool) -> None:
    """Run the plan once and print what it took."""
    tables = Study(participants).tables()
    plan = replace(default_plan(), bootstrap_replicates=replicates)
    before = peak_mb()
    profiler = cProfile.Profile(time.process_time)
    start, cpu = time.perf_counter(), time.process_time()
    if profile:
        profiler.enable()
    result = run(plan, tables)
    profiler.disable()
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    lesions = int((tables.reference_standard["unit"] == "lesion").sum())
    print(
        f"{participants} participants, {lesions} lesions, {len(tables.measurements)} measurements, "
        f"{len(tables.index_scores)} scores, {replicates} replicates: {len(result.rows)} rows in "
        f"{seconds:.1f} s ({cpu:.1f} s of processor time); peak {peak_mb():.0f} MB, of which {before:.0f} MB with the tables made"
    )
    if profile:
        pstats.Stats(profiler).sort_stats("cumtime").print_stats(60)


def main() -> None:
    """Measure in a child process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--participants", type=int, default=10_000)
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        measure(asked.participants, asked.replicates, profile=asked.profile)
        return
    command = [sys.executable, "-m", "benchmarks.evaluation_study", "--child", *sys.argv[1:]]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
