"""Attributes of CT and PET images (PS3.3) that may stay; every other standard one is removed.

The list holds what geometry, pixels, scanner settings and SUV need. Being on it is permission
to stay, not a promise: the confidentiality table is asked first.
"""

from pydicom.datadict import tag_for_keyword

COMMON = """
SpecificCharacterSet ImageType InstanceCreationDate InstanceCreationTime InstanceCreatorUID
SOPClassUID SOPInstanceUID SyntheticData StudyDate SeriesDate AcquisitionDate ContentDate
AcquisitionDateTime StudyTime SeriesTime AcquisitionTime ContentTime TimezoneOffsetFromUTC
AccessionNumber Modality Manufacturer ReferringPhysicianName StudyDescription SeriesDescription
ManufacturerModelName DerivationDescription SourceImageSequence ReferencedImageSequence
ReferencedSOPClassUID ReferencedSOPInstanceUID ReferencedFrameNumber ReferencedSeriesSequence
ReferencedInstanceSequence DerivationCodeSequence PurposeOfReferenceCodeSequence
PatientName PatientID PatientBirthDate PatientSex PatientAge PatientSize PatientWeight
BodyPartExamined AnatomicRegionSequence AnatomicRegionModifierSequence PatientPosition
SoftwareVersions ProtocolName SpatialResolution
StudyInstanceUID SeriesInstanceUID StudyID SeriesNumber AcquisitionNumber InstanceNumber
ImagePositionPatient ImageOrientationPatient FrameOfReferenceUID PositionReferenceIndicator
SliceLocation ImagesInAcquisition ImageComments Laterality ImageLaterality NumberOfFrames
TemporalPositionIdentifier NumberOfTemporalPositions TemporalPositionIndex
CodeValue CodingSchemeDesignator CodingSchemeVersion CodeMeaning
"""
PIXELS = """
SamplesPerPixel PhotometricInterpretation PlanarConfiguration Rows Columns PixelSpacing
PixelAspectRatio BitsAllocated BitsStored HighBit PixelRepresentation SmallestImagePixelValue
LargestImagePixelValue PixelPaddingValue PixelPaddingRangeLimit QualityControlImage
BurnedInAnnotation RecognizableVisualFeatures WindowCenter WindowWidth RescaleIntercept
RescaleSlope RescaleType WindowCenterWidthExplanation VOILUTFunction LossyImageCompression
LossyImageCompressionRatio LossyImageCompressionMethod PixelData PresentationLUTShape
ExtendedOffsetTable ExtendedOffsetTableLengths
"""
_CT = """
ScanOptions KVP DataCollectionDiameter ReconstructionDiameter DistanceSourceToDetector
DistanceSourceToPatient GantryDetectorTilt TableHeight RotationDirection ExposureTime
XRayTubeCurrent Exposure ExposureInuAs ExposureInmAs FilterType FilterMaterial GeneratorPower
FocalSpots ConvolutionKernel SliceThickness SpacingBetweenSlices RevolutionTime
SingleCollimationWidth TotalCollimationWidth TableSpeed TableFeedPerRotation SpiralPitchFactor
DataCollectionCenterPatient ReconstructionTargetCenterPatient ExposureModulationType
EstimatedDoseSaving CTDIvol CTDIPhantomTypeCodeSequence CalciumScoringMassFactorPatient
WaterEquivalentDiameter ContrastBolusAgent ContrastBolusRoute ContrastBolusVolume
ContrastBolusTotalDose ContrastFlowRate ContrastFlowDuration ContrastBolusIngredient
ContrastBolusIngredientConcentration ReconstructionAlgorithm ConvolutionKernelGroup
TableTopVerticalPosition TableTopLongitudinalPosition AcquisitionType
"""
_PET = """
SeriesType Units CountsSource SUVType CorrectedImage DecayCorrection DecayFactor
DoseCalibrationFactor ScatterFractionFactor DeadTimeFactor SliceSensitivityFactor
RandomsCorrectionMethod AttenuationCorrectionMethod ReconstructionMethod
DetectorLinesOfResponseUsed ScatterCorrectionMethod AxialAcceptance AxialMash TransverseMash
DetectorElementSize CoincidenceWindowWidth SecondaryCountsType FrameReferenceTime
PrimaryPromptsCountsAccumulated SecondaryCountsAccumulated ImageIndex NumberOfSlices
NumberOfTimeSlices NumberOfTimeSlots NumberOfRRIntervals TypeOfDetectorMotion CollimatorType
FieldOfViewShape FieldOfViewDimensions ActualFrameDuration AcquisitionStartCondition
AcquisitionStartConditionData AcquisitionTerminationCondition
AcquisitionTerminationConditionData EnergyWindowRangeSequence EnergyWindowLowerLimit
EnergyWindowUpperLimit IntervalsAcquired IntervalsRejected TriggerTime FrameTime
RadiopharmaceuticalInformationSequence Radiopharmaceutical RadiopharmaceuticalRoute
RadiopharmaceuticalVolume RadiopharmaceuticalStartTime RadiopharmaceuticalStopTime
RadiopharmaceuticalStartDateTime RadiopharmaceuticalStopDateTime RadionuclideTotalDose
RadionuclideHalfLife RadionuclidePositronFraction RadiopharmaceuticalSpecificActivity
RadionuclideCodeSequence RadiopharmaceuticalCodeSequence AdministrationRouteCodeSequence
PatientOrientationCodeSequence PatientOrientationModifierCodeSequence
PatientGantryRelationshipCodeSequence SliceProgressionDirection DecayCorrected
DecayCorrectionDateTime AttenuationCorrected ScatterCorrected RandomsCorrected
DeadTimeCorrected SensitivityCalibrated AttenuationCorrectionSource IterativeReconstructionMethod
NumberOfIterations NumberOfSubsets ReconstructionType TimeOfFlightInformationUsed
"""
MULTI_FRAME = """
SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence PixelMeasuresSequence
PlanePositionSequence PlaneOrientationSequence PixelValueTransformationSequence
FrameVOILUTSequence FrameContentSequence FrameAcquisitionNumber FrameReferenceDateTime
FrameAcquisitionDateTime FrameAcquisitionDuration StackID InStackPositionNumber
DimensionIndexValues DimensionOrganizationSequence DimensionOrganizationUID
DimensionIndexSequence DimensionIndexPointer FunctionalGroupPointer DimensionOrganizationType
CTImageFrameTypeSequence PETFrameTypeSequence FrameType PixelPresentation
VolumetricProperties VolumeBasedCalculationTechnique FrameAnatomySequence FrameLaterality
CTReconstructionSequence CTAcquisitionTypeSequence CTGeometrySequence CTExposureSequence
CTXRayDetailsSequence CTTableDynamicsSequence CTPositionSequence CTAcquisitionDetailsSequence
PETFrameAcquisitionSequence PETFrameCorrectionFactorsSequence PETReconstructionSequence
RadiopharmaceuticalUsageSequence RadiopharmaceuticalAgentNumber ContentQualification
RealWorldValueMappingSequence RealWorldValueFirstValueMapped RealWorldValueLastValueMapped
RealWorldValueIntercept RealWorldValueSlope MeasurementUnitsCodeSequence
UnassignedSharedConvertedAttributesSequence UnassignedPerFrameConvertedAttributesSequence
ConversionSourceAttributesSequence
"""
# Who a participant is stands at the root of a CT or PET image; deeper down nobody needs it.
ROOT_ONLY = frozenset(
    [
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "PatientAge",
        "PatientSize",
        "PatientWeight",
        "AccessionNumber",
        "ReferringPhysicianName",
        "StudyID",
        "SpecificCharacterSet",
    ]
)


def tag_of(keyword: str) -> int:
    """The number of an attribute; raises where pydicom's dictionary does not know it."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise ValueError(f"{keyword} is no attribute that pydicom's dictionary knows.")
    return tag


IMAGE_ATTRIBUTES: frozenset[int] = frozenset(
    tag_of(keyword) for keyword in (COMMON + PIXELS + _CT + _PET + MULTI_FRAME).split()
)
