"""Pure rules of imaging: de-identification, checks of series and pairs, refusals in words."""

from studyportal.imaging.rules.checks import check_pair, check_series
from studyportal.imaging.rules.deidentification import deidentify
from studyportal.imaging.rules.deidentification_report import DeidentificationReport, merged_reports
from studyportal.imaging.rules.drawings import mask_of_drawing
from studyportal.imaging.rules.element_rules import Rule
from studyportal.imaging.rules.findings import (
    FINDING_TEXTS,
    Finding,
    FindingText,
    Grade,
    PairVerdict,
    finding,
    verdict,
)
from studyportal.imaging.rules.inbox import Headline, modalities_of, role_of
from studyportal.imaging.rules.located import Located, ReceivedFile, located_finding, named
from studyportal.imaging.rules.outline_reading import MASKS, packed_masks, region_names
from studyportal.imaging.rules.previews import preview_of, preview_of_volume
from studyportal.imaging.rules.projections import Projections, rotating_projections
from studyportal.imaging.rules.pseudonym import (
    DeidentificationKey,
    PseudonymContext,
    date_offset,
    remap_uid,
    text_code,
)
from studyportal.imaging.rules.refusals import (
    REFUSAL_TEXTS,
    reason,
    refusal_findings,
    refusal_sentences,
)
from studyportal.imaging.rules.regions import is_region, region_codes
from studyportal.imaging.rules.summary import (
    SeriesSummary,
    summarise,
    summary_from_json,
    summary_to_json,
)
from studyportal.imaging.rules.synthetic_mark import bears_synthetic_mark
from studyportal.imaging.rules.volume_coding import (
    CodedVolume,
    coarser,
    coded,
    coded_labels,
    nifti_bytes,
)
from studyportal.protocol.rules import ImagingConstraints

__all__ = [
    "FINDING_TEXTS",
    "MASKS",
    "REFUSAL_TEXTS",
    "CodedVolume",
    "DeidentificationKey",
    "DeidentificationReport",
    "Finding",
    "FindingText",
    "Grade",
    "Headline",
    "ImagingConstraints",
    "Located",
    "PairVerdict",
    "Projections",
    "PseudonymContext",
    "ReceivedFile",
    "Rule",
    "SeriesSummary",
    "bears_synthetic_mark",
    "check_pair",
    "check_series",
    "coarser",
    "coded",
    "coded_labels",
    "date_offset",
    "deidentify",
    "finding",
    "is_region",
    "located_finding",
    "mask_of_drawing",
    "merged_reports",
    "modalities_of",
    "named",
    "nifti_bytes",
    "packed_masks",
    "preview_of",
    "preview_of_volume",
    "reason",
    "refusal_findings",
    "refusal_sentences",
    "region_codes",
    "region_names",
    "remap_uid",
    "role_of",
    "rotating_projections",
    "summarise",
    "summary_from_json",
    "summary_to_json",
    "text_code",
    "verdict",
]
