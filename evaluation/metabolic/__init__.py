"""Metabolic parameters of lesions and organs in one uptake image."""

from evaluation.metabolic.background import organ_statistics, tumour_to_background
from evaluation.metabolic.lesions import lesion_parameters
from evaluation.metabolic.regions import Region, Uptake, region_of, uptake_of
from evaluation.metabolic.results import MetabolicRefused, Parameter

__all__ = [
    "MetabolicRefused",
    "Parameter",
    "Region",
    "Uptake",
    "lesion_parameters",
    "organ_statistics",
    "region_of",
    "tumour_to_background",
    "uptake_of",
]
