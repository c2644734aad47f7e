"""Trains a release from simulated participants, from one configuration file."""

from synthesis.training.run import TrainingReport, train
from synthesis.training.split import LeakError, Split, split_of

__all__ = ["LeakError", "Split", "TrainingReport", "split_of", "train"]
