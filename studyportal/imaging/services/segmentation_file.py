"""Outlines as a DICOM Segmentation on the slices of the stored PET."""

import warnings
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any
from uuid import uuid4

import highdicom
import numpy as np
from pydicom import Dataset
from pydicom.sr.codedict import codes

from studyportal import __version__
from studyportal.imaging import rules

_hd: Any = highdicom
_UNSTATED = "method not stated"
_NAME_LENGTH, _TEXT_LENGTH = 64, 1024  # of elements that hold labels, and short texts


def segmentation_bytes(
    masks: Mapping[str, np.ndarray],
    slices: Sequence[Dataset],
    *,
    methods: Mapping[str, str],
    author: str,
) -> bytes:
    """Return masks [z, y, x] by region as one file; `slices` are the PET's, in the order of z.

    `methods` says in words how a region was drawn; one that is not there came from elsewhere.
    """
    names = sorted(masks)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about values of the PET's header, which intake has judged
        segmentation = _hd.seg.Segmentation(
            source_images=list(slices),
            pixel_array=np.stack([masks[name] for name in names], axis=-1).astype(np.uint8),
            segmentation_type=_hd.seg.SegmentationTypeValues.BINARY,
            segment_descriptions=[
                _description(number, name, methods.get(name, _UNSTATED))
                for number, name in enumerate(names, start=1)
            ],
            series_instance_uid=_uid(),
            series_number=800,
            sop_instance_uid=_uid(),
            instance_number=1,
            manufacturer="StudyPortal",
            manufacturer_model_name="StudyPortal",
            software_versions=__version__,
            device_serial_number="portal",
            content_label="REGIONS",
            content_creator_name=author,
            series_description="Regions outlined in the portal",
            omit_empty_frames=True,
        )
    buffer = BytesIO()
    segmentation.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _description(number: int, name: str, method: str) -> Any:
    category, kind = rules.region_codes(name)
    description = _hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=name,
        segmented_property_category=category,
        segmented_property_type=kind,
        # Whatever the program proposed, a person looked at it, corrected it and kept it.
        algorithm_type=_hd.seg.SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
        algorithm_identification=_hd.AlgorithmIdentificationSequence(
            name=method[:_NAME_LENGTH],
            version=__version__,
            family=codes.DCM.ManualProcessing,
        ),
    )
    description.SegmentDescription = method[:_TEXT_LENGTH]
    return description


def _uid() -> str:
    return f"2.25.{uuid4().int}"
