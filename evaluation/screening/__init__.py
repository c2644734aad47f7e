"""Screening of a pair for what a header cannot tell: artefacts, plausibility of SUV, left and right, motion."""

from collections.abc import Mapping

import numpy as np

from evaluation.imaging import Volume
from evaluation.screening.breathing import breathing_of
from evaluation.screening.halo import halo_of
from evaluation.screening.laterality import laterality_of
from evaluation.screening.metal import metal_of
from evaluation.screening.organs import blood_pool_of, liver_of
from evaluation.screening.registration import registration_of
from evaluation.screening.results import Measured, PairScreening, unchecked
from evaluation.screening.scene import Scene, scene_of
from evaluation.screening.truncation import truncation_of

__all__ = [
    "Measured",
    "PairScreening",
    "Scene",
    "scene_of",
    "screen_pair",
    "unchecked",
]


def screen_pair(
    ct: Volume, pet: Volume, *, outlined: Mapping[str, np.ndarray] | None = None
) -> PairScreening:
    """Measure everything that the screening knows of one pair; nothing is judged here.

    Parameters
    ----------
    ct
        In HU.
    pet
        In SUVbw, in the coordinates of the CT.
    outlined
        Values of the PET (SUVbw) under outlines of ``liver`` and ``blood_pool``, where a person drew them.

    Returns
    -------
    PairScreening
        One :class:`Measured` each for ``metal``, ``truncation``, ``liver``, ``blood_pool``,
        ``breathing``, ``halo``, ``laterality`` and ``registration``.
    """
    scene = scene_of(ct, pet)
    return {
        "metal": metal_of(ct),
        "truncation": truncation_of(scene),
        "liver": liver_of(scene, outlined),
        "blood_pool": blood_pool_of(scene, outlined),
        "breathing": breathing_of(scene),
        "halo": halo_of(scene),
        "laterality": laterality_of(scene),
        "registration": registration_of(scene),
    }
