"""What a study adds to the model card and to the description of a release."""

from __future__ import annotations

import math
from typing import Any

from evaluation.statistics import Estimate
from synthesis.config import StudyMeasuresConfig
from synthesis.study.cells import FOLLOWING, LESIONS, NOTHING, cell
from synthesis.study.estimates import estimates_of
from synthesis.study.records import Measured
from synthesis.training.family_held_out import MODEL
from synthesis.training.family_release import StudyNotes

SHOWN = (*LESIONS, *FOLLOWING)


def study_notes(measured: Measured, measures: StudyMeasuresConfig) -> StudyNotes | None:
    """Return the section and the numbers; None for twins, whose lesions have no partners."""
    if not measured.foci:
        return None
    found = estimates_of(measured, MODEL, measures)
    rows = "\n".join(f"| {c.title} | {cell(found[c.name], c)} |" for c in SHOWN)
    cost, near = measured.cost, measured.nearness
    memory = NOTHING if cost.peak_mib is None else f"{cost.peak_mib:.0f} MiB"
    nearest = "" if near is None else _nearest(near.acquired_median, near.synthetic_median)
    section = f"""## In the study on the same participants
One sample, 95 % intervals over participants; a focus reaches SUV {measures.focus_suv:g}. *Put into CT* and *taken out
of CT*: the participant was simulated again with one lesion more, or without lung lesions.

| | |
|---|---|
{rows}

One volume of {cost.slices} slices took {cost.seconds:.2g} s ({cost.processor_seconds:.2g} of a processor), peak memory {memory}.
{nearest}"""
    return StudyNotes(section, {name: _bounds(e) for name, e in found.items()})


def _nearest(acquired: float, synthetic: float) -> str:
    return (
        f"Smoothed patches lie {synthetic:.3f} SUV from the nearest training patch at the same place "
        f"(median), those of the acquired PET {acquired:.3f}.\n"
    )


def _bounds(e: Estimate) -> dict[str, Any]:
    """Return plain numbers for TOML, which has no null."""
    named = {"value": e.value, "low": e.lower, "high": e.upper}
    numbers = {key: math.nan if value is None else value for key, value in named.items()}
    return {**numbers, "n": e.n, "participants": e.clusters}
