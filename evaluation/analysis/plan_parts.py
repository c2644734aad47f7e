"""The parts of a plan that say who, what and against what: sets, endpoints, conditions, tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise


@dataclass(frozen=True)
class BodyMask:
    """How the body is outlined on the CT."""

    threshold_hu: float
    largest_component: bool = True
    fill_holes: bool = True


@dataclass(frozen=True)
class ImageRecipe:
    """What image similarity is measured with; the data range is never guessed."""

    data_range_suv: float
    body_mask: BodyMask
    sensitivity_data_range_suv: float | None = None
    proposal: bool = False


@dataclass(frozen=True)
class Minimum:
    """Numbers below which an estimate is withheld, with the reason."""

    participants: int = 3
    positives: int = 2
    negatives: int = 2
    cell: int = 5
    proposal: bool = False


@dataclass(frozen=True)
class ParticipantColumn:
    """A column that the participants table may have besides the fixed ones.

    ``kind`` is ``number``, ``category`` or ``flag``; a table without it is no error, what needs it
    says so.
    """

    name: str
    kind: str
    title: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Limit:
    """Bounds of a numeric column for membership in an analysis set."""

    column: str
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class AnalysisSet:
    """Participants for whom ``requires`` is true, ``excludes`` is not, and the limits are kept.

    ``unknown`` says what becomes of a participant of whom a column that is not fixed is not known:
    ``kept`` or ``left_out``.
    """

    id: str
    text: str
    requires: tuple[str, ...]
    excludes: tuple[str, ...] = ()
    limit: tuple[Limit, ...] = ()
    unknown: str = "kept"
    proposal: bool = False


@dataclass(frozen=True)
class PrimaryEndpoint:
    """Image similarity (one value per pair) or agreement (synthetic against reference)."""

    id: str
    kind: str
    title: str
    quantities: tuple[str, ...]
    region: str
    unit: str
    analysis_set: str
    each_region: bool = False
    acceptance_percent: float | None = None
    proposal: bool = False


@dataclass(frozen=True)
class ConditionUnit:
    """A unit in which a target condition is judged, and which regions belong to it."""

    id: str
    region: str = ""
    unmarked: str = "missing"
    not_estimable: str = ""


@dataclass(frozen=True)
class TargetCondition:
    """A secondary endpoint: the condition that index tests look for."""

    id: str
    title: str
    analysis_set: str
    unit: tuple[ConditionUnit, ...]


@dataclass(frozen=True)
class IndexTest:
    """An index test with cut-offs that were locked, on a date, before the outcome was seen.

    ``kind`` is ``quantity`` (a number measured on an image, at a cut-off), ``scores`` (readers) or
    ``classifier``; ``sha256`` names the very definition or classifier that was locked.
    """

    id: str
    title: str
    kind: str
    arm: str
    cutoff: Mapping[str, float]
    locked_on: date | None = None
    image: str = ""
    quantity: str = ""
    comparator: bool = False
    reads_synthetic: bool = False
    sha256: str = ""
    proposal: bool = False


@dataclass(frozen=True)
class AnalysisPoint:
    """A moment at which two people open results, and what is shown from then on.

    A ``final`` point shows everything. A ``quality`` look shows the families it names, and of these
    only what speaks of no index test and of no target condition, so neither arm nor outcome;
    ``reference`` stands for the counts of reference verdicts over all arms.
    """

    id: str
    title: str
    kind: str
    shows: tuple[str, ...] = ()
    proposal: bool = False


@dataclass(frozen=True)
class Contrast:
    """Two index tests compared on the same units; with a margin also for non-inferiority."""

    test: str
    against: str
    non_inferiority_margin: float | None = None
    proposal: bool = False


@dataclass(frozen=True)
class Subgroup:
    """Participants split by a column: by named levels, or by cuts of a number."""

    id: str
    title: str
    column: str
    level: tuple[str, ...] = ()
    cut: tuple[float, ...] = ()
    proposal: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The levels in words: named ones as they are, cuts as ``<65`` and ``65+``."""
        if not self.cut:
            return self.level
        inner = [f"{a:g}-<{b:g}" for a, b in pairwise(self.cut)]
        return (f"<{self.cut[0]:g}", *inner, f"{self.cut[-1]:g}+")


@dataclass(frozen=True)
class BaselineVariable:
    """A column of the participants table that the baseline table shows."""

    column: str
    title: str
    kind: str
    unit: str = ""
