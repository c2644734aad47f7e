"""Trains a release from simulated participants, from one configuration file."""

from synthesis.data.splits import LeakError
from synthesis.training.run import TrainingReport, train
from synthesis.training.split import Split, split_of

__all__ = ["LeakError", "Split", "TrainingReport", "split_of", "train"]
