"""Follow-up: filled in again at every contact."""

from studyportal.clinical.rules.fields import (
    NOT_DONE_CODE,
    NOT_DONE_OR_UNKNOWN,
    UNKNOWN,
    UNKNOWN_CODE,
    YES,
    YES_NO_UNKNOWN,
    Field,
    Kind,
    Label,
    Row,
    codes,
    when,
)
from studyportal.clinical.rules.partial_dates import PartialDate
from studyportal.clinical.rules.parts import (
    Check,
    Context,
    FormDefinition,
    before,
    future_checks,
)

FIELDS = (
    Field("contact_on", Label("Date of the contact", "随访日期"), Kind.DATE),
    Field("vital_status", Label("Vital status", "生存状态"), Kind.CHOICE, codes=codes(
        ("alive", "alive", "存活"), ("dead", "dead", "死亡"),
        ("lost", "could not be reached", "失访"))),
    Field("died_on", Label("Date of death", "死亡日期"), Kind.PARTIAL_DATE, absent=UNKNOWN,
          asked_if=when("vital_status", "dead")),
    Field("death_cause", Label("Cause of death", "死因"), Kind.CHOICE,
          asked_if=when("vital_status", "dead"), codes=(*codes(
        ("lung_cancer", "lung cancer", "肺癌"), ("treatment", "its treatment", "治疗相关"),
        ("other_cancer", "another cancer", "其他肿瘤"), ("other", "something else", "其他")),
        UNKNOWN_CODE)),
    Field("imaged_on", Label("Latest imaging of chest and abdomen", "最近一次胸腹影像日期"),
          Kind.PARTIAL_DATE, absent=NOT_DONE_OR_UNKNOWN,
          asked_if=when("vital_status", "alive", "dead")),
    Field("progression", Label("Progression or recurrence", "进展或复发"), Kind.CHOICE,
          asked_if=when("vital_status", "alive", "dead"), codes=(*YES_NO_UNKNOWN, NOT_DONE_CODE)),
    Field("progressed_on", Label("Date of progression", "进展日期"), Kind.PARTIAL_DATE,
          absent=UNKNOWN, asked_if=when("progression", YES)),
    Field("progression_where", Label("Where", "部位"), Kind.CHOICE,
          asked_if=when("progression", YES), codes=(*codes(
        ("local", "lung or its bed", "肺或手术野"), ("nodal", "regional nodes", "区域淋巴结"),
        ("distant", "distant", "远处"), ("several", "several of these", "多处")), UNKNOWN_CODE)),
)  # fmt: skip


def _contact_after_death(_unit: str, row: Row, context: Context) -> bool:
    """A later visit than the one that told of a death says that the participant lives."""
    own = row.get("contact_on")
    for name, other in context.others.get("follow_up", {}).items():
        died = other.get("died_on")
        if name == str(context.occurrence) or row.get("vital_status") != "alive":
            continue
        if (
            isinstance(died, PartialDate)
            and isinstance(own, PartialDate)
            and own.surely_after(died)
        ):
            return True
    return False


def _before_screening(_unit: str, row: Row, context: Context) -> bool:
    contact = row.get("contact_on")
    return (
        isinstance(contact, PartialDate)
        and context.screening_date is not None
        and contact.surely_before(context.screening_date)
    )


FOLLOW_UP = FormDefinition(
    "follow_up",
    Label("Follow-up", "随访"),
    FIELDS,
    repeats=True,
    looks_at=("follow_up",),
    row_label=Label("Visit", "随访"),
    checks=(
        *future_checks(*FIELDS),
        Check("before_screening", "contact_on", Label(
            "The contact lies before the screening.", "随访日期早于筛选。"),
            _before_screening, hard=True),
        Check("dead_after_contact", "died_on", Label(
            "The death lies after the contact that tells of it.", "死亡日期晚于得知死亡的随访。"),
            before("died_on", "contact_on"), hard=True),
        Check("progressed_after_contact", "progressed_on", Label(
            "The progression lies after the contact that tells of it.", "进展日期晚于随访日期。"),
            before("progressed_on", "contact_on"), hard=True),
        Check("alive_after_death", "vital_status", Label(
            "Another follow-up says that the participant had died by then. Check both.",
            "另一次随访记录此前已死亡，请核对。"), _contact_after_death),
    ),
)  # fmt: skip
