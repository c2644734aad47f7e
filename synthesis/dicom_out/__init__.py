"""Synthetic PET as a DICOM series that says in five places that it is synthetic."""

from synthesis.dicom_out.marks import PRIVATE_CREATOR, Provenance
from synthesis.dicom_out.series import NoDateError, series_uid, write_synthetic_pet

__all__ = ["PRIVATE_CREATOR", "NoDateError", "Provenance", "series_uid", "write_synthetic_pet"]
