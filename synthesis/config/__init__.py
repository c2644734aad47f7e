"""Settings of models, cohorts and training; knows no torch."""

from synthesis.config.codec import CtWindow, SuvCodec
from synthesis.config.distillation import (
    DistillationConfig,
    DistillationRun,
    distillation_run,
    load_distillation,
    student_config,
    teacher_config,
)
from synthesis.config.domain import DomainConfig, Modality, VoxelWeightsConfig
from synthesis.config.families import (
    FAMILY_CONFIGS,
    AdversarialConfig,
    BaselineConfig,
    Cascade3dConfig,
    CpdmConfig,
    DemographicsConfig,
    FamilyConfig,
    Pix2PixConfig,
    Pix2PixDdpmConfig,
)
from synthesis.config.family_reading import (
    FAMILY_SCHEMA,
    family_config,
    family_table,
    load_family_config,
)
from synthesis.config.networks import (
    AutoencoderConfig,
    CriticConfig,
    DenoiserConfig,
    GeneratorConfig,
    SegmentorConfig,
)
from synthesis.config.presets import PRESETS, preset
from synthesis.config.processes import BridgeConfig, EdmConfig, FlowConfig, GaussianConfig
from synthesis.config.reading import ConfigRefusedError, build, to_table
from synthesis.config.recipe import RecipeConfig
from synthesis.config.release import ReleaseConfig
from synthesis.config.run import (
    AugmentationRanges,
    FamilyRun,
    FamilyTrainingConfig,
    SplitConfig,
    family_run,
    family_run_table,
    load_family_run,
)
from synthesis.config.study import (
    Study,
    StudyConfig,
    StudyFamilyConfig,
    StudyMeasuresConfig,
    load_study,
)

__all__ = [
    "FAMILY_CONFIGS",
    "FAMILY_SCHEMA",
    "PRESETS",
    "AdversarialConfig",
    "AugmentationRanges",
    "AutoencoderConfig",
    "BaselineConfig",
    "BridgeConfig",
    "Cascade3dConfig",
    "ConfigRefusedError",
    "CpdmConfig",
    "CriticConfig",
    "CtWindow",
    "DemographicsConfig",
    "DenoiserConfig",
    "DistillationConfig",
    "DistillationRun",
    "DomainConfig",
    "EdmConfig",
    "FamilyConfig",
    "FamilyRun",
    "FamilyTrainingConfig",
    "FlowConfig",
    "GaussianConfig",
    "GeneratorConfig",
    "Modality",
    "Pix2PixConfig",
    "Pix2PixDdpmConfig",
    "RecipeConfig",
    "ReleaseConfig",
    "SegmentorConfig",
    "SplitConfig",
    "Study",
    "StudyConfig",
    "StudyFamilyConfig",
    "StudyMeasuresConfig",
    "SuvCodec",
    "VoxelWeightsConfig",
    "build",
    "distillation_run",
    "family_config",
    "family_run",
    "family_run_table",
    "family_table",
    "load_distillation",
    "load_family_config",
    "load_family_run",
    "load_study",
    "preset",
    "student_config",
    "teacher_config",
    "to_table",
]
