"""What disease the participant has: lesions, nodal stations and distant sites.

Every uptake is drawn from a published distribution (named beside it) through a standard score of
which only a stated share is explained by what CT shows (size, attenuation): CT must stay partly
predictive, or a model trained on phantoms would look better than anatomy allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from synthesis.data.frame import Body, Point, distant_centres, in_lung, station_centres

LesionKind = Literal["solid", "part_solid", "ground_glass"]

# SUVmax mean and SD: lesions BMC Pulm Med 2015 (n = 122); nodes by histology (abstract table);
# benign: log-normal that puts most between 0.8 and 4 with a tail to 10 (active infection).
MALIGNANT_SUV = {"adenocarcinoma": (7.4, 4.4), "squamous": (11.0, 4.1)}
BENIGN_SUV = (2.1, 1.3)
METASTATIC_NODE_SUV = {"adenocarcinoma": (3.6, 2.5), "squamous": (4.6, 3.1)}
REACTIVE_NODE_SUV = (1.9, 0.7)
DISTANT_SUV = (6.0, 3.0)
ADRENAL_SUV = (1.7, 0.5)
GROUND_GLASS_FACTOR = {"solid": 1.0, "part_solid": 0.55, "ground_glass": 0.25}

# Correlation of the standard score of log SUVmax with those of log diameter, attenuation and
# spiculation: 0.50^2 + 0.33^2 + 0.26^2 = 0.43 of the variance is visible in CT.
SIZE_CORRELATION = 0.50
DENSITY_CORRELATION = 0.33
MARGIN_CORRELATION = 0.26
DENSITY_SD_HU = 13.0
# Mean and SD of the spiculation (0 smooth, 1 strongly spiculated), before it is cut to 0 to 1.
SPICULATION = {True: (0.4, 0.25), False: (0.28, 0.2)}

LARGEST_SUBSOLID_MM = 34.0
HIGHEST_NODE_SCORE = 2.3  # the log-normal's far tail would beat every primary tumour

VERTEBRA_MM = 25.0

ALWAYS_ASSESSED = ("4R", "4L", "7", "10R", "10L")
SOMETIMES_ASSESSED = ("2R", "2L", "5", "6", "11R", "11L")


@dataclass(frozen=True, slots=True)
class Lesion:
    """One lung lesion; its SUV is the uptake that a scan should measure as SUVmax."""

    unit_id: str
    malignant: bool
    kind: LesionKind
    diameter_mm: float
    centre_mm: Point
    attenuation_hu: float
    target_suv: float
    lobulation: float
    spiculation: float


@dataclass(frozen=True, slots=True)
class Node:
    """One lymph node of an IASLC station."""

    station: str
    metastatic: bool
    short_axis_mm: float
    centre_mm: Point
    target_suv: float


@dataclass(frozen=True, slots=True)
class DistantSite:
    """One site outside the chest's primary drainage; both adrenals are always assessed."""

    site: str
    metastatic: bool
    diameter_mm: float
    centre_mm: Point
    target_suv: float
    seen_on_ct: bool


def suv_from_score(moments: tuple[float, float], z: float) -> float:
    """Return the SUV at standard score z of the log-normal with this mean and SD (0.5 to 30)."""
    mean, sd = moments
    variance = np.log1p((sd / mean) ** 2)
    suv = np.exp(np.log(mean) - variance / 2 + np.sqrt(variance) * z)
    return float(np.clip(suv, 0.5, 30))


def draw_lesions(
    rng: np.random.Generator, body: Body, *, histology: str, factor: float
) -> tuple[Lesion, ...]:
    """Return the primary tumour first, then further malignant and benign lesions."""
    malignant = [True] + [True] * int(rng.random() < 0.1) + [False] * int(rng.poisson(0.9))
    lesions: list[Lesion] = []
    for number, flag in enumerate(malignant[:4], start=1):
        primary = number == 1
        diameter = _diameter_mm(rng, primary=primary, malignant=flag)
        centre = _free_place(rng, body, diameter, lesions)
        if centre is None:
            continue
        lesions.append(
            _draw_lesion(
                rng,
                unit_id=str(len(lesions) + 1),
                malignant=flag,
                diameter_mm=diameter,
                centre=centre,
                moments=MALIGNANT_SUV[histology] if flag else BENIGN_SUV,
                factor=factor,
            )
        )
    return tuple(lesions)


def _diameter_mm(rng: np.random.Generator, *, primary: bool, malignant: bool) -> float:
    if primary:
        return float(np.clip(24 * np.exp(rng.normal(0, 0.5)), 9, 64))
    return float(np.clip((15 if malignant else 13) * np.exp(rng.normal(0, 0.4)), 7, 32))


def _free_place(
    rng: np.random.Generator, body: Body, diameter: float, others: list[Lesion]
) -> Point | None:
    """Return a centre inside a lung and clear of other lesions, or None for a second lesion."""
    reach = body.thorax_half_width_mm
    for attempt in range(4000):
        # A large tumour may press against the wall: the room asked for shrinks with each failure.
        margin = diameter / 2 * max(0.25, 0.9 - attempt / 2000)
        point = (
            float(rng.uniform(-reach, reach)),
            float(rng.uniform(-80, 80)),
            float(rng.uniform(-20, body.lung_length_mm)),
        )
        clear = all(
            _distance(point, other.centre_mm) > (diameter + other.diameter_mm) / 2 + 12
            for other in others
        )
        if clear and in_lung(body, point, margin):
            return point
    return None


def _distance(a: Point, b: Point) -> float:
    return float(np.linalg.norm(np.subtract(a, b)))


def _draw_lesion(
    rng: np.random.Generator,
    *,
    unit_id: str,
    malignant: bool,
    diameter_mm: float,
    centre: Point,
    moments: tuple[float, float],
    factor: float,
) -> Lesion:
    kind = _draw_kind(rng, malignant=malignant, diameter_mm=diameter_mm)
    density, margin = (float(v) for v in rng.standard_normal(2))
    base = {"solid": 35, "part_solid": -180, "ground_glass": -560}[kind]
    size_z = np.log(diameter_mm / (24 if malignant else 13)) / 0.5
    seen = (
        (SIZE_CORRELATION, size_z),
        (DENSITY_CORRELATION, density),
        (MARGIN_CORRELATION, margin),
    )
    own = np.sqrt(1 - sum(weight**2 for weight, _ in seen))
    z = sum(weight * score for weight, score in seen)
    z += own * (0.2 * factor + np.sqrt(1 - 0.04) * rng.standard_normal())
    mean, sd = SPICULATION[malignant]
    return Lesion(
        unit_id=unit_id,
        malignant=malignant,
        kind=kind,
        diameter_mm=round(diameter_mm, 1),
        centre_mm=centre,
        attenuation_hu=float(base + DENSITY_SD_HU * density),
        target_suv=round(suv_from_score(moments, float(z)) * GROUND_GLASS_FACTOR[kind] + 0.4, 3),
        lobulation=float(rng.uniform(0.05, 0.18) if malignant else rng.uniform(0, 0.06)),
        spiculation=float(np.clip(mean + sd * margin, 0, 1)),
    )


def _draw_kind(rng: np.random.Generator, *, malignant: bool, diameter_mm: float) -> LesionKind:
    draw = rng.random()
    if diameter_mm > LARGEST_SUBSOLID_MM or draw < (0.8 if malignant else 0.85):
        return "solid"
    return "part_solid" if draw < 0.93 else "ground_glass"


def draw_nodes(
    rng: np.random.Generator, body: Body, *, histology: str, n_stage: int, primary: Lesion
) -> tuple[Node, ...]:
    """Return one node per assessed station; which are metastatic follows the N stage."""
    extra = rng.choice(SOMETIMES_ASSESSED, size=int(rng.integers(0, 4)), replace=False)
    stations = [*ALWAYS_ASSESSED, *sorted(str(s) for s in extra)]
    centres = station_centres(body)
    left = primary.centre_mm[0] > 0
    involved = _involved_stations(rng, stations, n_stage=n_stage, left=left)
    reactive = rng.random() < 0.3
    nodes = []
    for station in stations:
        metastatic = station in involved
        short_axis = _short_axis_mm(rng, metastatic=metastatic)
        z = 0.5 * np.log(short_axis / (11 if metastatic else 6)) / 0.35
        z += np.sqrt(0.75) * rng.standard_normal()
        hilar = station.startswith(("10", "11"))
        z += 1.0 if (reactive and hilar and not metastatic) else 0.0
        moments = METASTATIC_NODE_SUV[histology] if metastatic else REACTIVE_NODE_SUV
        z = min(z, HIGHEST_NODE_SCORE)
        jitter = rng.normal(0, 2, 3)
        centre = tuple(float(c + j) for c, j in zip(centres[station], jitter, strict=True))
        nodes.append(
            Node(
                station=station,
                metastatic=metastatic,
                short_axis_mm=round(short_axis, 1),
                centre_mm=(centre[0], centre[1], centre[2]),
                target_suv=round(suv_from_score(moments, float(z)), 3),
            )
        )
    return tuple(nodes)


def _short_axis_mm(rng: np.random.Generator, *, metastatic: bool) -> float:
    if metastatic:
        return float(np.clip(11 * np.exp(rng.normal(0, 0.35)), 6, 26))
    return float(np.clip(6 * np.exp(rng.normal(0, 0.3)), 4, 13))


def _involved_stations(
    rng: np.random.Generator, stations: list[str], *, n_stage: int, left: bool
) -> set[str]:
    """Return the metastatic stations: N1 same hilum, N2 same mediastinum, N3 the other side."""
    same, other = ("L", "R") if left else ("R", "L")
    n1 = [s for s in stations if s in {f"10{same}", f"11{same}"}]
    n2 = [s for s in stations if s in {f"2{same}", f"4{same}", "7", "5", "6"}]
    n3 = [s for s in stations if s in {f"2{other}", f"4{other}", f"10{other}"}]
    involved: set[str] = set()
    for level, pool in ((1, n1), (2, n2), (3, n3)):
        if n_stage >= level and pool and (n_stage == level or rng.random() < 0.6):
            involved.add(pool[int(rng.integers(len(pool)))])
    return involved


def draw_distant_sites(
    rng: np.random.Generator, body: Body, *, m_stage: int
) -> tuple[DistantSite, ...]:
    """Return both adrenals and, in M1, the metastatic sites inside the field of view."""
    centres = distant_centres(body)
    chosen: set[str] = set()
    if m_stage:
        order = rng.permutation(["adrenal_left", "adrenal_right", "liver", "bone"])
        chosen = set(order[: int(rng.integers(1, 3))].tolist())
    sites = []
    for site in ("adrenal_left", "adrenal_right", "liver", "bone"):
        metastatic = site in chosen
        z = float(rng.standard_normal())
        diameter = float(np.clip(20 * np.exp(rng.normal(0, 0.3)), 11, 40))
        # A marrow metastasis may be invisible in CT: uptake that anatomy cannot predict.
        occult = site == "bone" and rng.random() < 0.5
        if site in {"liver", "bone"} and not metastatic:
            continue
        sites.append(
            DistantSite(
                site=site,
                metastatic=metastatic,
                diameter_mm=round(diameter if metastatic else 11.0, 1),
                centre_mm=_distant_place(rng, body, site, centres[site]),
                target_suv=round(suv_from_score(DISTANT_SUV if metastatic else ADRENAL_SUV, z), 3),
                seen_on_ct=not occult,
            )
        )
    return tuple(sites)


def _distant_place(rng: np.random.Generator, body: Body, site: str, example: Point) -> Point:
    """Return where the site lies: an adrenal has its place, liver and spine are large."""
    if site == "liver":
        jitter = rng.uniform((-22, -30, -22), (24, 26, 14))
        return tuple(float(c + j) for c, j in zip(example, jitter, strict=True))  # type: ignore[return-value]
    if site == "bone":  # the middle of a vertebral body between the kidneys and the apex
        level = int(rng.integers(0, int((0.9 * body.lung_length_mm + 60) // VERTEBRA_MM)))
        return example[0], example[1], -60.0 + VERTEBRA_MM * level
    return example
