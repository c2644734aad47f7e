"""Who is simulated: every number that describes one phantom participant, drawn from one seed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from synthesis.data.findings import (
    DistantSite,
    Lesion,
    Node,
    draw_distant_sites,
    draw_lesions,
    draw_nodes,
)
from synthesis.data.frame import Body, ContrastPhase

Sex = Literal["F", "M"]
Histology = Literal["adenocarcinoma", "squamous"]

# Between-patient coefficient of variation and mean SUV of organs (Boktor 2013 for liver and blood
# pool, n = 132; the others are plausible values, marked [K] in the evidence file).
ORGAN_SUV: dict[str, tuple[float, float]] = {
    "liver": (2.17, 0.44),
    "blood": (1.55, 0.38),
    "spleen": (1.80, 0.40),
    "muscle": (0.70, 0.15),
    "fat": (0.30, 0.08),
    "lung": (0.45, 0.12),
    "marrow": (1.30, 0.35),
    "kidney": (2.60, 0.60),
    "stomach": (1.50, 0.50),
    "bowel": (1.50, 0.60),
    "pancreas": (1.40, 0.30),
    "adrenal": (1.60, 0.40),
    "oesophagus": (1.70, 0.40),
    "gland": (0.80, 0.20),
}
# Renal urine differs most between participants: mostly 5 to 30, by how much was drunk.
URINE_SUV = (12.0, 7.0)
# Prevalence of brown fat in FDG-PET: 7.5 % of women, 3.1 % of men (Cypess, N Engl J Med 2009;360:
# 1509-1517); commoner in the young, here by the factor 0.5 to 2.
BROWN_FAT_SHARE = {"F": 0.075, "M": 0.031}
ARMS_DOWN_SHARE = 0.2
STIMULATED_MARROW_SHARE = 0.04
AVID_BOWEL_SHARE = 0.25
# Share of an organ's log variance that the participant's common factor explains; 0.82 for liver
# and blood pool gives their published correlation of 0.82.
SHARED_VARIANCE = {"liver": 0.82, "blood": 0.82, "spleen": 0.6}
SHARED_VARIANCE_ELSEWHERE = 0.3


@dataclass(frozen=True, slots=True)
class Uptake:
    """Mean SUV (g/ml) of each normal tissue before any scanner effect."""

    liver: float
    blood: float
    spleen: float
    muscle: float
    fat: float
    lung: float
    marrow: float
    kidney: float
    stomach: float
    bowel: float
    pancreas: float
    adrenal: float
    oesophagus: float
    gland: float
    myocardium: float
    urine: float
    brown: float
    avid_bowel: float


@dataclass(frozen=True, slots=True)
class PhantomParticipant:
    """Everything that is true of one simulated participant; JSON-able through `to_json`."""

    seed: int
    sex: Sex
    age_years: int
    height_cm: float
    weight_kg: float
    lung_volume_ml: float
    histology: Histology
    n_stage: int
    m_stage: int
    common_factor: float
    body: Body
    uptake: Uptake
    lesions: tuple[Lesion, ...]
    nodes: tuple[Node, ...]
    distant_sites: tuple[DistantSite, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the participant as plain numbers, strings and lists."""
        return asdict(self)


def log_normal(mean: float, sd: float, z: float) -> float:
    """Return the value at standard score `z` of the log-normal that has this mean and SD."""
    variance = np.log1p((sd / mean) ** 2)
    return float(np.exp(np.log(mean) - variance / 2 + np.sqrt(variance) * z))


def draw_participant(seed: int) -> PhantomParticipant:
    """Return the participant of `seed`; the same seed always gives the same participant.

    Parameters
    ----------
    seed
        Non-negative integer.

    Returns
    -------
    PhantomParticipant
        Body, organ uptake, lesions, nodes and distant sites; lengths in mm, uptake in SUV (g/ml).
    """
    rng = np.random.default_rng([seed, 101])
    sex: Sex = "M" if rng.random() < 0.58 else "F"
    age = int(np.clip(round(rng.normal(63, 9)), 35, 86))
    height = float(np.clip(rng.normal(168.5 if sex == "M" else 157.5, 6.2), 143, 190))
    bmi = float(np.clip(rng.normal(23.6, 3.1), 16.5, 34))
    weight = round(bmi * (height / 100) ** 2, 1)
    lung = _lung_volume_ml(sex, height, float(rng.standard_normal()))
    body = _draw_body(rng, sex=sex, age=age, bmi=bmi, lung_volume_ml=lung)
    histology: Histology = "adenocarcinoma" if rng.random() < 0.65 else "squamous"
    n_stage = int(rng.choice(4, p=[0.52, 0.16, 0.22, 0.10]))
    m_stage = int(rng.random() < 0.1 + 0.06 * n_stage)
    factor = float(rng.standard_normal())
    lesions = draw_lesions(rng, body, histology=histology, factor=factor)
    return PhantomParticipant(
        seed=seed,
        sex=sex,
        age_years=age,
        height_cm=round(height, 1),
        weight_kg=weight,
        lung_volume_ml=round(lung),
        histology=histology,
        n_stage=n_stage,
        m_stage=m_stage,
        common_factor=factor,
        body=body,
        uptake=_draw_uptake(rng, factor, sex=sex, age=age),
        lesions=lesions,
        nodes=draw_nodes(rng, body, histology=histology, n_stage=n_stage, primary=lesions[0]),
        distant_sites=draw_distant_sites(rng, body, m_stage=m_stage),
    )


def _lung_volume_ml(sex: Sex, height_cm: float, z: float) -> float:
    """Return the lung volume at CT (deep inspiration), which grows with stature."""
    mean = 5000 + 62 * (height_cm - 168) if sex == "M" else 4000 + 50 * (height_cm - 157)
    return float(np.clip(mean + 550 * z, 2600, 7200))


def _draw_body(
    rng: np.random.Generator, *, sex: Sex, age: int, bmi: float, lung_volume_ml: float
) -> Body:
    size = (lung_volume_ml / 4800) ** (1 / 3)
    fat = float(np.clip((9 if sex == "M" else 13) + 1.5 * (bmi - 22) + rng.normal(0, 1.5), 4, 32))
    phase, contrast = _draw_contrast(rng)
    build = (bmi / 23.6) ** 0.25 * (1.0 if sex == "M" else 0.96)  # larger people, larger organs
    return Body(
        female=sex == "F",
        lung_length_mm=float(np.clip(186 * size + rng.normal(0, 5), 150, 222)),
        thorax_half_width_mm=float(np.clip(130 * size + rng.normal(0, 3), 102, 146)),
        thorax_half_depth_mm=float(np.clip(90 * size + rng.normal(0, 3), 72, 104)),
        fat_mm=fat,
        muscle_mm=float(np.clip(rng.normal(17 if sex == "M" else 13, 2), 9, 22)),
        organ_scale=_scale(rng, 0.05),
        liver_scale=build * _scale(rng, 0.05),
        spleen_scale=build * _scale(rng, 0.09),
        kidney_scale=build * _scale(rng, 0.05),
        heart_scale=1.06 * build * _scale(rng, 0.05),
        wall_mm=float(np.clip(rng.normal(10.5 if sex == "M" else 9.5, 1.2), 7, 15)),
        breast_scale=float(np.clip((bmi / 23.6) ** 0.7 * np.exp(rng.normal(0, 0.12)), 0.6, 1.4)),
        gland_scale=float(np.clip(1.1 - 0.012 * (age - 45) + rng.normal(0, 0.12), 0.35, 1.2)),
        arms_down=bool(rng.random() < ARMS_DOWN_SHARE),
        contrast_phase=phase,
        contrast_hu=contrast,
        liver_hu=float(rng.normal(58, 6)) if rng.random() < 0.8 else float(rng.uniform(15, 35)),
        lung_hu=float(rng.normal(-835, 22) - 0.5 * (age - 63)),
        marrow_hu=float(np.clip(180 - 2.2 * (age - 60) + rng.normal(0, 28), 60, 290)),
        breathing_mm=float(rng.uniform(4, 12)),
        warp=tuple(float(v) for v in rng.uniform(-np.pi, np.pi, 12)),
    )


def _scale(rng: np.random.Generator, log_sd: float) -> float:
    """Return a length scale; the volume's coefficient of variation is about three times its SD."""
    return float(np.exp(np.clip(rng.normal(0, log_sd), -2.5 * log_sd, 2.5 * log_sd)))


def _draw_contrast(rng: np.random.Generator) -> tuple[ContrastPhase, float]:
    """Return phase and enhancement of the aorta: none in most, as CT for attenuation mostly is."""
    draw = rng.random()
    if draw < 0.1:
        return "arterial", float(rng.uniform(170, 280))
    if draw < 0.3:
        return "venous", float(rng.uniform(90, 150))
    return "none", 0.0


def _draw_uptake(rng: np.random.Generator, factor: float, *, sex: Sex, age: int) -> Uptake:
    suv: dict[str, float] = {}
    for organ, (mean, sd) in ORGAN_SUV.items():
        shared = SHARED_VARIANCE.get(organ, SHARED_VARIANCE_ELSEWHERE)
        z = np.sqrt(shared) * factor + np.sqrt(1 - shared) * rng.standard_normal()
        suv[organ] = log_normal(mean, sd, float(z))
    # Fasting suppresses myocardial uptake in most, not in all: a published mixture of states.
    state = rng.random()
    low, high = (1.5, 2.5) if state < 0.55 else (3.0, 6.0) if state < 0.85 else (7.0, 13.0)
    suv["myocardium"] = float(rng.uniform(low, high))
    suv["urine"] = float(np.clip(log_normal(*URINE_SUV, float(rng.standard_normal())), 4, 40))
    if rng.random() < STIMULATED_MARROW_SHARE:  # after growth factors for blood cells
        suv["marrow"] = float(rng.uniform(3, 5))
    youth = float(np.clip(2 ** ((60 - age) / 15), 0.5, 2))
    active = rng.random() < BROWN_FAT_SHARE[sex] * youth
    suv["brown"] = float(rng.uniform(2, 8)) if active else suv["fat"] * 1.1
    avid = rng.random() < AVID_BOWEL_SHARE
    suv["avid_bowel"] = float(rng.uniform(3, 8)) if avid else suv["bowel"]
    return Uptake(**suv)
