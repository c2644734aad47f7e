"""Lesions, nodes and distant sites as soft-edged spots on the CT grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthesis.data.canvas import Canvas, Slices
from synthesis.data.findings import DistantSite, Lesion, Node
from synthesis.data.frame import Coordinate, Point
from synthesis.data.participant import PhantomParticipant
from synthesis.data.pet_chain import sphere_centre_recovery
from synthesis.data.scanner import ScannerProfile
from synthesis.data.tissue import Tissue, enhancement

EDGE_MM = 3.0  # a spot fades over this distance, so its volume does not depend on the voxel grid
LOWEST_RECOVERY = 0.4  # painted uptake is at most 2.5 times what the scan is to measure
NECROSIS_FROM_MM, NECROSIS_HU = 40.0, 14.0
SOLID_PART = 0.6  # diameter of the solid part over that of the part-solid lesion
SOLID_HU, PART_SOLID_HU, GROUND_GLASS_HU = 35.0, -180.0, -560.0
SPICULES, SPICULE_MM = 14, 9.0  # how many strands, and the longest reach beyond the edge
REFERENCE_FWHM_MM = 6.0
REFERENCE_UPTAKE_MIN = 60.0
Offsets = tuple[Coordinate, Coordinate, Coordinate]


@dataclass(frozen=True, slots=True)
class Spot:
    """One focus: which voxels it fills (0 to 1), its attenuation and its painted uptake.

    `outline` is what a reader would draw. `layers` are the shares and HU that CT shows, later ones
    over earlier ones; none: CT does not show it. `uptake_share` is less than `outline` where tissue
    is dead (a necrotic core is fluid in CT and takes up nothing) or thin (ground glass).
    """

    label: str
    where: Slices
    outline: Coordinate
    layers: tuple[tuple[Coordinate, float], ...]
    uptake_share: Coordinate
    suv: float


def spots_of(
    participant: PhantomParticipant, scanner: ScannerProfile, canvas: Canvas
) -> tuple[Spot, ...]:
    """Return every focus of the participant on this canvas.

    The drawn uptake is what a scan measures as SUVmax; the painted one is higher by the recovery
    that a sphere of this size has at a 6 mm point spread, so the partial-volume effect of the
    imaging chain brings it back near the drawn value.
    """
    rng = np.random.default_rng([participant.seed, 303])
    # Malignant uptake still rises an hour after injection; benign and normal uptake hardly does.
    late = (scanner.uptake_min / REFERENCE_UPTAKE_MIN) ** 0.3
    # Tumours and nodes enhance less than vessels do.
    bright = 0.2 * enhancement(participant.body, Tissue.AORTA, scanner.tube_voltage_kvp)
    spots = [
        _lesion_spot(canvas, rng, lesion, late=late if lesion.malignant else 1.0, bright=bright)
        for lesion in participant.lesions
    ]
    spots += [
        _node_spot(canvas, n, late=late if n.metastatic else 1.0, bright=bright)
        for n in participant.nodes
    ]
    spots += [_distant_spot(canvas, site, late=late) for site in participant.distant_sites]
    return tuple(spots)


def _painted(suv: float, diameter_mm: float) -> float:
    recovery = sphere_centre_recovery(diameter_mm / 2, REFERENCE_FWHM_MM)
    return suv / max(recovery, LOWEST_RECOVERY)


def _lesion_spot(
    canvas: Canvas, rng: np.random.Generator, lesion: Lesion, *, late: float, bright: float
) -> Spot:
    radius = lesion.diameter_mm / 2
    where, offsets, distance = _around(canvas, lesion.centre_mm, radius * 1.2 + SPICULE_MM)
    edge = radius * _lobulated(rng, offsets, distance, lesion.lobulation)
    outline = _soft(distance - edge)
    seen = np.maximum(outline, _spicules(rng, offsets, distance, radius) * lesion.spiculation)
    layers = [(seen, lesion.attenuation_hu + (bright if lesion.kind == "solid" else 0.0))]
    suv, uptake_share = _painted(lesion.target_suv * late, lesion.diameter_mm), outline
    if lesion.kind == "part_solid":
        solid = _soft(distance - SOLID_PART * edge)
        tone = lesion.attenuation_hu - PART_SOLID_HU
        layers = [(seen, GROUND_GLASS_HU + tone), (solid, SOLID_HU + tone + bright)]
        suv = _painted(lesion.target_suv * late, lesion.diameter_mm * SOLID_PART)
        uptake_share = np.maximum(solid, outline * np.float32(0.35))
    elif lesion.diameter_mm > NECROSIS_FROM_MM:
        dead = _soft(distance - 0.45 * radius)
        layers.append((dead, NECROSIS_HU))
        uptake_share = outline * (1 - 0.75 * dead)
    return Spot(
        label=f"lesion:{lesion.unit_id}",
        where=where,
        outline=outline,
        layers=tuple(layers),
        uptake_share=uptake_share,
        suv=suv,
    )


def _lobulated(
    rng: np.random.Generator, offsets: Offsets, distance: Coordinate, lobulation: float
) -> Coordinate:
    """Return the edge's radius relative to a sphere's: three low-order waves over direction."""
    dx, dy, dz = offsets
    phases = rng.uniform(-np.pi, np.pi, 3)
    azimuth = np.arctan2(dy, dx)
    polar = dz / np.maximum(distance, np.float32(1e-3))
    waves = np.sin(3 * azimuth + phases[0]) + np.sin(2 * azimuth + 3 * polar + phases[1])
    waves += np.sin(5 * polar + phases[2])
    return (1 + lobulation * waves / 2).astype(np.float32)


def _spicules(
    rng: np.random.Generator, offsets: Offsets, distance: Coordinate, radius: float
) -> Coordinate:
    """Return the share of thin strands that run from the lesion into the lung around it."""
    share = np.zeros_like(distance)
    for _ in range(SPICULES):
        direction = rng.standard_normal(3)
        direction /= np.linalg.norm(direction)
        length = radius + SPICULE_MM * rng.uniform(0.5, 1)
        along = sum(o * np.float32(v) for o, v in zip(offsets, direction, strict=True))
        beside = np.sqrt(np.maximum(distance**2 - along**2, 0))
        inside = (along > 0) & (along < length)
        # Two millimetres thick at the lesion, thinner towards the tip.
        strand = _soft(beside - np.float32(2.2) * (1 - along / np.float32(1.3 * length)))
        np.maximum(share, strand * inside, out=share)
    return share


def _node_spot(canvas: Canvas, node: Node, *, late: float, bright: float) -> Spot:
    half = node.short_axis_mm / 2
    where, share = _ellipsoid(canvas, node.centre_mm, (half, half * 1.1, half * 1.45))
    return Spot(
        label=f"node:{node.station}",
        where=where,
        outline=share,
        layers=((share, 40.0 + bright),),
        uptake_share=share,
        suv=_painted(node.target_suv * late, node.short_axis_mm * 1.15),
    )


def _distant_spot(canvas: Canvas, site: DistantSite, *, late: float) -> Spot:
    half = site.diameter_mm / 2
    adrenal = site.site.startswith("adrenal")
    axes: Point = (half * 0.8, half * 1.2, half * 1.3) if adrenal else (half, half, half)
    hu = {"liver": 22.0, "bone": 60.0}.get(site.site, 28.0)
    where, share = _ellipsoid(canvas, site.centre_mm, axes)
    return Spot(
        label=f"distant:{site.site}",
        where=where,
        outline=share,
        layers=((share, hu),) if site.seen_on_ct else (),
        uptake_share=share,
        suv=_painted(site.target_suv * (late if site.metastatic else 1.0), site.diameter_mm),
    )


def _ellipsoid(canvas: Canvas, centre: Point, half_axes: Point) -> tuple[Slices, Coordinate]:
    where, offsets, _ = _around(canvas, centre, max(half_axes))
    scaled = np.sqrt(sum((d / np.float32(h)) ** 2 for d, h in zip(offsets, half_axes, strict=True)))
    return where, _soft((scaled - 1) * np.float32(min(half_axes)))


def _around(canvas: Canvas, centre: Point, reach_mm: float) -> tuple[Slices, Offsets, Coordinate]:
    """Return a box around a point, the offsets of its voxels and their distance from it."""
    reach = reach_mm + EDGE_MM
    where = canvas.box(
        (centre[0] - reach, centre[1] - reach, centre[2] - reach),
        (centre[0] + reach, centre[1] + reach, centre[2] + reach),
    )
    dx, dy, dz = (
        c[where] - np.float32(m)
        for c, m in zip((canvas.x, canvas.y, canvas.z), centre, strict=True)
    )
    return where, (dx, dy, dz), np.sqrt(dx**2 + dy**2 + dz**2)


def _soft(signed_distance_mm: NDArray) -> Coordinate:
    return np.clip(0.5 - signed_distance_mm / EDGE_MM, 0, 1).astype(np.float32)
