"""One participant on one scanner: a CT volume in HU, a PET volume in SUV, and label maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from evaluation.imaging import Grid, Volume
from synthesis.data.anatomy import paint_anatomy
from synthesis.data.canvas import Canvas, Slices, blank_canvas
from synthesis.data.disease import Spot, spots_of
from synthesis.data.outlines import Region, outline
from synthesis.data.participant import PhantomParticipant
from synthesis.data.pet_chain import add_noise, blur_psf, breathe, halve_in_plane
from synthesis.data.scanner import ScannerProfile
from synthesis.data.tissue import Tissue, hu_table, suv_table

TOP_Z_MM = 200.0  # above the right dome: the field hangs from just above the apex of the lungs
# CT between arms that lie at the sides: the most absorbed rays make streaks and a dark band.
STREAK_HU, DARK_BAND_HU = 11.0, -9.0
PATCHY_SHARE = 0.45  # of the mean, when fasting has suppressed the wall in part


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
    canvas = blank_canvas(
        scanner.shape, scanner.spacing_zyx_mm, participant.body.warp, lowest_z_mm(scanner)
    )
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
        regions=outline(canvas, spots),
    )


def lowest_z_mm(scanner: ScannerProfile) -> float:
    """Return the height of the first slice; a longer field reaches further down."""
    return TOP_Z_MM - scanner.shape[0] * scanner.spacing_zyx_mm[0]


def _grids(scanner: ScannerProfile) -> tuple[Grid, Grid]:
    """Return the CT grid and the PET grid: same slices, every PET pixel over 2 x 2 CT pixels."""
    depth, rows, columns = scanner.shape
    dz, dy, dx = scanner.spacing_zyx_mm
    corner = (-dx * (columns - 1) / 2, -dy * (rows - 1) / 2, lowest_z_mm(scanner))
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
    hu = hu_table(participant, scanner.tube_voltage_kvp)[canvas.labels]
    lung = canvas.labels == Tissue.LUNG
    # The lung is denser at the back, where a lying participant's blood pools.
    np.add(hu, np.float32(0.45) * (canvas.y + 10), out=hu, where=lung)
    for spot in spots:
        for share, attenuation_hu in spot.layers:
            _blend(hu, spot.where, share, attenuation_hu)
    sigma = [scanner.ct_blur_mm / 2.355 / s for s in scanner.spacing_zyx_mm]
    hu = ndimage.gaussian_filter(hu, sigma, truncate=3.0, output=np.float32)
    noise = rng.standard_normal(hu.shape, dtype=np.float32)
    noise = ndimage.gaussian_filter1d(noise, 0.6, axis=1, truncate=2.5, output=np.float32)
    noise = ndimage.gaussian_filter1d(noise, 0.6, axis=2, truncate=2.5, output=np.float32)
    noise *= np.float32(scanner.ct_noise_hu / noise.std())
    hu += noise
    if participant.body.arms_down:
        _add_streaks(hu, canvas, rng)
    np.clip(hu, -1024, 3071, out=hu)
    return _pad(hu, canvas, scanner)


def _add_streaks(hu: NDArray[np.float32], canvas: Canvas, rng: np.random.Generator) -> None:
    """Add the streaks and the dark band between two arms, along the rays through both."""
    rows = rng.standard_normal((*hu.shape[:2], 1), dtype=np.float32)
    rows = ndimage.gaussian_filter1d(rows, 0.7, axis=1, output=np.float32)
    level = np.exp(-(((canvas.axes[1] - 16) / 26) ** 2)).astype(np.float32)[None, :, None]
    band = level * (STREAK_HU * rows + np.float32(DARK_BAND_HU))
    np.add(hu, band, out=hu, where=hu > -950)  # in air there is nothing to absorb


def _pad(hu: NDArray[np.float32], canvas: Canvas, scanner: ScannerProfile) -> NDArray[np.float32]:
    """Return the image with the padding value outside the circle of reconstruction."""
    if scanner.padding_hu is not None:
        _, y, x = canvas.axes
        radius = max(float(y[-1]), float(x[-1])) + scanner.spacing_zyx_mm[2] / 2
        hu[:, (y[:, None] ** 2 + x[None, :] ** 2) > radius**2] = scanner.padding_hu
    return hu


def _render_pet(
    canvas: Canvas,
    participant: PhantomParticipant,
    scanner: ScannerProfile,
    spots: tuple[Spot, ...],
) -> NDArray[np.float32]:
    rng = np.random.default_rng([participant.seed, 505])
    uptake = participant.uptake
    suv = suv_table(uptake)[canvas.labels]
    _mottle_myocardium(suv, canvas, participant)
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


def _mottle_myocardium(
    suv: NDArray[np.float32], canvas: Canvas, participant: PhantomParticipant
) -> None:
    """Vary the uptake of the left ventricle's wall around its axis, most when it is moderate."""
    body, uptake = participant.body, participant.uptake
    patchy = PATCHY_SHARE if 2.5 < uptake.myocardium < 7 else 0.08
    base = body.carina_z_mm - 62
    where = canvas.box((-20, -90, base - 70), (110, 50, base + 60))
    angle = np.arctan2(canvas.z[where] - np.float32(base - 8), canvas.y[where] + 22)
    share = 1 + np.float32(patchy) * np.sin(2 * angle + np.float32(body.warp[11]))
    wall = canvas.labels[where] == Tissue.MYOCARDIUM
    suv[where][wall] *= share.astype(np.float32)[wall]
