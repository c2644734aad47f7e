"""Objects that come with images and are none: told by their SOP class, so that a refusal can name them."""

from pydicom import Dataset

from evaluation.imaging.header import text
from evaluation.imaging.reasons import Reason

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_CLASSES = {
    "1.2.840.10008.1.3.10": ("dicomdir", "the table of contents of a disc (DICOMDIR)"),
    f"{_STORAGE}7": ("secondary_capture", "a screen capture (Secondary Capture)"),
}
_FAMILIES = {
    f"{_STORAGE}7.": _CLASSES[f"{_STORAGE}7"],
    f"{_STORAGE}88.": ("structured_report", "a report (Structured Report)"),
    f"{_STORAGE}104.": ("encapsulated_document", "a document in a DICOM file (such as PDF)"),
    f"{_STORAGE}11.": ("presentation_state", "a way to show images (Presentation State)"),
}


def kind_fault(header: Dataset, name: str) -> Reason | None:
    """Return the reason that names a report, document, capture or the like; None for anything else."""
    meta = getattr(header, "file_meta", None) or Dataset()
    for sop_class in (text(header, "SOPClassUID"), text(meta, "MediaStorageSOPClassUID")):
        family = next(
            (kind for root, kind in _FAMILIES.items() if sop_class.startswith(root)), None
        )
        found = _CLASSES.get(sop_class, family)
        if found is not None:
            return Reason(found[0], f"{name} is {found[1]}.", "(0008,0016)")
    return None
