"""Whether elements are stored in the value representation (VR) that the standard gives them.

An element under another VR is read as something else than was written, often without an error.
Unknown VRs are refused anywhere at the root; a VR that is known and wrong only where a value is
used here, since writers are careless with the rest.
"""

from collections.abc import Container

from pydicom import Dataset
from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.tag import BaseTag, Tag
from pydicom.valuerep import VR

from evaluation.imaging.reasons import Reason

_KNOWN = frozenset(str(vr.value) for vr in VR)
_USED = [
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "PatientID",
    "Modality",
    "SeriesDate",
    "SeriesTime",
    "AcquisitionDate",
    "AcquisitionTime",
    "PatientWeight",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "RescaleSlope",
    "RescaleIntercept",
    "PixelData",
    "Units",
    "DecayCorrection",
    "FrameReferenceTime",
    "ActualFrameDuration",
]
_ALLOWED = {
    # UN says that the writer did not know; the reader then takes the one of the standard.
    Tag(tag_for_keyword(keyword) or 0): {*dictionary_VR(keyword).split(" or "), "UN"}
    for keyword in _USED
}


def representation_fault(
    header: Dataset, name: str, *, judged: Container[int] = ()
) -> Reason | None:
    """Return the first element of a header, as read, whose VR is unknown or wrong; None where all are right.

    Tags in `judged` are known to be right and are passed over.
    """
    for tag in list(header.keys()):
        if tag in judged:
            continue
        vr = header.get_item(tag, keep_deferred=True).VR  # as it stands, nothing converted
        if vr is None:  # implicit: the file states none
            continue
        if vr not in _KNOWN or vr not in _ALLOWED.get(tag, _KNOWN):
            return _fault(tag, name)
    return None


def _fault(tag: BaseTag, name: str) -> Reason:
    what = keyword_for_tag(tag) or "an element"
    sentence = f"{name} stores {what} in a form (VR) that is not the one of the standard."
    return Reason("value_representation", sentence, str(tag))
