"""Outlines of a pair as one DICOM Segmentation on the grid of its PET."""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import TYPE_CHECKING

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

from studyportal import __version__
from studyportal.core.storage import read_bytes
from studyportal.imaging.selectors import stored_digests
from studyportal.imaging.services import masks_of

if TYPE_CHECKING:
    from studyportal.imaging.models import OutlineSet

_UNRECORDED = Code("261665006", "SCT", "Unknown")
_LESION = (codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion)
_NODE = (codes.SCT.AnatomicalStructure, codes.SCT.LymphNode)
_ORGAN = (codes.SCT.AnatomicalStructure, Code("123037004", "SCT", "Body structure"))
_KINDS = {"lesion": _LESION, "distant": _LESION, "node": _NODE, "organ": _ORGAN}


def outlines_file(outlines: OutlineSet) -> bytes:
    """The DICOM file; segments bear the portal's names of the regions, and the same outlines give the same bytes."""
    masks = masks_of(outlines)
    digests = stored_digests(outlines.reference.manifest_sha256)
    sources = [dcmread(BytesIO(read_bytes(sha256))) for sha256 in digests]
    code = str(sources[0].PatientName)
    for source in sources:
        source.PatientName = f"{code}^"  # the library warns of a name in one part
    made = Segmentation(
        source_images=sources,
        pixel_array=np.stack(list(masks.values()), axis=-1).astype(np.uint8),
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[_described(n, name) for n, name in enumerate(masks, start=1)],
        series_instance_uid=_uid(outlines, "series"),
        series_number=900,
        sop_instance_uid=_uid(outlines, "instance"),
        instance_number=1,
        manufacturer="StudyPortal",
        manufacturer_model_name="StudyPortal",
        software_versions=__version__,
        device_serial_number="0",
        content_label="REGIONS",
        content_description="Outlines of the study",
        series_description="Outlines of the study",
        omit_empty_frames=True,
    )
    made.PatientName = code
    _fix_what_varies(made, outlines, sources[0])
    buffer = BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _described(number: int, name: str) -> SegmentDescription:
    category, kind = _KINDS[name.split(":", maxsplit=1)[0]]
    return SegmentDescription(
        segment_number=number,
        segment_label=name,
        segmented_property_category=category,
        segmented_property_type=kind,
        # DICOM wants one of three words; which of them is true did not come in with the outlines.
        algorithm_type=SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name="not recorded", version="not recorded", family=_UNRECORDED
        ),
    )


def _uid(outlines: OutlineSet, purpose: str) -> str:
    text = f"{outlines.pk}/{outlines.masks_sha256}/{purpose}"
    return f"2.25.{int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], 'big')}"


def _fix_what_varies(made: Dataset, outlines: OutlineSet, pet: Dataset) -> None:
    """Replace the clock and the random identifiers that the library writes; dates are the PET's, which were moved."""
    day, time = str(pet.get("SeriesDate") or ""), str(pet.get("SeriesTime") or "")
    for place in ("InstanceCreation", "Content", "Series"):
        for suffix, value in (("Date", day), ("Time", time)):
            if f"{place}{suffix}" in made:
                setattr(made, f"{place}{suffix}", value)
    for equipment in made.get("ContributingEquipmentSequence", []):
        if "ContributionDateTime" in equipment:
            equipment.ContributionDateTime = day + time
    organisation = _uid(outlines, "dimension")
    made.DimensionOrganizationSequence[0].DimensionOrganizationUID = organisation
    for index in made.DimensionIndexSequence:
        index.DimensionOrganizationUID = organisation
