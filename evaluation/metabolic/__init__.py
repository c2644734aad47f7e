"""Metabolic parameters of lesions and organs in one uptake image."""

from evaluation.metabolic.background import organ_statistics, tumour_to_background
from evaluation.metabolic.lesions import lesion_parameters
from evaluation.metabolic.results import MetabolicRefused, Parameter

__all__ = [
    "MetabolicRefused",
    "Parameter",
    "lesion_parameters",
    "organ_statistics",
    "tumour_to_background",
]
