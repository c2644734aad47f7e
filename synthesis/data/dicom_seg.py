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
from synthesis.data.outlines import Region

KINDS = {
    "lesion": (codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion),
    "distant": (codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion),
    "node": (codes.SCT.AnatomicalStructure, codes.SCT.LymphNode),
}
ORGAN = codes.SCT.AnatomicalStructure
ORGANS = {
    "organ:liver": (ORGAN, codes.SCT.Liver),
    "organ:blood_pool": (ORGAN, codes.SCT.Aorta),
    "organ:aorta": (ORGAN, codes.SCT.Aorta),
    "organ:lung_left": (ORGAN, Code("44029006", "SCT", "Left lung structure")),
    "organ:lung_right": (ORGAN, Code("3341006", "SCT", "Right lung structure")),
    "organ:spleen": (ORGAN, Code("78961009", "SCT", "Spleen")),
    "organ:kidney_left": (ORGAN, Code("18639004", "SCT", "Left kidney")),
    "organ:kidney_right": (ORGAN, Code("9846003", "SCT", "Right kidney")),
    "organ:stomach": (ORGAN, Code("69695003", "SCT", "Stomach")),
    "organ:pancreas": (ORGAN, Code("15776009", "SCT", "Pancreas")),
    "organ:heart": (ORGAN, Code("80891009", "SCT", "Heart")),
    "organ:vertebrae": (ORGAN, Code("421060004", "SCT", "Vertebral column")),
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
