"""Stochastic processes between data and noise, or between two images, in the papers' symbols."""

from synthesis.models.processes.bridge import BrownianBridge
from synthesis.models.processes.edm import Preconditioning, heun_sigmas, training_sigmas
from synthesis.models.processes.flow import StraightFlow
from synthesis.models.processes.gaussian import GaussianProcess
from synthesis.models.processes.times import sub_schedule, wide

__all__ = [
    "BrownianBridge",
    "GaussianProcess",
    "Preconditioning",
    "StraightFlow",
    "heun_sigmas",
    "sub_schedule",
    "training_sigmas",
    "wide",
]
