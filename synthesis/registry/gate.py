"""The release gate: what held-out numbers must show before a translation of CT may be released.

It judges the table that every release carries, and knows no torch. The three standing
controls (an empty image, the body's mean, the acquired PET without its lesions) never pass it: each
of them is good at some image number and shows no metabolism.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

ERROR_CONTROLS = {
    "zero": ("GATE-02", "an empty image"),
    "body_mean": ("GATE-03", "the body's mean"),
}

Standing = Literal["met", "not_met", "not_known"]
Table = Mapping[str, Any]

FEWEST_PARTICIPANTS = 5  # held out, with malignant foci
FEWEST_FOCI = 10
# Of SUVmax; each is the other's inverse. Wide, because malignant foci include nodes of normal size and
# marrow that CT does not show: a model may not be asked for uptake that it would have to make up.
LEAST_RECOVERY, MOST_RECOVERY = 0.60, 1.67
# Foci of SUV 2.5 in the lungs where the acquired PET has nothing. A second simulated acquisition of
# the same participants, with other noise, shows none (docs/evidence/synthesis.md), so the whole
# allowance is for the model. Simulated lungs hold one true avid lesion a participant: with 0.25, at
# most one avid focus in five is invented. The upper end keeps luck with few participants out: eight
# without any stray focus are the fewest that reach it.
MOST_STRAYS, MOST_STRAYS_HIGH = 0.25, 0.50
# Lesions that the CT has lost: without them the acquired PET is below SUV 2.5 at every one of the
# sites that count, so here too nothing but the model can show a focus.
MOST_STAYED = 0.10
FEWEST_REMOVED, FEWEST_REMOVED_PARTICIPANTS = 10, 5


@dataclass(frozen=True, slots=True)
class Criterion:
    """One requirement and how a model stands to it.

    Attributes
    ----------
    sentence
        What is required, for people.
    shown
        The figures that decided, for people; what is missing where the standing is not known.
    """

    id: str
    sentence: str
    standing: Standing
    shown: str


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """Every criterion with its standing; missing figures never pass."""

    criteria: tuple[Criterion, ...]

    @property
    def passed(self) -> bool:
        """Whether every criterion is met."""
        return all(criterion.standing == "met" for criterion in self.criteria)

    @property
    def reasons(self) -> tuple[Criterion, ...]:
        """The criteria that are not met, or not known to be."""
        return tuple(c for c in self.criteria if c.standing != "met")


@dataclass(frozen=True, slots=True)
class _Bounds:
    """A value and its 95 % interval; NaN where the table does not say."""

    value: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        return all(math.isfinite(v) for v in (self.value, self.low, self.high))

    def words(self, digits: int) -> str:
        return f"{self.value:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"


def release_gate(metrics: Table, predictor: str = "model") -> GateVerdict:
    """Judge a predictor by its held-out table.

    Parameters
    ----------
    metrics
        `[metrics]` of a release: `images` and `lesions` by predictor, with the three
        controls beside it. MAE in SUV inside the body, clipped to 0-20; recovery is synthetic over
        acquired SUVmax of malignant foci, as a median over them. `hallucination` has stray foci in
        the lungs a participant and the share of lesions that stay when they are taken out of the
        CT; `simulated` says whether the held-out participants could be painted again without them.
    predictor
        `model`, or `mean_of_samples`, or a control (which fails).

    Returns
    -------
    GateVerdict
        Seven criteria; six where the held-out participants were acquired, for their CT cannot be
        painted again. Twins and fusion images have no such table: nothing is known of them, so they
        do not pass.
    """
    own = _recovery(metrics, predictor)
    criteria = [
        _enough(metrics, predictor),
        _below(metrics, predictor, "zero"),
        _below(metrics, predictor, "body_mean"),
        _above_erased(own, _recovery(metrics, "lesions_erased")),
        _near_one(own),
        _few_strays(metrics, predictor),
    ]
    if metrics.get("simulated") is not False:
        criteria.append(_follows_removal(metrics, predictor))
    return GateVerdict(tuple(criteria))


def _enough(metrics: Table, predictor: str) -> Criterion:
    row = _row(metrics, "lesions", predictor)
    foci, people = row.get("lesions"), row.get("participants")
    sentence = (
        f"At least {FEWEST_FOCI} malignant foci of at least {FEWEST_PARTICIPANTS} held-out "
        "participants were measured."
    )
    if not isinstance(foci, int) or not isinstance(people, int):
        return Criterion("GATE-01", sentence, "not_known", "The table counts no foci.")
    enough = foci >= FEWEST_FOCI and people >= FEWEST_PARTICIPANTS
    shown = f"{foci} foci of {people} participants"
    return Criterion("GATE-01", sentence, _standing(met=enough), shown)


def _below(metrics: Table, predictor: str, control: str) -> Criterion:
    """Compare intervals, not means: they must not touch."""
    name, words = ERROR_CONTROLS[control]
    ours = _bounds(_row(metrics, "images", predictor), "mae_suv")
    theirs = _bounds(_row(metrics, "images", control), "mae_suv")
    sentence = f"The error inside the body is below that of {words}; the intervals do not touch."
    if not (ours.known and theirs.known):
        return Criterion(name, sentence, "not_known", "A mean or its interval is missing.")
    shown = f"{ours.words(3)} against {theirs.words(3)} SUV"
    return Criterion(name, sentence, _standing(met=ours.high < theirs.low), shown)


def _above_erased(ours: _Bounds, erased: _Bounds) -> Criterion:
    sentence = (
        "Malignant foci keep more of their SUVmax than in the acquired PET with its lesions "
        "erased; the intervals do not touch."
    )
    if not (ours.known and erased.known):
        return Criterion("GATE-04", sentence, "not_known", "A median or its interval is missing.")
    shown = f"{ours.words(2)} against {erased.words(2)}"
    return Criterion("GATE-04", sentence, _standing(met=ours.low > erased.high), shown)


def _near_one(ours: _Bounds) -> Criterion:
    sentence = (
        f"The median recovery of SUVmax lies between {LEAST_RECOVERY:.2f} and {MOST_RECOVERY:.2f}."
    )
    if not math.isfinite(ours.value):
        return Criterion("GATE-05", sentence, "not_known", "The median is missing.")
    near = LEAST_RECOVERY <= ours.value <= MOST_RECOVERY
    return Criterion("GATE-05", sentence, _standing(met=near), f"{ours.value:.2f}")


def _few_strays(metrics: Table, predictor: str) -> Criterion:
    sentence = (
        "Foci of SUV 2.5 in the lungs where the acquired PET has none: at most "
        f"{MOST_STRAYS:.2f} a participant, and by the upper end of the interval at most "
        f"{MOST_STRAYS_HIGH:.2f}."
    )
    ours = _bounds(_row(metrics, "hallucination", predictor), "stray_foci")
    if not ours.known:
        return Criterion("GATE-06", sentence, "not_known", "Stray foci were not counted.")
    few = ours.value <= MOST_STRAYS and ours.high <= MOST_STRAYS_HIGH
    return Criterion("GATE-06", sentence, _standing(met=few), f"{ours.words(2)} a participant")


def _follows_removal(metrics: Table, predictor: str) -> Criterion:
    row = _row(metrics, "hallucination", predictor)
    sites, people = row.get("removed_foci"), row.get("removed_participants")
    stayed = _number(row.get("removed_focus_stayed"))
    sentence = (
        f"Of lesions taken out of the CT at most {100 * MOST_STAYED:.0f} % stay in the PET, among "
        f"at least {FEWEST_REMOVED} of {FEWEST_REMOVED_PARTICIPANTS} held-out participants."
    )
    if not isinstance(sites, int) or not isinstance(people, int) or not math.isfinite(stayed):
        missing = "No lesion was taken out of the CT to see whether its uptake goes."
        return Criterion("GATE-07", sentence, "not_known", missing)
    enough = sites >= FEWEST_REMOVED and people >= FEWEST_REMOVED_PARTICIPANTS
    shown = f"{100 * stayed:.0f} % of {sites} lesions of {people} participants"
    return Criterion("GATE-07", sentence, _standing(met=enough and stayed <= MOST_STAYED), shown)


def _standing(*, met: bool) -> Standing:
    return "met" if met else "not_met"


def _recovery(metrics: Table, predictor: str) -> _Bounds:
    return _bounds(_row(metrics, "lesions", predictor), "median_recovery")


def _bounds(row: Table, name: str) -> _Bounds:
    value, low, high = (_number(row.get(f"{name}{end}")) for end in ("", "_low", "_high"))
    return _Bounds(value, low, high)


def _row(metrics: Table, kind: str, predictor: str) -> Table:
    """Return a row of the table; an empty one where there is none (twins)."""
    table = metrics.get(kind)
    row = table.get(predictor) if isinstance(table, Mapping) else None
    return row if isinstance(row, Mapping) else {}


def _number(value: object) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number else math.nan  # type: ignore[arg-type] # it is a number
