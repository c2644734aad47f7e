"""The DICOM entrances: C-STORE receiver, and DICOMweb in and out."""
