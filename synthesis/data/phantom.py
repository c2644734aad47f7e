"""One participant on one scanner: a CT volume in HU, a PET volume in SUV, and label maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from evaluation.imaging import Grid, Volume
from synthesis.data.anatomy import Tissue, paint_anatomy
from synthesis.data.canvas import Canvas, Slices, blank_canvas
from synthesis.data.disease import Spot, spots_of
from synthesis.data.participant import PhantomParticipant, Uptake
from synthesis.data.pet_chain import add_noise, blur_psf, breathe, halve_in_plane
from synthesis.data.scanner import ScannerProfile

LOWEST_Z_MM = -60.0
# HU mean and texture SD of each tissue; blood, liver and lung are set per participant.
HU = {
    Tissue.AIR: -1000, Tissue.SKIN: 20, Tissue.FAT: -102, Tissue.MUSCLE: 55, Tissue.LUNG: -835,
    Tissue.BLOOD: 42, Tissue.AORTA: 42, Tissue.MYOCARDIUM: 46, Tissue.LIVER: 58,
    Tissue.SPLEEN: 50, Tissue.STOMACH: 28, Tissue.GAS: -985, Tissue.KIDNEY: 34,
    Tissue.ADRENAL: 26, Tissue.MARROW: 180, Tissue.CORTEX: 620, Tissue.CORD: 32,
    Tissue.OESOPHAGUS: 38, Tissue.GLAND: 25, Tissue.VESSEL: 20, Tissue.COUCH: -720,
    Tissue.CARTILAGE: 95, Tissue.NECK_FAT: -95,
}  # fmt: skip
CONTRAST_SHARE = {
    Tissue.BLOOD: 1.0, Tissue.AORTA: 1.0, Tissue.VESSEL: 0.8, Tissue.MYOCARDIUM: 0.45,
    Tissue.LIVER: 0.3, Tissue.SPLEEN: 0.45, Tissue.KIDNEY: 0.9,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Region:
    """One labelled region on the PET grid, named `kind:unit` (for instance `node:4R`)."""

    label: str
    mask: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PhantomPair:
    """The images of one participant on one scanner."""

    participant: PhantomParticipant
    scanner: ScannerProfile
    ct: Volume
    pet: Volume
    regions: tuple[Region, ...]

    def region(self, label: str) -> NDArray[np.bool_]:
        """Return the mask of one region; refuse a name that is not there."""
        for region in self.regions:
            if region.label == label:
                return region.mask
        raise KeyError(f"This phantom has no region {label!r}.")


def make_phantom(participant: PhantomParticipant, scanner: ScannerProfile) -> PhantomPair:
    """Return the paired volumes; the same arguments always give the same arrays.

    Parameters
    ----------
    participant
        From `draw_participant`.
    scanner
        Its shape and spacing set the CT grid; the PET grid has half the in-plane sampling and the
        same slices.

    Returns
    -------
    PhantomPair
        CT in HU (float32, [z, y, x]), PET in SUVbw (g/ml), region masks on the PET grid.
    """
    rng = np.random.default_rng([participant.seed, 202])
    canvas = blank_canvas(scanner.shape, scanner.spacing_zyx_mm, participant.body.warp, LOWEST_Z_MM)
    paint_anatomy(canvas, participant.body, rng)
    spots = spots_of(participant, scanner, canvas)
    ct = _render_ct(canvas, participant, scanner, spots)
    pet = _render_pet(canvas, participant, scanner, spots)
    ct_grid, pet_grid = _grids(scanner)
    return PhantomPair(
        participant=participant,
        scanner=scanner,
        ct=Volume(ct, ct_grid, "HU"),
        pet=Volume(pet, pet_grid, "SUVbw"),
        regions=_regions(canvas, spots),
    )


def _grids(scanner: ScannerProfile) -> tuple[Grid, Grid]:
    """Return the CT grid and the PET grid: same slices, every PET pixel over 2 x 2 CT pixels."""
    depth, rows, columns = scanner.shape
    dz, dy, dx = scanner.spacing_zyx_mm
    corner = (-dx * (columns - 1) / 2, -dy * (rows - 1) / 2, LOWEST_Z_MM)
    ct = Grid(scanner.shape, scanner.spacing_zyx_mm, corner)
    origin = (corner[0] + dx / 2, corner[1] + dy / 2, corner[2])
    return ct, Grid((depth, rows // 2, columns // 2), (dz, 2 * dy, 2 * dx), origin)


def _render_ct(
    canvas: Canvas,
    participant: PhantomParticipant,
    scanner: ScannerProfile,
    spots: tuple[Spot, ...],
) -> NDArray[np.float32]:
    rng = np.random.default_rng([participant.seed, 404])
    hu = _hu_table(participant)[canvas.labels]
    lung = canvas.labels == Tissue.LUNG
    # The lung is denser at the back, where a lying participant's blood pools.
    hu += np.where(lung, np.float32(0.45) * (canvas.y + 10), np.float32(0))
    for spot in spots:
        if spot.attenuation_hu is not None:
            _blend(hu, spot.where, spot.share, spot.attenuation_hu)
    sigma = [scanner.ct_blur_mm / 2.355 / s for s in scanner.spacing_zyx_mm]
    hu = ndimage.gaussian_filter(hu, sigma, truncate=3.0, output=np.float32)
    noise = rng.standard_normal(hu.shape, dtype=np.float32)
    noise = ndimage.gaussian_filter1d(noise, 0.6, axis=1, truncate=2.5, output=np.float32)
    noise = ndimage.gaussian_filter1d(noise, 0.6, axis=2, truncate=2.5, output=np.float32)
    noise *= np.float32(scanner.ct_noise_hu / noise.std())
    hu += noise
    return np.clip(hu, -1024, 3071, out=hu)


def _hu_table(participant: PhantomParticipant) -> NDArray[np.float32]:
    body = participant.body
    table = np.zeros(256, dtype=np.float32)
    for tissue, value in HU.items():
        table[tissue] = value + body.contrast_hu * CONTRAST_SHARE.get(tissue, 0.0)
    table[Tissue.LIVER] += body.liver_hu - HU[Tissue.LIVER]
    table[Tissue.LUNG] = body.lung_hu
    return table


def _suv_table(uptake: Uptake) -> NDArray[np.float32]:
    table = np.zeros(256, dtype=np.float32)
    by_tissue = {
        Tissue.SKIN: uptake.fat * 1.6, Tissue.FAT: uptake.fat, Tissue.MUSCLE: uptake.muscle,
        Tissue.LUNG: uptake.lung, Tissue.BLOOD: uptake.blood, Tissue.AORTA: uptake.blood,
        Tissue.MYOCARDIUM: uptake.myocardium, Tissue.LIVER: uptake.liver,
        Tissue.SPLEEN: uptake.spleen, Tissue.STOMACH: uptake.gut, Tissue.KIDNEY: uptake.kidney,
        Tissue.ADRENAL: uptake.adrenal, Tissue.MARROW: uptake.marrow,
        Tissue.CORTEX: uptake.marrow * 0.5, Tissue.CORD: uptake.muscle * 1.9,
        Tissue.OESOPHAGUS: uptake.oesophagus, Tissue.GLAND: uptake.brown,
        Tissue.VESSEL: uptake.blood * 0.9, Tissue.CARTILAGE: uptake.muscle * 1.1,
    }  # fmt: skip
    for tissue, value in by_tissue.items():
        table[tissue] = value
    return table


def _render_pet(
    canvas: Canvas,
    participant: PhantomParticipant,
    scanner: ScannerProfile,
    spots: tuple[Spot, ...],
) -> NDArray[np.float32]:
    rng = np.random.default_rng([participant.seed, 505])
    uptake = participant.uptake
    suv = _suv_table(uptake)[canvas.labels]
    for spot in spots:
        _blend(suv, spot.where, spot.uptake_share, spot.suv)
    suv = halve_in_plane(suv)
    dz, dy, dx = scanner.spacing_zyx_mm
    suv = breathe(
        suv,
        canvas.axes[0],
        amplitude_mm=participant.body.breathing_mm,
        top_mm=0.75 * participant.body.lung_length_mm,
    )
    suv = blur_psf(suv, (dz, 2 * dy, 2 * dx), scanner.psf_fwhm_mm)
    noisy = add_noise(suv, rng, liver_cov=scanner.liver_cov, liver_suv=uptake.liver)
    return (noisy * np.float32(scanner.gain)).astype(np.float32)


def _blend(
    values: NDArray[np.float32], where: Slices, share: NDArray[np.float32], inside: float
) -> None:
    box = values[where]
    box += share * (np.float32(inside) - box)


def _regions(canvas: Canvas, spots: tuple[Spot, ...]) -> tuple[Region, ...]:
    """Return the masks on the PET grid: every focus, liver, descending aorta and both lungs."""
    shape = canvas.labels.shape
    regions = []
    foci = np.zeros((shape[0], shape[1] // 2, shape[2] // 2), dtype=np.bool_)
    for spot in spots:
        share = np.zeros(shape, dtype=np.float32)
        share[spot.where] = spot.share
        mask = _at_least_one(halve_in_plane(share))
        foci |= mask
        regions.append(Region(spot.label, mask))
    near = ndimage.binary_dilation(foci, iterations=2)
    left = np.broadcast_to(canvas.axes[2] > 0, shape)  # patient coordinates: x grows to the left
    for label, organ, depth in (
        ("organ:liver", canvas.labels == Tissue.LIVER, 2),
        ("organ:blood_pool", canvas.labels == Tissue.AORTA, 1),
        ("organ:lung_left", (canvas.labels == Tissue.LUNG) & left, 1),
        ("organ:lung_right", (canvas.labels == Tissue.LUNG) & ~left, 1),
    ):
        whole = halve_in_plane(organ.astype(np.float32)) > 0.99
        regions.append(Region(label, ndimage.binary_erosion(whole, iterations=depth) & ~near))
    return tuple(regions)


def _at_least_one(share: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the voxels that are at least half filled, or the fullest one of a tiny focus."""
    mask = share >= 0.5
    if not mask.any():
        mask.flat[int(np.argmax(share))] = True
    return mask
