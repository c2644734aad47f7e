"""Pure rules of imaging: de-identification, checks of series and pairs, refusals in words."""

from studyportal.imaging.rules.checks import check_pair, check_series
from studyportal.imaging.rules.deidentification import deidentify
from studyportal.imaging.rules.deidentification_report import DeidentificationReport, merged_reports
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
from studyportal.imaging.rules.summary import (
    SeriesSummary,
    summarise,
    summary_from_json,
    summary_to_json,
)
from studyportal.imaging.rules.synthetic_mark import bears_synthetic_mark
from studyportal.protocol.rules import ImagingConstraints

__all__ = [
    "FINDING_TEXTS",
    "REFUSAL_TEXTS",
    "DeidentificationKey",
    "DeidentificationReport",
    "Finding",
    "FindingText",
    "Grade",
    "ImagingConstraints",
    "PairVerdict",
    "PseudonymContext",
    "Rule",
    "SeriesSummary",
    "bears_synthetic_mark",
    "check_pair",
    "check_series",
    "date_offset",
    "deidentify",
    "finding",
    "merged_reports",
    "reason",
    "refusal_findings",
    "refusal_sentences",
    "remap_uid",
    "summarise",
    "summary_from_json",
    "summary_to_json",
    "text_code",
    "verdict",
]
