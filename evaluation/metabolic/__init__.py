"""Metabolic parameters of lesions and organs in one uptake image, and their concordance."""

from evaluation.metabolic.background import (
    Background,
    background_of,
    organ_statistics,
    tumour_to_background,
    tumour_to_backgrounds,
)
from evaluation.metabolic.concordance import subgroup_concordance
from evaluation.metabolic.lesions import lesion_parameters, own_region
from evaluation.metabolic.lungs import Lungs, contralateral_lung, lungs_of, lungs_of_sides
from evaluation.metabolic.pairs import SubgroupConcordance
from evaluation.metabolic.percist import PercistThreshold, factor_to_sul, percist_threshold
from evaluation.metabolic.regions import Region, Uptake, region_of, uptake_of
from evaluation.metabolic.results import MetabolicRefused, Parameter
from evaluation.metabolic.segmenting import Segmented, segment

__all__ = [
    "Background",
    "Lungs",
    "MetabolicRefused",
    "Parameter",
    "PercistThreshold",
    "Region",
    "Segmented",
    "SubgroupConcordance",
    "Uptake",
    "background_of",
    "contralateral_lung",
    "factor_to_sul",
    "lesion_parameters",
    "lungs_of",
    "lungs_of_sides",
    "organ_statistics",
    "own_region",
    "percist_threshold",
    "region_of",
    "segment",
    "subgroup_concordance",
    "tumour_to_background",
    "tumour_to_backgrounds",
    "uptake_of",
]
