"""What a PET shows at foci, and in lungs where nothing is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthesis.data.pairs import PairCase
from synthesis.data.strays import stray_foci_of
from synthesis.study.records import Focus, Strays

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]


def focus_rows(case: PairCase, predictor: str, suv: Array) -> list[Focus]:
    """Return acquired and synthetic SUVmax of every focus, inside its own mask."""
    rows = []
    for number, (name, flag) in enumerate(
        zip(case.focus_names, case.malignant, strict=True), start=1
    ):
        inside = case.foci == number
        if inside.any():
            acquired = float(case.suv[inside].max())
            rows.append(
                Focus(case.participant, predictor, name, flag, acquired, float(suv[inside].max()))
            )
    return rows


def stray_foci(case: PairCase, predictor: str, suv: Array, focus_suv: float) -> Strays:
    """Return how many stray foci a predictor shows in a participant's lungs."""
    found = stray_foci_of(case, suv, focus_suv)
    return Strays(case.participant, predictor, found.count, found.lung_ml)


def highest(suv: NDArray[np.floating], where: Mask) -> float:
    """Return the SUVmax inside a mask."""
    return float(suv[where].max())
