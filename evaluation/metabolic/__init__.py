"""Metabolic parameters of lesions and organs in one uptake image, and their concordance."""

from evaluation.metabolic.background import organ_statistics, tumour_to_background
from evaluation.metabolic.concordance import subgroup_concordance
from evaluation.metabolic.lesions import lesion_parameters, own_region
from evaluation.metabolic.lungs import contralateral_lung
from evaluation.metabolic.pairs import SubgroupConcordance
from evaluation.metabolic.percist import PercistThreshold, percist_threshold
from evaluation.metabolic.regions import Region, Uptake, region_of, uptake_of
from evaluation.metabolic.results import MetabolicRefused, Parameter
from evaluation.metabolic.segmenting import Segmented, segment

__all__ = [
    "MetabolicRefused",
    "Parameter",
    "PercistThreshold",
    "Region",
    "Segmented",
    "SubgroupConcordance",
    "Uptake",
    "contralateral_lung",
    "lesion_parameters",
    "organ_statistics",
    "own_region",
    "percist_threshold",
    "region_of",
    "segment",
    "subgroup_concordance",
    "tumour_to_background",
    "uptake_of",
]
