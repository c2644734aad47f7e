"""The simulated study with everything that the packaged plan asks for.

On top of `simulated_tables`: participant columns, nodal readings by two readers with and without
synthetic PET, indeterminate readings, failed synthetic PET, the other data range, negative controls
and the error by uptake.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from evaluation.analysis import AnalysisResult, Plan, Tables, default_plan, run
from tests.evaluation.simulated_study import simulated_tables

PLAN = replace(default_plan(), bootstrap_replicates=100)
QUICK = replace(PLAN, sensitivity=(), subgroup=(), risk=None, multiplicity=None)
"""Main rows only: what most tests look at, in a third of the time."""
UPTAKE = ("uptake:0-1", "uptake:1-2.5", "uptake:2.5-5", "uptake:5-10", "uptake:10+")


def narrowed(
    plan: Plan, *, primary: tuple[str, ...] = (), conditions: tuple[str, ...] = ()
) -> Plan:
    """Return a plan with some of its endpoints only."""
    return replace(
        plan, primary=tuple(p for p in plan.primary if p.id in primary), multiplicity=None,
        target_condition=tuple(c for c in plan.target_condition if c.id in conditions),
    )  # fmt: skip


@cache
def full_run() -> tuple[Tables, AnalysisResult]:
    """Return the tables and the result of the whole plan, made once for all tests."""
    tables = full_tables()
    return tables, run(PLAN, tables)


def full_tables(*, seed: int = 11, participants: int = 60) -> Tables:
    """Return tables in which each part of the packaged plan finds something."""
    rng = np.random.default_rng(seed)
    base = simulated_tables(seed=seed, participants=participants)
    people = _described(rng, base.participants)
    paired = people.loc[people["synthesised"], ["participant", "site"]]
    reads = pd.concat([base.index_scores, _nodal_readings(rng, base)], ignore_index=True)
    reads["indeterminate"] = rng.random(len(reads)) < 0.06
    more = pd.concat(_more_measurements(rng, paired), ignore_index=True)
    measured = pd.concat([base.measurements, more], ignore_index=True)
    return replace(base, participants=people, measurements=measured, index_scores=reads)


def _described(rng, people):
    n = len(people)
    return people.assign(
        stage=rng.choice(["I", "II", "III", "IV", ""], n), histology="adenocarcinoma",
        body_mass_index=np.where(rng.random(n) < 0.1, np.nan, rng.normal(24, 3, n)),
        uptake_minutes=rng.normal(62, 3, n), ct_pet_days=rng.integers(0, 33, n),
        glucose_mmol_l=rng.normal(6, 1, n), treated_between=rng.random(n) < 0.03,
        major_deviation=rng.random(n) < 0.03, scanner=rng.choice(["A", "B"], n),
    )  # fmt: skip


def _nodal_readings(rng, base):
    r = base.reference_standard
    own = r[(r["target_condition"] == "nodal_metastasis") & (r["unit"] == "participant")]
    stations = r[r["unit"] == "station"].groupby("participant")["status"]
    involved = stations.agg(lambda s: (s == "positive").any()).loc[own["participant"]].to_numpy()
    frames = []
    for arm, spread in (("ct", 1.4), ("ct_spet", 0.9)):
        for reader in ("R1", "R2"):
            score = np.clip(np.round(rng.normal(2 + 2 * involved, spread)), 1, 5)
            frames.append(
                own[["participant", "site", "target_condition", "unit", "unit_id"]].assign(
                    test=f"reader_{arm}", arm=arm, reader=reader, score=score
                )
            )
    return pd.concat(frames, ignore_index=True)


def _more_measurements(rng, paired):
    def rows(region, image, quantity, centre, sd):
        value = rng.normal(centre, sd, len(paired))
        return paired.assign(
            release="pix2pix-1", region=region, image=image, quantity=quantity, value=value,
            unit="", method="simulated", flags="",
        )  # fmt: skip

    frames = [rows("body", "pair", "ssim_l10", 0.84, 0.04), rows("body", "pair", "psnr_l10", 26, 2)]
    for control, level in (("zero", 0.5), ("body_mean", 0.6), ("lesions_erased", 0.87)):
        frames += [
            rows("body", f"control:{control}", quantity, level, 0.03)
            for quantity in ("ssim", "structural_similarity", "psnr", "mae")
        ]
    for i, region in enumerate(UPTAKE):
        frames += [
            rows(region, "pair", "bias", -0.1 * i, 0.05),
            rows(region, "pair", "mae", i, 0.1),
        ]
    return frames


def with_failures(tables: Tables, count: int) -> Tables:
    """Return tables in which the synthetic PET of some positive ready pairs failed."""
    r = tables.reference_standard
    ill = r[(r["target_condition"] == "distant_metastasis") & (r["status"] == "positive")]
    people = tables.participants
    ready = set(people.loc[people["synthesised"], "participant"])
    failed = [p for p in ill["participant"] if p in ready][:count]
    gone = people["participant"].isin(failed)
    m = tables.measurements
    kept = ~(m["participant"].isin(failed) & (m["image"] != "reference"))
    return replace(
        tables, participants=people.assign(synthesised=people["synthesised"] & ~gone),
        measurements=m[kept],
    )  # fmt: skip
