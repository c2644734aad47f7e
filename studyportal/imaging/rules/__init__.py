"""Pure rules of imaging: de-identification, checks of series and pairs, refusals in words."""

from studyportal.imaging.rules.announcement import (
    AnnouncedFile,
    read_announcement,
    sizes_by_digest,
    too_large,
)
from studyportal.imaging.rules.checks import check_pair, check_series
from studyportal.imaging.rules.cleaning import conversion_facts
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
    patient_link,
    remap_uid,
    text_code,
)
from studyportal.imaging.rules.reconstructions import Ranked, rank_reconstructions
from studyportal.imaging.rules.refusals import (
    REFUSAL_TEXTS,
    nameless,
    reason,
    refusal_findings,
    refusal_sentences,
    suv_reason_sentence,
)
from studyportal.imaging.rules.regions import is_region, region_codes
from studyportal.imaging.rules.report_text import RULE_TEXTS, report_facts, report_lines
from studyportal.imaging.rules.screening import (
    Screened,
    screened_from_json,
    screened_to_json,
)
from studyportal.imaging.rules.seal import (
    SealError,
    Standing,
    patient_link_of,
    seal_reasons,
    site_link,
    standing_of,
)
from studyportal.imaging.rules.summary import (
    SeriesSummary,
    summarise,
    summary_from_json,
    summary_to_json,
)
from studyportal.imaging.rules.suv_survival import SuvSurvival, suv_survival
from studyportal.imaging.rules.synthetic_mark import bears_synthetic_mark
from studyportal.imaging.rules.unheard import unheard
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
    "RULE_TEXTS",
    "AnnouncedFile",
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
    "Ranked",
    "ReceivedFile",
    "Rule",
    "Screened",
    "SealError",
    "SeriesSummary",
    "Standing",
    "SuvSurvival",
    "bears_synthetic_mark",
    "check_pair",
    "check_series",
    "coarser",
    "coded",
    "coded_labels",
    "conversion_facts",
    "date_offset",
    "deidentify",
    "finding",
    "is_region",
    "located_finding",
    "mask_of_drawing",
    "merged_reports",
    "modalities_of",
    "named",
    "nameless",
    "nifti_bytes",
    "packed_masks",
    "patient_link",
    "patient_link_of",
    "preview_of",
    "preview_of_volume",
    "rank_reconstructions",
    "read_announcement",
    "reason",
    "refusal_findings",
    "refusal_sentences",
    "region_codes",
    "region_names",
    "remap_uid",
    "report_facts",
    "report_lines",
    "role_of",
    "rotating_projections",
    "screened_from_json",
    "screened_to_json",
    "seal_reasons",
    "site_link",
    "sizes_by_digest",
    "standing_of",
    "summarise",
    "summary_from_json",
    "summary_to_json",
    "suv_reason_sentence",
    "suv_survival",
    "text_code",
    "too_large",
    "unheard",
    "verdict",
]
