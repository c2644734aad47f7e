"""Settings of models, cohorts and training; knows no torch."""

from synthesis.config.codec import CtWindow, SuvCodec
from synthesis.config.model import (
    CohortConfig,
    Config,
    ModelConfig,
    ReleaseConfig,
    TrainingConfig,
)
from synthesis.config.reading import ConfigRefusedError, build, load_config, to_table

__all__ = [
    "CohortConfig",
    "Config",
    "ConfigRefusedError",
    "CtWindow",
    "ModelConfig",
    "ReleaseConfig",
    "SuvCodec",
    "TrainingConfig",
    "build",
    "load_config",
    "to_table",
]
