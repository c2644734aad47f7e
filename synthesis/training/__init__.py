"""Trains releases of every family on any source."""

from synthesis.data.splits import LeakError
from synthesis.training.distillation import distil
from synthesis.training.family_run import train_family

__all__ = ["LeakError", "distil", "train_family"]
