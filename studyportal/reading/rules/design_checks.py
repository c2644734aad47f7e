"""What a design must be beyond its shape: possible numbers, arms, questions and cases."""

from collections.abc import Sequence

from studyportal.clinical.rules import TargetCondition, Unit, unit_fault
from studyportal.reading.rules.design import Design, Kind, Lesions, Plan, Question, Scale
from studyportal.reading.states import Layer

_PLANES = ("axial", "coronal", "sagittal")
_CT_WINDOWS, _PET_SCALES = ("lung", "mediastinum", "bone"), ("suv7", "suv20")
_LONGEST_ARM = 20
_UNITS = tuple(str(unit) for unit in Unit)


def design_faults(design: Design) -> list[str]:
    return [
        *_number_faults(design),
        *_arm_faults(design),
        *_sampling_faults(design),
        *(fault for one in design.questions for fault in _question_faults(one, design)),
        *_unique("question", [one.id for one in design.questions]),
        *_index_faults(design.questions),
        *_name_faults(design),
        *_attention_faults(design),
        *(_turing_faults(design) if design.kind == Kind.TURING else ()),
    ]


def _number_faults(design: Design) -> list[str]:
    bounds = (
        ("seed", design.seed, 0, 2**31 - 1),
        ("washout_days", design.washout_days, 0, 365),
        ("block_size", design.block_size, 1, 200),
        ("repeats", design.repeats, 0, design.sampling.cases),
        ("groups", design.groups, 1, 20),
        ("score_gap", design.score_gap, 0, 100),
    )
    faults = [
        f"{name} must lie between {low} and {high}."
        for name, value, low, high in bounds
        if not low <= value <= high
    ]
    if design.plan == Plan.SPLIT_PLOT and design.groups < 2:
        faults.append("A split-plot design needs at least two groups of readers.")
    if design.plan == Plan.CROSSED and design.groups != 1:
        faults.append("A crossed design has one group of readers.")
    return faults


def _arm_faults(design: Design) -> list[str]:
    faults = _unique("arm", [arm.code for arm in design.arms])
    if not design.arms:
        faults.append("A session needs an arm.")
    for arm in design.arms:
        if not arm.shows or len(set(arm.shows)) != len(arm.shows):
            faults.append(f"Arm {arm.code} must show something, each image once.")
        hung = ((arm.plane, _PLANES), (arm.ct_window, _CT_WINDOWS), (arm.pet_scale, _PET_SCALES))
        for word, words in hung:
            if word not in words:
                faults.append(f"Arm {arm.code}: {word} is none of {', '.join(words)}.")
        both = {Layer.PET, Layer.SYNTHETIC} <= set(arm.shows)
        if both and design.kind == Kind.DIAGNOSTIC:
            faults.append(f"Arm {arm.code} shows one PET, not two.")
    return faults


def _sampling_faults(design: Design) -> list[str]:
    drawn, faults = design.sampling, []
    if drawn.cases < 1 or drawn.practice < 0:
        faults.append("sampling: at least one case, and no negative number of practice cases.")
    if drawn.positive_share is None:
        return faults
    if not 0 < drawn.positive_share < 1:
        faults.append("sampling: positive_share lies between 0 and 1.")
    if drawn.condition not in set(TargetCondition) or drawn.unit not in set(Unit):
        faults.append("sampling: enrichment needs a target condition and a unit.")
    return faults


def _question_faults(question: Question, design: Design) -> list[str]:
    faults = []
    if not question.id.isidentifier():
        faults.append(f"The id {question.id} of a question must be one word.")
    if question.unit not in _UNITS:
        faults.append(f"Question {question.id}: {question.unit} is no unit.")
        return faults
    if question.condition:
        faults += _condition_faults(question)
    if question.unit == Unit.LESION and design.lesions == Lesions.NONE:
        faults.append(f"Question {question.id} asks about lesions, and the session has none.")
    if question.scale == Scale.ORIGIN and design.kind != Kind.TURING:
        faults.append(f"Question {question.id} belongs into a visual Turing test.")
    return faults


def _condition_faults(question: Question) -> list[str]:
    if question.condition not in set(TargetCondition) or question.unit not in set(Unit):
        return [f"Question {question.id}: the target condition or its unit is unknown."]
    sample = {Unit.LESION: "1", Unit.STATION: "7", Unit.PARTICIPANT: ""}[Unit(question.unit)]
    fault = unit_fault(TargetCondition(question.condition), Unit(question.unit), sample)
    faults = [f"Question {question.id}: {fault}"] if fault else []
    needs = question.scale in (Scale.FIVE, Scale.HUNDRED)
    if needs and question.positive_from is None:
        faults.append(f"Question {question.id} needs the score from which on it is positive.")
    return faults


def _index_faults(questions: Sequence[Question]) -> list[str]:
    """One score per condition, unit and test, on a scale that has one."""
    asked = [one for one in questions if one.index]
    faults = [
        f"Question {one.id} is no index test: it needs a target condition and a scale with scores."
        for one in asked
        if not one.condition or one.scale not in (Scale.FIVE, Scale.HUNDRED, Scale.YES_NO)
    ]
    for one in questions:
        scored = one.index and one.scale == Scale.YES_NO
        if scored and (one.yes is None or one.no is None or one.yes <= one.no):
            faults.append(f"Question {one.id} needs the scores that yes and no stand for.")
        if not scored and (one.yes is not None or one.no is not None):
            faults.append(
                f"Question {one.id} is no index test by yes and no, so these have no scores."
            )
        if one.test and not (one.index and one.test.isidentifier()):
            faults.append(f"Question {one.id}: only an index test has a name, and it is one word.")
    names = [f"{one.condition}/{one.unit}{one.test and f'/{one.test}'}" for one in asked]
    return faults + _unique("index test", names)


def _name_faults(design: Design) -> list[str]:
    """Names of index tests fit where outcomes keep them, and no two arms come to the same one."""
    tests = sorted({one.test for one in design.questions if one.test})
    names = [f"{arm.code}_{test}" for arm in design.arms for test in tests]
    return [
        *_unique("test", [*names, *(arm.code for arm in design.arms if tests)]),
        *(f"The name {name} has more than {_LONGEST_ARM} letters." for name in names if len(name) > _LONGEST_ARM),
    ]  # fmt: skip


def _attention_faults(design: Design) -> list[str]:
    asked = {question.id for question in design.questions}
    return [
        f"Attention case {one.participant}: {one.question} is no question of this session."
        for one in design.attention
        if one.question not in asked
    ]


def _turing_faults(design: Design) -> list[str]:
    faults = []
    shows = sorted(tuple(sorted(arm.shows)) for arm in design.arms)
    if shows != [(Layer.PET,), (Layer.SYNTHETIC,)]:
        faults.append("A visual Turing test has two arms: one shows the PET, one the synthetic.")
    if sum(question.scale == Scale.ORIGIN for question in design.questions) != 1:
        faults.append("A visual Turing test asks once whether the image is real or synthetic.")
    if design.sampling.cases % 2:
        faults.append("A visual Turing test needs an even number of cases.")
    return faults


def _unique(what: str, names: list[str]) -> list[str]:
    return [
        f"{what} {name} stands there twice." for name in sorted(set(names)) if names.count(name) > 1
    ]
