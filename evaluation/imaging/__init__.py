"""Images: series, SUV, grids, resampling, segmentations, NIfTI. Imports nothing of evaluation."""

from evaluation.imaging.entries import HeaderEntries, with_entries
from evaluation.imaging.facts import SeriesFacts
from evaluation.imaging.grid import Grid
from evaluation.imaging.instance import Instance
from evaluation.imaging.nifti import read_nifti, write_nifti
from evaluation.imaging.pixels import PixelFacts, pixel_facts
from evaluation.imaging.reader import InstanceReader, read_instance
from evaluation.imaging.reasons import (
    Reason,
    Refused,
    SegmentationRefused,
    SeriesRefused,
    SuvRefused,
)
from evaluation.imaging.scan import FolderScan, SeriesGroup, scan_folder
from evaluation.imaging.segmentation import Segment, read_segmentation
from evaluation.imaging.series import PlacedSeries, Series, read_series, series_of
from evaluation.imaging.survey import SurveyedSeries, survey_of
from evaluation.imaging.suv import SuvConversion, suv_factor
from evaluation.imaging.suv_body import SuvKind, sul_factor
from evaluation.imaging.volume import Volume, overlap, resample

__all__ = [
    "FolderScan",
    "Grid",
    "HeaderEntries",
    "Instance",
    "InstanceReader",
    "PixelFacts",
    "PlacedSeries",
    "Reason",
    "Refused",
    "Segment",
    "SegmentationRefused",
    "Series",
    "SeriesFacts",
    "SeriesGroup",
    "SeriesRefused",
    "SurveyedSeries",
    "SuvConversion",
    "SuvKind",
    "SuvRefused",
    "Volume",
    "overlap",
    "pixel_facts",
    "read_instance",
    "read_nifti",
    "read_segmentation",
    "read_series",
    "resample",
    "scan_folder",
    "series_of",
    "sul_factor",
    "survey_of",
    "suv_factor",
    "with_entries",
    "write_nifti",
]
