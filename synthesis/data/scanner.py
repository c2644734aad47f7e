"""Scanner and site profiles: what one anatomy looks like on five different machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PetStyle = Literal["bqml_start", "gml", "bqml_per_slice"]
PET_STYLES: tuple[PetStyle, ...] = ("bqml_start", "gml", "bqml_per_slice")


@dataclass(frozen=True, slots=True)
class ScannerProfile:
    """One PET/CT machine with its protocol.

    Attributes
    ----------
    psf_fwhm_mm
        Width of the PET point spread function.
    liver_cov
        Coefficient of variation of a voxel in the liver, the measure of image noise.
    gain
        Calibration: what the machine reads over what is true.
    padding_hu
        Value outside the circle that the CT reconstructs; None where the whole square is image.
    """

    name: str
    site: str
    style: PetStyle
    psf_fwhm_mm: float = 6.0
    liver_cov: float = 0.10
    gain: float = 1.0
    uptake_min: float = 62.0
    dose_mbq_per_kg: float = 4.4
    tube_voltage_kvp: int = 120
    ct_noise_hu: float = 14.0
    ct_blur_mm: float = 1.4
    padding_hu: int | None = None
    shape: tuple[int, int, int] = (72, 192, 192)  # CT voxels [z, y, x]; PET halves y and x
    spacing_zyx_mm: tuple[float, float, float] = (4.0, 400 / 192, 400 / 192)


SCANNERS: dict[str, ScannerProfile] = {
    profile.site: profile
    for profile in (
        ScannerProfile(name="SIM-A", site="SPH", style="bqml_start"),
        ScannerProfile(
            name="SIM-B", site="SEH", style="bqml_per_slice", psf_fwhm_mm=6.6, liver_cov=0.115,
            gain=1.04, uptake_min=66, ct_noise_hu=18, ct_blur_mm=1.2,
        ),
        ScannerProfile(
            name="SIM-C", site="NB2", style="gml", psf_fwhm_mm=5.4, liver_cov=0.09, gain=0.97,
            uptake_min=58, dose_mbq_per_kg=3.7, ct_noise_hu=12, tube_voltage_kvp=140, padding_hu=-2000,
        ),
        ScannerProfile(
            name="SIM-D", site="NCU", style="bqml_per_slice", psf_fwhm_mm=7.0, liver_cov=0.12,
            gain=1.02, uptake_min=70, tube_voltage_kvp=100, ct_noise_hu=20, ct_blur_mm=1.6,
        ),
        ScannerProfile(
            name="SIM-E", site="ZMU", style="bqml_start", psf_fwhm_mm=5.8, liver_cov=0.105,
            gain=0.95, uptake_min=60, dose_mbq_per_kg=5.0, ct_noise_hu=16,
        ),
    )
}  # fmt: skip


def scanner_of(site: str) -> ScannerProfile:
    """Return the machine of a site; refuse a site that has none."""
    if site not in SCANNERS:
        known = ", ".join(SCANNERS)
        raise ValueError(f"No scanner profile for site {site!r}; profiles exist for {known}.")
    return SCANNERS[site]
