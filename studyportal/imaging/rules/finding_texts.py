"""The words of every finding: its grade, and what a coordinator should do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Grade = Literal["info", "warning", "exclude"]


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
            "exclude",
            "The PET does not name its tracer. Look it up in the injection record and enter it here, "
            "with where you found it; the protocol allows {tracers}.",
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
        "slices_missing": FindingText(
            "exclude",
            "{slices} slices arrived; the scanner states {stated}. Slices at an end of the series are "
            "missing. Send the whole series again.",
        ),
        "voxels_not_finite": FindingText(
            "exclude",
            "{count} values of the images are not numbers. Export the series again from the scanner or "
            "the archive and send it.",
        ),
        "no_content": FindingText(
            "exclude",
            "The slices hold no picture: each has one value throughout. Export the series again from the "
            "scanner or the archive and send it.",
        ),
        "empty_slices": FindingText(
            "warning",
            "{count} of {slices} slices hold no picture. Compare with the scanner, and send the series "
            "again if they are filled there.",
        ),
        "saturated_slices": FindingText(
            "warning",
            "In {count} of {slices} slices the highest values are cut off. Ask for an export with the "
            "full range of values.",
        ),
        "sharp_kernel": FindingText(
            "warning",
            "The CT was reconstructed with the edge-enhancing kernel {kernel}. Send the reconstruction "
            "for soft tissue of the same examination if the scanner still has it.",
        ),
        "kernel_unknown": FindingText(
            "info",
            "The CT does not name a reconstruction kernel that is known here ({kernel}), so it was not judged.",
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
        "several_reconstructions": FindingText(
            "exclude",
            "{count} CT reconstructions came together. Check them below and choose the one to use; proposed is "
            "{name}: {why}.",
        ),
        "no_reconstruction": FindingText(
            "exclude",
            "{count} CT series came together, and not one of them can be used. Send one folder that holds the "
            "reconstruction for soft tissue.",
        ),
        # the pair
        "glucose": FindingText(
            "warning",
            "The blood glucose was {glucose:.1f} mmol/l, above {limit:.1f} mmol/l, which lowers the uptake of "
            "tumours. Ask the nuclear medicine department whether the PET should count.",
        ),
        "glucose_unknown": FindingText(
            "info",
            "The blood glucose before the injection is not known, since images do not carry it. It can be "
            "entered from the injection record.",
        ),
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
        "position_measured": FindingText(
            "warning",
            "The CT and the PET name different examination positions, yet they lie on each other within "
            "{residual_mm:.1f} mm (at most {limit_mm:.0f} mm are allowed). Check the fusion before you use them.",
        ),
        "moved": FindingText(
            "warning",
            "The PET lies {residual_mm:.1f} mm beside the CT, more than {limit_mm:.0f} mm. Check the fusion: "
            "the participant may have moved between CT and PET.",
        ),
        "mirrored": FindingText(
            "exclude",
            "The PET fits the CT better with left and right exchanged. Compare both with the scanner, and "
            "send the series again whose side is wrong.",
        ),
        "metal_streaks": FindingText(
            "warning",
            "The CT shows {metal_ml:.1f} ml of metal with streaks, between z = {first_z_mm:.0f} and "
            "{last_z_mm:.0f} mm. Check whether a lesion lies there.",
        ),
        "metal": FindingText(
            "info",
            "The CT shows {metal_ml:.1f} ml of metal without notable streaks, between z = {first_z_mm:.0f} "
            "and {last_z_mm:.0f} mm.",
        ),
        "ct_truncated": FindingText(
            "warning",
            "The field of view of the CT cuts the body off at the side in {share_percent:.0f} % of the "
            "slices. If a reconstruction with a larger field exists, send that one.",
        ),
        "liver_uptake": FindingText(
            "warning",
            "The liver has an uptake value of {suv:.1f} ({how}), outside {low:.1f} to {high:.1f}. Compare dose, "
            "weight and injection time with the injection record.",
        ),
        "blood_pool_uptake": FindingText(
            "warning",
            "The blood pool has an uptake value of {suv:.1f} ({how}), outside {low:.1f} to {high:.1f}. Compare "
            "dose, weight and injection time with the injection record.",
        ),
        "respiratory_mismatch": FindingText(
            "warning",
            "The diaphragm lies {mismatch_mm:.0f} mm {direction} in the PET than in the CT, more than "
            "{limit_mm:.0f} mm. Uptake near the diaphragm may be wrong: check there before you use it.",
        ),
        "halo": FindingText(
            "warning",
            "Round the hottest parts the uptake falls to {percent:.0f} % of that of other soft tissue: a halo "
            "of the scatter correction. Check whether a lesion lies there.",
        ),
        "screening_failed": FindingText(
            "info",
            "The screening for artefacts could not be finished, so they were not looked for ({reason}).",
        ),
        "other_study": FindingText(
            "warning",
            "The CT and the PET come from two examinations. Check that both belong to this visit.",
        ),
        "scan_before_consent": FindingText(
            "warning",
            "Made before the participant signed the consent form: {which}. Compare both days, have a wrong date "
            "corrected, and ask whether images from before the consent may be used.",
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
