"""Reader studies: several readers, the same cases."""

from evaluation.readers.chance_corrected import fleiss_kappa, kappa
from evaluation.readers.error_covariance import ErrorCovariance
from evaluation.readers.reader_study import MeanArea, ReaderStudy, obuchowski_rockette
from evaluation.readers.signal_detection import Discriminability, d_prime
from evaluation.readers.turing import ReaderDiscrimination, VisualTuring, visual_turing

__all__ = [
    "Discriminability",
    "ErrorCovariance",
    "MeanArea",
    "ReaderDiscrimination",
    "ReaderStudy",
    "VisualTuring",
    "d_prime",
    "fleiss_kappa",
    "kappa",
    "obuchowski_rockette",
    "visual_turing",
]
