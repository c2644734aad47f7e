"""Attributes of outlines (RT Structure Set, Segmentation; PS3.3) that may stay; every other standard one is removed."""

from pydicom.dataset import Dataset

from evaluation.imaging.header import text
from evaluation.imaging.outline_file import OUTLINE_CLASSES
from studyportal.imaging.rules.image_attributes import COMMON, MULTI_FRAME, PIXELS, tag_of

_STRUCTURE_SET = """
StructureSetLabel StructureSetDate StructureSetTime ReferencedFrameOfReferenceSequence
RTReferencedStudySequence RTReferencedSeriesSequence ContourImageSequence
StructureSetROISequence ROINumber ReferencedFrameOfReferenceUID ROIName ROIVolume
ROIGenerationAlgorithm ROIContourSequence ReferencedROINumber ROIDisplayColor ContourSequence
ContourNumber AttachedContours ContourGeometricType ContourSlabThickness ContourOffsetVector
NumberOfContourPoints ContourData RTROIObservationsSequence ObservationNumber
ROIObservationLabel RTROIInterpretedType ROIInterpreter RTROIIdentificationCodeSequence
ROIPhysicalPropertiesSequence ROIPhysicalProperty ROIPhysicalPropertyValue ApprovalStatus
ReviewDate ReviewTime ReviewerName OperatorsName
"""
_SEGMENTATION = """
ContentLabel ContentDescription ContentCreatorName SegmentationType SegmentationFractionalType
MaximumFractionalValue SegmentsOverlap SegmentSequence SegmentNumber SegmentLabel
SegmentAlgorithmType SegmentAlgorithmName SegmentedPropertyCategoryCodeSequence
SegmentedPropertyTypeCodeSequence SegmentedPropertyTypeModifierCodeSequence
RecommendedDisplayCIELabValue RecommendedDisplayGrayscaleValue TrackingID TrackingUID
SegmentationAlgorithmIdentificationSequence AlgorithmFamilyCodeSequence
AlgorithmNameCodeSequence AlgorithmName AlgorithmVersion SegmentIdentificationSequence
ReferencedSegmentNumber DerivationImageSequence DimensionDescriptionLabel
SliceThickness SpacingBetweenSlices DeviceSerialNumber
"""
OUTLINE_ATTRIBUTES: frozenset[int] = frozenset(
    tag_of(keyword)
    for keyword in (COMMON + PIXELS + MULTI_FRAME + _STRUCTURE_SET + _SEGMENTATION).split()
)


def holds_outlines(dataset: Dataset) -> bool:
    """Whether the dataset says of itself that it is an RT Structure Set or a Segmentation."""
    return text(dataset, "SOPClassUID") in OUTLINE_CLASSES
