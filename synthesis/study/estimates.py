"""From rows to estimates with intervals over participants, and to paired differences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.agreement import lin_ccc
from evaluation.statistics import (
    Estimate,
    SumStatistic,
    bootstrap,
    clustered_proportion,
    not_estimable,
)
from synthesis.config import StudyMeasuresConfig
from synthesis.study.records import Change, Focus, Measured
from synthesis.training.family_held_out import weighted_median

Floats = NDArray[np.float64]
IMAGE_QUANTITIES = {"mae_suv": "SUV", "psnr_db": "dB", "ssim": ""}
LESION = "lesion:"


@dataclass(frozen=True, slots=True)
class Foci:
    """Acquired and synthetic SUVmax of some foci, one predictor, with their participants."""

    keys: tuple[tuple[str, str], ...]
    acquired: Floats
    synthetic: Floats

    @classmethod
    def of(cls, rows: Iterable[Focus], predictor: str, wanted: Callable[[Focus], bool]) -> Foci:
        """Return the foci of a predictor that are wanted, in a fixed order."""
        own = sorted(
            (r for r in rows if r.predictor == predictor and wanted(r)),
            key=lambda r: (r.participant, r.name),
        )
        return cls(
            tuple((r.participant, r.name) for r in own),
            np.array([r.acquired for r in own]),
            np.array([r.synthetic for r in own]),
        )

    @property
    def people(self) -> list[str]:
        """The participant of each focus."""
        return [participant for participant, _ in self.keys]

    @property
    def shares(self) -> Floats:
        """Synthetic over acquired SUVmax."""
        return self.synthetic / self.acquired

    @property
    def differences(self) -> Floats:
        """Synthetic minus acquired SUVmax."""
        return self.synthetic - self.acquired


def malignant(focus: Focus) -> bool:
    """Whether the reference standard says that it is malignant."""
    return bool(focus.malignant)


def of_lung(focus: Focus) -> bool:
    """Whether it is a lung lesion, malignant or not."""
    return focus.name.startswith(LESION)


def estimates_of(
    measured: Measured, predictor: str, measures: StudyMeasuresConfig
) -> dict[str, Estimate]:
    """Return every estimate of a predictor by name; intervals draw whole participants."""
    found = {
        name: _mean(*_image_values(measured, predictor, name), measures, unit)
        for name, unit in IMAGE_QUANTITIES.items()
    }
    bad = Foci.of(measured.foci, predictor, malignant)
    lung = Foci.of(measured.foci, predictor, of_lung)
    found["recovery"] = _median_share(bad, measures)
    found["recovery_lung"] = _median_share(
        Foci.of(measured.foci, predictor, lambda f: malignant(f) and of_lung(f)), measures
    )
    found["bias_malignant"] = _mean(bad.differences, bad.people, measures, "SUV")
    found["bias_lung"] = _mean(lung.differences, lung.people, measures, "SUV")
    found["ccc_lung"] = lin_ccc(
        lung.acquired, lung.synthetic, subject=lung.people, seed=measures.seed,
        replicates=measures.replicates,
    )  # fmt: skip
    found["missed"] = _missed(bad, measures.focus_suv)
    strays = [s for s in measured.strays if s.predictor == predictor]
    counts = np.array([float(s.count) for s in strays])
    found["strays"] = _mean(counts, [s.participant for s in strays], measures, "per participant")
    return found | _of_changes(measured.changes, predictor, measures.focus_suv)


def differences_to(
    measured: Measured, reference: Measured, predictor: str, measures: StudyMeasuresConfig
) -> dict[str, Estimate]:
    """Return by how much a predictor differs from the reference family's image, in pairs.

    Of the bias it is the difference of the magnitudes: below zero is nearer to no bias.

    Raises
    ------
    ValueError
        When the two were not measured on the same foci of the same participants.
    """
    found = {}
    for name, unit in IMAGE_QUANTITIES.items():
        ours, people = _image_values(measured, predictor, name)
        theirs, others = _image_values(reference, "model", name)
        _require_same(people, others)
        found[name] = _mean(ours - theirs, people, measures, unit)
    ours_foci = Foci.of(measured.foci, predictor, malignant)
    their_foci = Foci.of(reference.foci, "model", malignant)
    _require_same(ours_foci.keys, their_foci.keys)
    found["recovery"] = _median_difference(ours_foci, their_foci, measures)
    found["bias_malignant"] = _magnitude_difference(ours_foci, their_foci, measures)
    lungs = [Foci.of(m.foci, p, of_lung) for m, p in ((measured, predictor), (reference, "model"))]
    found["bias_lung"] = _magnitude_difference(lungs[0], lungs[1], measures)
    return found


def _image_values(measured: Measured, predictor: str, quantity: str) -> tuple[Floats, list[str]]:
    own = sorted(
        (r.participant, r.value)
        for r in measured.rows
        if r.predictor == predictor and r.quantity == quantity
    )
    return np.array([value for _, value in own]), [name for name, _ in own]


def _mean(
    values: Floats, people: Sequence[str], measures: StudyMeasuresConfig, unit: str
) -> Estimate:
    terms = np.stack([np.ones(len(values)), values], axis=1) if len(values) else np.ones((0, 2))
    statistic = SumStatistic(terms, lambda s: s[:, 1] / s[:, 0])
    return bootstrap(
        statistic, list(people), seed=measures.seed, replicates=measures.replicates, unit=unit
    )


def _median_share(foci: Foci, measures: StudyMeasuresConfig) -> Estimate:
    return bootstrap(
        weighted_median(foci.shares), foci.people, seed=measures.seed,
        replicates=measures.replicates, method="percentile",
    )  # fmt: skip


def _median_difference(ours: Foci, theirs: Foci, measures: StudyMeasuresConfig) -> Estimate:
    one, other = weighted_median(ours.shares), weighted_median(theirs.shares)
    return bootstrap(
        lambda weights: one(weights) - other(weights), ours.people, seed=measures.seed,
        replicates=measures.replicates, method="percentile",
    )  # fmt: skip


def _magnitude_difference(ours: Foci, theirs: Foci, measures: StudyMeasuresConfig) -> Estimate:
    terms = np.stack([np.ones(len(ours.keys)), ours.differences, theirs.differences], axis=1)
    statistic = SumStatistic(terms, lambda s: (np.abs(s[:, 1]) - np.abs(s[:, 2])) / s[:, 0])
    return bootstrap(
        statistic, ours.people, seed=measures.seed, replicates=measures.replicates,
        method="percentile", unit="SUV",
    )  # fmt: skip


def _require_same(ours: Sequence[object], theirs: Sequence[object]) -> None:
    if list(ours) != list(theirs):
        raise ValueError("Two families were not measured on the same participants and foci.")


def _missed(foci: Foci, focus_suv: float) -> Estimate:
    avid = foci.acquired >= focus_suv
    return _share([p for p, a in zip(foci.people, avid, strict=True) if a],
                  (foci.synthetic < focus_suv)[avid].tolist())  # fmt: skip


def _of_changes(rows: Iterable[Change], predictor: str, focus_suv: float) -> dict[str, Estimate]:
    """Return how often a focus stays where the CT lost it, and fails to come where it is put."""
    own = [r for r in rows if r.predictor == predictor]
    bare = [r for r in own if r.kind == "removed" and r.acquired_without < focus_suv]
    put = [r for r in own if r.kind == "inserted" and r.acquired_with >= focus_suv]
    return {
        "stayed_when_removed": _share(
            [r.participant for r in bare], [r.synthetic_without >= focus_suv for r in bare]
        ),
        "absent_when_inserted": _share(
            [r.participant for r in put], [r.synthetic_with < focus_suv for r in put]
        ),
    }


def _share(people: Sequence[str], events: Sequence[bool]) -> Estimate:
    """Return the share of events with an interval over participants."""
    if not people:
        return not_estimable("no site")
    names = sorted(set(people))
    happened = [sum(e for p, e in zip(people, events, strict=True) if p == n) for n in names]
    return clustered_proportion(happened, [list(people).count(n) for n in names])
