"""Linear attenuation at 511 keV from Hounsfield units, for the tube voltage the CT was taken with.

Two published conversions, both piecewise linear and both dependent on the tube voltage above
water, because bone attenuates X-rays of lower voltage more:

- `carney`: Carney et al., Med Phys 2006;33:976-983, bilinear with a break near 50 HU. The one to
  use where mu itself matters.
- `cpdm`: the knots that seed 003 (Nguyen et al., WACV 2025) uses at -1000, 0, 1000 and 3000 HU;
  linear in tube voltage between 80, 100, 120 and 140 kVp. For fidelity to that system. It was run
  at a fixed 140 kVp there; here the voltage is always that of the CT.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
MuTable = Literal["carney", "cpdm"]

AIR_HU = -1000.0
LOWEST_KVP, HIGHEST_KVP = 80.0, 140.0

# kVp: slope (1/cm/HU) and intercept (1/cm) above the break; mu = slope (HU + 1000) + intercept.
CARNEY = {
    80.0: (3.64e-5, 6.26e-2),
    100.0: (4.43e-5, 5.44e-2),
    110.0: (4.92e-5, 4.88e-2),
    120.0: (5.10e-5, 4.71e-2),
    130.0: (5.51e-5, 4.24e-2),
    140.0: (5.64e-5, 4.08e-2),
}
CARNEY_BELOW = 9.6e-5  # 1/cm/HU, from air to the break: water is 0.096 / cm

CPDM_WATER = 0.093  # 1/cm
# kVp: slopes (1/cm/HU) from 0 to 1000 HU and from 1000 to 3000 HU.
CPDM = {
    80.0: (3.28e-5, 0.41e-5),
    100.0: (4.00e-5, 0.50e-5),
    120.0: (4.71e-5, 0.589e-5),
    140.0: (5.59e-5, 0.698e-5),
}


class TubeVoltageError(ValueError):
    """The tube voltage is unknown or outside what the conversion was measured for."""


def hu_to_mu(hu: Array, kvp: float | None, table: MuTable = "carney") -> Array:
    """Return linear attenuation coefficients at 511 keV in 1/cm.

    Parameters
    ----------
    hu
        CT numbers; below -1000 (padding) counts as air.
    kvp
        Tube voltage of the CT (DICOM KVP). It is never assumed.
    table
        `carney` or `cpdm`; see the module.

    Raises
    ------
    TubeVoltageError
        When the voltage is not known, or not within 80 to 140 kVp.

    Examples
    --------
    >>> round(float(hu_to_mu(np.float32([0.0]), 120.0)[0]), 3)
    0.096
    """
    voltage = require_kvp(kvp)
    places, values = mu_knots(voltage, table)
    return np.interp(hu, places, values).astype(np.float32)


def mu_knots(kvp: float, table: MuTable) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return HU and 1/cm of the knots at this tube voltage; straight lines lie between them."""
    if table == "cpdm":
        low, high = _between(CPDM, kvp)
        places = np.array([AIR_HU, 0.0, 1000.0, 3000.0])
        bone = CPDM_WATER + 1000 * low
        return places, np.array([0.0, CPDM_WATER, bone, bone + 2000 * high])
    slope, intercept = _between(CARNEY, kvp)
    at = intercept / (CARNEY_BELOW - slope)  # HU + 1000 at which the two lines meet
    top = 5000.0
    return (
        np.array([AIR_HU, at - 1000, top - 1000]),
        np.array([0.0, CARNEY_BELOW * at, slope * top + intercept]),
    )


def require_kvp(kvp: float | None) -> float:
    """Return the tube voltage; refuse one that is unknown or outside 80 to 140 kVp."""
    if kvp is None or not np.isfinite(kvp):
        raise TubeVoltageError(
            "The CT does not say its tube voltage (KVP), which its attenuation depends on."
        )
    if not LOWEST_KVP <= kvp <= HIGHEST_KVP:
        raise TubeVoltageError(
            f"The CT was taken at {kvp:g} kVp; attenuation is known for "
            f"{LOWEST_KVP:g} to {HIGHEST_KVP:g} kVp."
        )
    return float(kvp)


def _between(table: dict[float, tuple[float, float]], kvp: float) -> tuple[float, float]:
    """Return both numbers of the table, linear in tube voltage."""
    voltages = list(table)
    first, second = zip(*table.values(), strict=True)
    return float(np.interp(kvp, voltages, first)), float(np.interp(kvp, voltages, second))


def path_attenuation(mu: Array, spacing_mm: float, axis: int = -2) -> Array:
    """Return exp of minus the line integral of mu from each voxel to the front of the image.

    Parameters
    ----------
    mu
        1/cm; the last two axes are y (front to back) and x.
    spacing_mm
        Step along the axis. Half of a voxel's own attenuation counts.
    """
    through = np.cumsum(mu, axis=axis) - mu / 2
    return np.exp(-through * (spacing_mm / 10)).astype(np.float32)
