"""The design of a reading session as data."""

from dataclasses import dataclass
from enum import StrEnum

from studyportal.reading.states import Layer


class Kind(StrEnum):
    DIAGNOSTIC = "diagnostic"
    TURING = "turing"


class Plan(StrEnum):
    """Crossed: every reader reads every case in every arm. Split-plot: each group of readers its own cases."""

    CROSSED = "crossed"
    SPLIT_PLOT = "split_plot"


class Scale(StrEnum):
    FIVE = "1-5"
    HUNDRED = "0-100"
    YES_NO = "yes_no"
    ORIGIN = "origin"  # real or synthetic; left or right where two are shown
    SITES = "sites"  # distant sites that are involved


class Lesions(StrEnum):
    """Numbered on the image from the outlines, marked by the reader, or not asked about."""

    NUMBERED = "numbered"
    MARKED = "marked"
    NONE = "none"


class Showing(StrEnum):
    SINGLE = "single"
    SIDE_BY_SIDE = "side_by_side"


class DesignRefused(ValueError):
    """The file is no design of a session. Carries every fault found."""

    def __init__(self, *faults: str) -> None:
        self.faults = faults
        super().__init__(" ".join(faults))


@dataclass(frozen=True)
class Question:
    """What a reader answers: on which unit, on which scale, from which score on the answer counts as positive.

    The answers to a question with `index` are the scores of the reader's index test for its condition and unit;
    of one that is answered by yes or no, `yes` and `no` are those scores. With `test` they are those of a test of
    their own, such as the reader's call beside the score.
    """

    id: str
    unit: str
    scale: Scale
    condition: str
    positive_from: float | None
    required: bool
    text: str
    text_zh: str
    index: bool = False
    yes: float | None = None
    no: float | None = None
    test: str = ""

    def arm_of_test(self, arm: str) -> str:
        """The arm as the index test names it: `reader_` and this is the test of the analysis plan."""
        return f"{arm}_{self.test}" if self.test else arm


@dataclass(frozen=True)
class ArmPlan:
    """What is seen in one arm; `planes` and `window` are how its pictures hang when a case opens."""

    code: str
    shows: tuple[Layer, ...]
    plane: str
    ct_window: str
    pet_scale: str


@dataclass(frozen=True)
class Sampling:
    """How cases are drawn; `positive_share` enriches by the reference standard, without it cases come as found."""

    cases: int
    practice: int
    positive_share: float | None
    condition: str
    unit: str


@dataclass(frozen=True)
class AttentionCase:
    """A case whose answer is plain, with the answer that an attentive reader gives."""

    participant: str
    question: str
    unit_id: str
    expected: str


@dataclass(frozen=True)
class Design:
    kind: Kind
    plan: Plan
    seed: int
    washout_days: int
    block_size: int
    repeats: int
    groups: int
    showing: Showing
    lesions: Lesions
    score_gap: float
    sampling: Sampling
    arms: tuple[ArmPlan, ...]
    questions: tuple[Question, ...]
    attention: tuple[AttentionCase, ...]

    def question(self, question_id: str) -> Question:
        """The question with this id."""
        return next(one for one in self.questions if one.id == question_id)

    def arm(self, code: str) -> ArmPlan:
        """The arm with this code."""
        return next(one for one in self.arms if one.code == code)

    @property
    def layers(self) -> frozenset[Layer]:
        """Every image that some arm shows."""
        return frozenset(layer for arm in self.arms for layer in arm.shows)


STATION_ORDER = (
    "1R", "1L", "2R", "2L", "3A", "3P", "4R", "4L", "5", "6", "7", "8", "9",
    "10R", "10L", "11R", "11L", "12R", "12L", "13R", "13L", "14R", "14L",
)  # fmt: skip
DISTANT_SITES = (
    "contralateral_lung", "pleura", "adrenal", "liver", "bone", "brain", "distant_node", "other",
)  # fmt: skip
