"""What a de-identified file says about itself: method, options and file meta information."""

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian

from studyportal.imaging.rules.confidentiality import OPTIONS, TABLE_VERSION
from studyportal.imaging.rules.pseudonym import PseudonymContext
from studyportal.imaging.rules.seal import seal_of, write_site_link

IMPLEMENTATION_CLASS_UID = UID("2.25.271828059482150396471846107925360421387")
IMPLEMENTATION_VERSION = "STUDYPORTAL_1"
METHOD = f"StudyPortal; {TABLE_VERSION}"


def declare(cleaned: Dataset, context: PseudonymContext) -> None:
    """The attributes by which a de-identified file says so, present even where none came in; the last is its seal."""
    declare_unsealed(cleaned, context)
    cleaned.DeidentificationMethod = [METHOD, seal_of(cleaned, context.key)]


def declare_unsealed(cleaned: Dataset, context: PseudonymContext) -> None:
    """The same without the seal, which rests on all other elements."""
    cleaned.PatientName = cleaned.PatientID = context.participant_code
    cleaned.PatientBirthDate = ""
    cleaned.SpecificCharacterSet = "ISO_IR 192"  # texts were decoded; one set writes all of them
    cleaned.PatientIdentityRemoved = "YES"
    cleaned.DeidentificationMethodCodeSequence = Sequence(
        _code(value, meaning) for value, meaning in OPTIONS.items()
    )
    cleaned.LongitudinalTemporalInformationModified = "MODIFIED"
    if context.patient_link:
        write_site_link(cleaned, context.patient_link)


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue = value
    code.CodingSchemeDesignator = "DCM"
    code.CodeMeaning = meaning
    return code


def file_meta(dataset: Dataset, cleaned: Dataset) -> FileMetaDataset:
    """File meta information written anew: nothing of the sender's is carried over."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = UID(str(cleaned.get("SOPClassUID", "")))
    meta.MediaStorageSOPInstanceUID = UID(str(cleaned.get("SOPInstanceUID", "")))
    meta.TransferSyntaxUID = _transfer_syntax(dataset)
    meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION
    return meta


def _transfer_syntax(dataset: Dataset) -> UID:
    """The one the pixels are in; what pydicom falls back to where none of the standard is named."""
    read = getattr(dataset, "file_meta", FileMetaDataset())
    stated = UID(str(read.get("TransferSyntaxUID", "")))
    known = stated.type == "Transfer Syntax"
    return stated if known else ExplicitVRLittleEndian
