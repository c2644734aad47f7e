"""Conclusion: what a panel or a report says of nodes and distant metastasis as a whole.

It decides only where the stations and organs that were examined do not.
"""

from studyportal.clinical.rules.fields import (
    NOT_STATED_CODE,
    UNKNOWN,
    Code,
    Field,
    Kind,
    Label,
    Row,
    codes,
    when,
)
from studyportal.clinical.rules.parts import Check, Context, FormDefinition, future_checks

_CONCLUSION = codes(
    ("negative", "no metastasis", "无转移"),
    ("positive", "metastasis", "有转移"),
    ("indeterminate", "cannot be told", "无法判定"),
    ("none", "not concluded", "未下结论"),
)
_BASIS: tuple[Code, ...] = (
    *codes(
        ("panel", "multidisciplinary panel", "多学科会诊"),
        ("report", "pathology report", "病理报告"),
        ("follow_up", "follow-up", "随访"),
    ),
    NOT_STATED_CODE,
)
_CONCLUDED = ("negative", "positive", "indeterminate")

FIELDS = (
    Field("concluded_on", Label("Date of the conclusion", "结论日期"), Kind.PARTIAL_DATE,
          absent=UNKNOWN),
    Field("nodal_conclusion", Label("Lymph nodes, as concluded", "淋巴结结论"), Kind.CHOICE,
          codes=_CONCLUSION),
    Field("nodal_basis", Label("Concluded by", "结论依据"), Kind.CHOICE, codes=_BASIS,
          asked_if=when("nodal_conclusion", *_CONCLUDED)),
    Field("distant_conclusion", Label("Distant metastasis, as concluded", "远处转移结论"),
          Kind.CHOICE, codes=_CONCLUSION),
    Field("distant_basis", Label("Concluded by", "结论依据"), Kind.CHOICE, codes=_BASIS,
          asked_if=when("distant_conclusion", *_CONCLUDED)),
)  # fmt: skip


def _stations_say_otherwise(_unit: str, row: Row, context: Context) -> bool:
    stations = context.others.get("nodes", {})
    positive = any(one.get("result") == "positive" for one in stations.values())
    return positive and row.get("nodal_conclusion") == "negative"


def _organs_say_otherwise(_unit: str, row: Row, context: Context) -> bool:
    organs = context.others.get("distant", {})
    present = any(
        one.get("metastasis") == "present" and one.get("how") != "pet_ct" for one in organs.values()
    )
    return present and row.get("distant_conclusion") == "negative"


def _category_says_otherwise(conclusion: str, letter: str) -> Check:
    zero = letter.upper() + "0"

    def finds(_unit: str, row: Row, context: Context) -> bool:
        staged = context.others.get("staging", {}).get("", {})
        found = staged.get(f"p{letter}") or staged.get(f"c{letter}")
        if not found or found in ("NX", "unknown"):
            return False
        expected = "negative" if found == zero else "positive"
        return row.get(conclusion) in ("negative", "positive") and row[conclusion] != expected

    return Check(f"{letter}_category", conclusion, Label(
        f"The {letter.upper()} category on the form of staging contradicts this. Check both.",
        f"分期表中的 {letter.upper()} 分期与此相矛盾，请核对。"), finds)  # fmt: skip


CONCLUSION = FormDefinition(
    "conclusion",
    Label("Conclusion", "结论"),
    FIELDS,
    expected=False,
    looks_at=("nodes", "distant", "staging"),
    guide=Label(
        "What a panel or a report concluded. It counts only where stations and organs do not decide.",
        "多学科会诊或报告的结论；仅在各站、各器官检查不能判定时采用。",
    ),
    checks=(
        *future_checks(*FIELDS),
        Check("stations", "nodal_conclusion", Label(
            "A station with metastasis is entered, yet the conclusion says that there is none. Check both.",
            "已录入有转移的淋巴结站，但结论为无转移，请核对。"), _stations_say_otherwise),
        Check("organs", "distant_conclusion", Label(
            "An organ with metastasis is entered, yet the conclusion says that there is none. Check both.",
            "已录入有转移的器官，但结论为无转移，请核对。"), _organs_say_otherwise),
        _category_says_otherwise("nodal_conclusion", "n"),
        _category_says_otherwise("distant_conclusion", "m"),
    ),
)  # fmt: skip
