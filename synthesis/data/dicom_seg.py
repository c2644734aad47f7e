"""The regions of a phantom as one DICOM Segmentation on the PET grid."""

from __future__ import annotations

from pathlib import Path

import highdicom as hd
import numpy as np
from highdicom.seg import (
    SegmentAlgorithmTypeValues,
    Segmentation,
    SegmentationTypeValues,
    SegmentDescription,
)
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from synthesis.data.dicom_base import StudyFacts
from synthesis.data.phantom import Region

KINDS = {
    "lesion": (codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion),
    "distant": (codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion),
    "node": (codes.SCT.AnatomicalStructure, codes.SCT.LymphNode),
}
ORGANS = {
    "organ:liver": (codes.SCT.AnatomicalStructure, codes.SCT.Liver),
    "organ:blood_pool": (codes.SCT.AnatomicalStructure, codes.SCT.Aorta),
    "organ:lung_left": (
        codes.SCT.AnatomicalStructure,
        Code("44029006", "SCT", "Left lung structure"),
    ),
    "organ:lung_right": (
        codes.SCT.AnatomicalStructure,
        Code("3341006", "SCT", "Right lung structure"),
    ),
}


def write_seg(
    regions: tuple[Region, ...], path: Path, facts: StudyFacts, *, pet_folder: Path
) -> None:
    """Write the regions that have voxels; the segment label is the region's label."""
    path.parent.mkdir(parents=True)
    sources = [dcmread(file) for file in sorted(pet_folder.iterdir())]
    kept = [region for region in regions if region.mask.any()]
    segmentation = Segmentation(
        source_images=sources,
        pixel_array=np.stack([region.mask for region in kept], axis=-1).astype(np.uint8),
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[_description(n, r) for n, r in enumerate(kept, start=1)],
        series_instance_uid=facts.uid("seg"),
        series_number=4,
        sop_instance_uid=facts.uid("seg", 1),
        instance_number=1,
        manufacturer="StudyPortal phantom",
        manufacturer_model_name=facts.scanner.name,
        software_versions="phantom 1",
        device_serial_number=f"{facts.scanner.site}-1",
        content_label="REGIONS",
        content_creator_name="PHANTOM^AUTHOR",
        series_description="Regions (simulated)",
        omit_empty_frames=True,
    )
    _fix_what_varies(segmentation, facts)
    segmentation.save_as(path, enforce_file_format=True)


def _description(number: int, region: Region) -> SegmentDescription:
    kind = region.label.split(":", maxsplit=1)[0]
    category, of_type = ORGANS.get(region.label) or KINDS[kind]
    return SegmentDescription(
        segment_number=number,
        segment_label=region.label,
        segmented_property_category=category,
        segmented_property_type=of_type,
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name="phantom", version="1", family=codes.DCM.ArtificialIntelligence
        ),
    )


def _fix_what_varies(segmentation: Dataset, facts: StudyFacts) -> None:
    """Replace the clock and the random identifiers that the library writes: same seed, same bytes."""
    day, time = facts.starts_at.strftime("%Y%m%d"), facts.starts_at.strftime("%H%M%S")
    for keyword in ("InstanceCreationDate", "ContentDate", "SeriesDate"):
        if keyword in segmentation:
            setattr(segmentation, keyword, day)
    for keyword in ("InstanceCreationTime", "ContentTime", "SeriesTime"):
        if keyword in segmentation:
            setattr(segmentation, keyword, time)
    for equipment in segmentation.get("ContributingEquipmentSequence", []):
        if "ContributionDateTime" in equipment:
            equipment.ContributionDateTime = day + time
    organisation = facts.uid("seg", "dimension")
    segmentation.DimensionOrganizationSequence[0].DimensionOrganizationUID = organisation
    for index in segmentation.DimensionIndexSequence:
        index.DimensionOrganizationUID = organisation
