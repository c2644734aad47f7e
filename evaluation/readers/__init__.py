"""Reader studies: several readers, the same cases."""

from evaluation.readers.chance_corrected import fleiss_kappa, kappa
from evaluation.readers.reader_study import ErrorCovariance, ReaderStudy, obuchowski_rockette
from evaluation.readers.turing import ReaderDiscrimination, VisualTuring, visual_turing

__all__ = [
    "ErrorCovariance",
    "ReaderDiscrimination",
    "ReaderStudy",
    "VisualTuring",
    "fleiss_kappa",
    "kappa",
    "obuchowski_rockette",
    "visual_turing",
]
