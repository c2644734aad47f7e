"""What a study found, traceable to settings, split, releases and versions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from evaluation.metabolic import SubgroupConcordance, subgroup_concordance
from evaluation.statistics import Estimate
from synthesis.config import Study, StudyMeasuresConfig, to_table
from synthesis.data.splits import PARTS, ParticipantSplit
from synthesis.registry import GateVerdict, release_gate
from synthesis.study.estimates import differences_to, estimates_of
from synthesis.study.held_out_rows import held_out_rows
from synthesis.study.records import Measured
from synthesis.study.study import Finished
from synthesis.training.family_held_out import MEAN, MODEL, summary

CONTROLS = ("zero", "body_mean", "lesions_erased")
VERSIONED = ("torch", "monai", "numpy", "scipy", "scikit-image")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the tables: a predictor of a family, or a control.

    Attributes
    ----------
    differences
        To the first family; None for that family itself.
    """

    name: str
    family: str
    predictor: str
    evaluations: int | None
    estimates: dict[str, Estimate]
    differences: dict[str, Estimate] | None
    gate: GateVerdict


@dataclass(frozen=True, slots=True)
class StudyResult:
    """A study's numbers, and what they were made from."""

    study: Study
    split: ParticipantSplit
    device: str
    finished: tuple[Finished, ...]
    entries: tuple[Entry, ...]
    twins: tuple[SubgroupConcordance, ...]

    @property
    def paired(self) -> tuple[Finished, ...]:
        """The families that make a PET of a given CT."""
        return tuple(f for f in self.finished if f.release.family != "cascade3d")

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain tables; what has no value is null."""
        config = self.study.config
        found = {
            "name": config.name,
            "created": config.created,
            "study_sha256": self.study.digest,
            "settings": to_table(config),
            "split_sha256": self.split.digest,
            "participants": {part: len(getattr(self.split, part)) for part in PARTS},
            "device": self.device,
            "versions": {name: version(name) for name in VERSIONED},
            "families": [_family(one) for one in self.finished],
            "entries": [asdict(entry) | {"passed": entry.gate.passed} for entry in self.entries],
            "twins": [asdict(row) for row in self.twins],
        }
        plain: dict[str, Any] = _plain(found)
        return plain


def result_of(
    study: Study, split: ParticipantSplit, finished: Sequence[Finished], device: str
) -> StudyResult:
    """Return the result over the families that are finished.

    Raises
    ------
    ValueError
        When the family that the others are compared with is not among them.
    """
    paired = [f for f in finished if f.release.family != "cascade3d"]
    reference = next((f for f in paired if f.run.release.name == study.reference), None)
    if reference is None:
        raise ValueError(f"{study.reference}, with which all are compared, is not finished.")
    entries = [
        _entry(one, predictor, reference, study.config.measures)
        for one in paired
        for predictor in (MODEL, MEAN)
        if any(row.predictor == predictor for row in one.measured.rows)
    ]
    entries += [_entry(reference, name, reference, study.config.measures) for name in CONTROLS]
    twins = [t for f in finished for t in _twins(f.measured, study.config.measures)]
    return StudyResult(study, split, device, tuple(finished), tuple(entries), tuple(twins))


def _entry(
    one: Finished, predictor: str, reference: Finished, measures: StudyMeasuresConfig
) -> Entry:
    own = one.run.release.name
    control = predictor in CONTROLS
    itself = one is reference and predictor == MODEL
    return Entry(
        name=predictor if control else f"{own}, mean" if predictor == MEAN else own,
        family="control" if control else one.release.family,
        predictor=predictor,
        evaluations=None if control else one.measured.evaluations,
        estimates=estimates_of(one.measured, predictor, measures),
        differences=None
        if itself
        else differences_to(one.measured, reference.measured, predictor, measures),
        gate=release_gate(_metrics(one.measured, measures), predictor),
    )


def _metrics(measured: Measured, measures: StudyMeasuresConfig) -> dict[str, Any]:
    return {**summary(held_out_rows(measured, measures.focus_suv)), "simulated": True}


def _twins(measured: Measured, measures: StudyMeasuresConfig) -> tuple[SubgroupConcordance, ...]:
    """Compare twins with all held-out participants, by sex; tissues that one lacks are left out."""
    rows = [t for t in measured.twins if min(t.acquired, t.twin) > 0]
    if not rows:
        return ()
    return subgroup_concordance(
        np.array([t.acquired for t in rows]),
        np.array([t.twin for t in rows]),
        subgroup=[t.sex for t in rows],
        organ=[t.tissue for t in rows],
        participant=[t.participant for t in rows],
        margin=measures.equivalence_ratio,
        log=True,
    )


def _family(one: Finished) -> dict[str, Any]:
    measured = one.measured
    return {
        "name": one.run.release.name,
        "family": one.release.family,
        "settings_sha256": one.run.digest,
        "release_sha256": one.release.digest,
        "weights_sha256": one.release.weights_sha256,
        "parameters": measured.parameters,
        "evaluations": measured.evaluations,
        "cost": asdict(measured.cost),
        "curve": [asdict(point) for point in measured.curve],
        "nearness": asdict(measured.nearness) if measured.nearness else None,
    }


def _plain(value: Any) -> Any:
    """Return tables, lists and numbers alone; NaN and infinities become null."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
