"""One simulated reader, in two arms, whose operating points are stated here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

READER = "R1"
ARMS = ("ct", "ct_spet")
# Equal-variance binormal separation (d') of positive from negative units, by arm; an AUC is
# Phi(d'/sqrt 2): 1.0 gives 0.76, 1.7 gives 0.88.
SEPARATION = {
    ("malignancy", "ct"): 1.1,
    ("malignancy", "ct_spet"): 1.7,
    ("nodal_metastasis", "ct"): 0.9,
    ("nodal_metastasis", "ct_spet"): 1.5,
    ("distant_metastasis", "ct"): 0.8,
    ("distant_metastasis", "ct_spet"): 1.3,
}
THRESHOLDS = (-0.5, 0.4, 1.0, 1.7)  # between scores 1|2, 2|3, 3|4, 4|5
ARM_CORRELATION = 0.6  # the same eye reads the same unit twice


@dataclass(frozen=True, slots=True)
class ReferenceUnit:
    """One unit of the reference standard: a lesion, a station or the participant."""

    condition: str
    unit: str
    unit_id: str
    positive: bool

    @property
    def key(self) -> str:
        """`condition/unit/unit_id`, the form of cases.csv."""
        return f"{self.condition}/{self.unit}/{self.unit_id}"


def draw_scores(seed: int, units: tuple[ReferenceUnit, ...]) -> str:
    """Return the reader's scores (1 to 5) as `reader/arm/condition/unit/unit_id=score;...`."""
    rng = np.random.default_rng([seed, 707])
    entries = []
    for unit in units:
        shared = np.sqrt(ARM_CORRELATION) * rng.standard_normal()
        for arm in ARMS:
            impression = shared + np.sqrt(1 - ARM_CORRELATION) * rng.standard_normal()
            impression += SEPARATION[unit.condition, arm] * unit.positive
            score = 1 + int(np.searchsorted(THRESHOLDS, impression))
            entries.append(f"{READER}/{arm}/{unit.key}={score}")
    return ";".join(entries)
