"""Simulated participants: paired chest CT and FDG-PET with reference standard, as DICOM."""

from synthesis.data.cohort import CohortRequest, write_cohort
from synthesis.data.dicom_files import write_dicom
from synthesis.data.outlines import Region
from synthesis.data.participant import PhantomParticipant, draw_participant
from synthesis.data.phantom import PhantomPair, make_phantom
from synthesis.data.scanner import PET_STYLES, SCANNERS, PetStyle, ScannerProfile, scanner_of

__all__ = [
    "PET_STYLES",
    "SCANNERS",
    "CohortRequest",
    "PetStyle",
    "PhantomPair",
    "PhantomParticipant",
    "Region",
    "ScannerProfile",
    "draw_participant",
    "make_phantom",
    "scanner_of",
    "write_cohort",
    "write_dicom",
]
