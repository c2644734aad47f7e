"""Findings of the image checks: an id, a grade, and what a coordinator should do about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Grade = Literal["info", "warning", "exclude"]
PairVerdict = Literal["ready", "query_open"]
Value = str | float | int | bool | None | tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """One thing a check found; `values` holds the numbers behind the sentence."""

    id: str
    grade: Grade
    sentence: str
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class FindingText:
    """The words of one kind of finding; `{...}` are filled from its values."""

    grade: Grade
    sentence: str

    def anchor(self, finding_id: str) -> str:
        """Where the documentation explains this finding."""
        return f"finding-{finding_id.replace('_', '-')}"


FINDING_TEXTS: Mapping[str, FindingText] = MappingProxyType(
    {
        # one series
        "slice_thickness": FindingText(
            "warning",
            "The CT slices are {thickness_mm:.1f} mm thick; the protocol asks for at most "
            "{limit_mm:.1f} mm. Send a thinner reconstruction if the scanner still has one.",
        ),
        "slice_thickness_unknown": FindingText(
            "warning",
            "The CT does not say how thick its slices are. Ask the scanner's operator and send a "
            "reconstruction of at most {limit_mm:.1f} mm.",
        ),
        "suv_not_computable": FindingText(
            "exclude",
            "Uptake values cannot be computed from this PET: {reasons} Ask the nuclear medicine "
            "department to export the original series again with these entries filled in.",
        ),
        "suv_readings_differ": FindingText(
            "warning",
            "The PET can be read in more than one way, and the uptake values would differ by "
            "{difference_percent:.1f} %. Ask a physicist to confirm the way that was used: {rule}.",
        ),
        "tracer_not_named": FindingText(
            "warning",
            "The PET does not name its tracer. Confirm in the injection record that it was {tracers}.",
        ),
        "tracer_other": FindingText(
            "exclude",
            "The tracer of this PET is not one the protocol allows ({tracers}). Check whether the "
            "right examination was sent.",
        ),
        "half_life": FindingText(
            "exclude",
            "The half-life stated in the PET is {minutes:.1f} minutes, that of the tracer is "
            "{expected_minutes:.1f} minutes. Check which tracer was injected and have the entry "
            "corrected before sending again.",
        ),
        "half_life_unknown": FindingText(
            "warning",
            "The PET does not state the half-life of its tracer. Confirm in the injection record "
            "which tracer was given.",
        ),
        "dose": FindingText(
            "warning",
            "The injected dose is {dose_mbq:.0f} MBq, outside {low_mbq:.0f} to {high_mbq:.0f} MBq. "
            "Compare it with the injection record.",
        ),
        "dose_unknown": FindingText(
            "warning",
            "The PET does not state the injected dose. "
            "Keep the injection record at hand and ask whether the scanner can export it.",
        ),
        "weight": FindingText(
            "exclude",
            "The body weight is {weight_kg:.1f} kg, outside {low_kg:.0f} to {high_kg:.0f} kg, and "
            "the uptake values depend on it. Have the weight corrected and send the PET again.",
        ),
        "weight_of_finished_values": FindingText(
            "warning",
            "The body weight is {weight_kg:.1f} kg, outside {low_kg:.0f} to {high_kg:.0f} kg. "
            "The scanner has computed the uptake values already: ask with which weight.",
        ),
        "weight_unknown": FindingText(
            "info",
            "The PET does not state the body weight. The scanner has computed the uptake values "
            "already, so nothing needs to be sent.",
        ),
        "uptake_time": FindingText(
            "warning",
            "The scan began {minutes:.0f} minutes after the injection; the protocol asks for "
            "{low_minutes:.0f} to {high_minutes:.0f} minutes. Compare both times with the "
            "injection record.",
        ),
        "uptake_time_unknown": FindingText(
            "warning",
            "The time between injection and scan cannot be told from the PET. Keep the "
            "injection record at hand and ask whether the scanner can export it.",
        ),
        "scatter_correction": FindingText(
            "warning",
            "The PET does not state that it was corrected for scatter. Ask the nuclear medicine "
            "department which reconstruction was exported.",
        ),
        "slice_count": FindingText(
            "warning",
            "{slices} slices arrived; the scanner states {stated}. Check that the whole series was "
            "sent, and send the rest if it was not.",
        ),
        "weight_in_grams": FindingText(
            "info", "The body weight was entered in grams and has been read as such."
        ),
        "dose_in_mbq": FindingText(
            "info", "The injected dose was entered in MBq and has been read as such."
        ),
        "previous_day": FindingText(
            "exclude",
            "By its clock the injection came after the scan and its day is not stated, so the uptake "
            "values would rest on a guess. Have the day of the injection entered and send the PET again.",
        ),
        "clock_only": FindingText(
            "warning",
            "The dates of injection and scan do not fit together, so only the clock times were "
            "used. Compare both with the injection record.",
        ),
        "suv_note": FindingText("warning", "{note} Ask a physicist whether this is right."),
        "unreadable_element": FindingText(
            "info",
            "An entry of the files could not be read and was left out. The images themselves are "
            "whole, so nothing needs to be sent.",
        ),
        "remark": FindingText("warning", "{note} Check whether the right series was sent."),
        # the pair
        "other_position": FindingText(
            "exclude",
            "The CT and the PET were not taken in one session with the participant lying still, so "
            "they cannot be laid over each other. Send the CT of the same PET/CT examination.",
        ),
        "position_unknown": FindingText(
            "exclude",
            "The {which} does not say to which examination position it belongs, so CT and PET "
            "cannot be laid over each other. Export both again from the scanner.",
        ),
        "other_study": FindingText(
            "warning",
            "The CT and the PET come from two examinations. Check that both belong to this visit.",
        ),
        "days_between": FindingText(
            "exclude",
            "{days} days lie between CT and PET; the protocol allows {limit_days}. Send the CT and "
            "PET of one visit.",
        ),
        "days_unknown": FindingText(
            "warning",
            "The days between CT and PET cannot be told because a date is missing. Check that both "
            "belong to one visit.",
        ),
        "ct_covers_part": FindingText(
            "warning",
            "The CT covers {covered_percent:.0f} % of the length of the PET. The pair can be used; "
            "evaluation is limited to the part that both show. If a longer CT of the same "
            "examination exists, send that one.",
        ),
        "overlap_short": FindingText(
            "exclude",
            "The CT and the PET share only {overlap_mm:.0f} mm of the body; at least "
            "{limit_mm:.0f} mm are needed. Send the CT that covers the same region.",
        ),
        "no_overlap": FindingText(
            "exclude",
            "The CT and the PET show different parts of the body. Send the CT that covers the same "
            "region.",
        ),
    }
)


def finding(finding_id: str, /, **values: Value) -> Finding:
    """The finding of this kind, its sentence filled from the values."""
    text = FINDING_TEXTS[finding_id]
    shown = {k: ", ".join(v) if isinstance(v, tuple) else v for k, v in values.items()}
    return Finding(finding_id, text.grade, text.sentence.format(**shown), MappingProxyType(values))


def verdict(findings: Iterable[Finding]) -> PairVerdict:
    """A pair is ready unless a finding excludes it; warnings never stand in its way."""
    return "query_open" if any(found.grade == "exclude" for found in findings) else "ready"
