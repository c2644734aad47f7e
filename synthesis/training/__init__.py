"""Trains releases: pix2pix of schema 1 on its own phantoms, and every family on any source."""

from synthesis.data.splits import LeakError
from synthesis.training.distillation import distil
from synthesis.training.family_run import train_family
from synthesis.training.run import TrainingReport, train
from synthesis.training.split import Split, split_of

__all__ = ["LeakError", "Split", "TrainingReport", "distil", "split_of", "train", "train_family"]
