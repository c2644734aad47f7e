"""Reader studies: several readers, the same cases."""

from evaluation.readers.chance_corrected import fleiss_kappa, kappa
from evaluation.readers.crossing import Crossing, largest_crossing
from evaluation.readers.error_covariance import ErrorCovariance
from evaluation.readers.mrmc_files import CrossedReads, crossed_reads, write_mrmc_files
from evaluation.readers.reader_study import MeanArea, ReaderStudy, obuchowski_rockette
from evaluation.readers.reads import Read, ReadFault, index_scores, reads_from_csv
from evaluation.readers.signal_detection import Discriminability, d_prime
from evaluation.readers.turing import ReaderDiscrimination, VisualTuring, visual_turing

__all__ = [
    "CrossedReads",
    "Crossing",
    "Discriminability",
    "ErrorCovariance",
    "MeanArea",
    "Read",
    "ReadFault",
    "ReaderDiscrimination",
    "ReaderStudy",
    "VisualTuring",
    "crossed_reads",
    "d_prime",
    "fleiss_kappa",
    "index_scores",
    "kappa",
    "largest_crossing",
    "obuchowski_rockette",
    "reads_from_csv",
    "visual_turing",
    "write_mrmc_files",
]
