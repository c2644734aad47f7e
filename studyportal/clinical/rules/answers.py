"""Reads what was typed into answers, writes answers as text, and judges a form.

It finds what cannot be, what is missing, what contradicts and what is unusual, each as a sentence in both languages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from studyportal.clinical.rules.fields import ABSENT_LABELS, Absent, Field, Kind, Label, Row, Value
from studyportal.clinical.rules.partial_dates import PartialDate, read_partial
from studyportal.clinical.rules.parts import Context, FormDefinition, Rows

# Other ways in which people write that there is no value.
_ABSENT_WORDS: Mapping[str, Absent] = {
    "not_done": Absent.NOT_DONE,
    "not done": Absent.NOT_DONE,
    "nd": Absent.NOT_DONE,
    "未做": Absent.NOT_DONE,
    "unknown": Absent.UNKNOWN,
    "unk": Absent.UNKNOWN,
    "uk": Absent.UNKNOWN,
    "不详": Absent.UNKNOWN,
    "未知": Absent.UNKNOWN,
}


class Unreadable(ValueError):
    """What was typed cannot be an answer to this question; says why."""

    def __init__(self, why: Label) -> None:
        self.why = why
        super().__init__(why.en)


class Nature(StrEnum):
    """What kind of finding it is. All but the last two stand in the way of a complete form."""

    UNREADABLE = "unreadable"
    MISSING = "missing"
    HARD = "hard"
    SOFT = "soft"
    UNUSUAL = "unusual"


@dataclass(frozen=True)
class Found:
    """One finding at one field of one row."""

    id: str
    nature: Nature
    unit: str
    field: str
    text: Label
    evidence: str = ""

    @property
    def stands_in_the_way(self) -> bool:
        """Whether the form cannot be completed with it."""
        return self.nature in (Nature.UNREADABLE, Nature.MISSING, Nature.HARD)


def written(value: Value) -> str:
    """The answer as text, as it is stored, exported and compared; empty where there is none."""
    return "" if value is None else str(value)


def read(field: Field, text: str) -> Value:
    """The answer that this text stands for; None when it is empty.

    Raises
    ------
    Unreadable
        When it cannot be an answer to this question.
    """
    text = text.strip()
    if not text:
        return None
    if field.kind is not Kind.CHOICE and text.lower() in _ABSENT_WORDS and field.absent:
        return _absent(field, _ABSENT_WORDS[text.lower()])
    return _READERS[field.kind](field, text)


def _absent(field: Field, value: Absent) -> Absent:
    if value not in field.absent:
        word = ABSENT_LABELS[value]
        raise Unreadable(
            Label(
                f"{field.label.en} cannot be answered “{word.en}”.",
                f"{field.label.zh}不能答“{word.zh}”。",
            )
        )
    return value


def _choice(field: Field, text: str) -> str:
    for code in field.codes:
        if text in (code.value, code.label.en, code.label.zh) or text.lower() == code.value.lower():
            return code.value
    choices = ", ".join(field.values)
    raise Unreadable(
        Label(f"“{text}” is not one of: {choices}.", f"“{text}”不在以下选项中：{choices}。")
    )


def _number(field: Field, text: str) -> Decimal:
    try:
        value = Decimal(text.replace("，", ".").replace(",", "."))
    except InvalidOperation as error:
        raise Unreadable(
            Label(
                f"“{text}” is not a number. Write it without the unit.",
                f"“{text}”不是数字，请勿写单位。",
            )
        ) from error
    if not value.is_finite():
        raise Unreadable(Label(f"“{text}” is not a number.", f"“{text}”不是数字。"))
    _in_range(field, value)
    exponent = value.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > field.decimals:
        raise Unreadable(_too_many_decimals(field))
    return value.quantize(Decimal(1).scaleb(-field.decimals))


def _in_range(field: Field, value: Decimal) -> None:
    low, high = field.low, field.high
    if (low is None or value >= Decimal(str(low))) and (
        high is None or value <= Decimal(str(high))
    ):
        return
    highest = f"{high:g} {field.unit}" if field.unit else f"{high:g}"
    raise Unreadable(
        Label(
            f"{field.label.en} must lie between {low:g} and {highest}.",
            f"{field.label.zh}须在 {low:g} 至 {highest} 之间。",
        )
    )


def _too_many_decimals(field: Field) -> Label:
    if not field.decimals:
        return Label(f"{field.label.en} is a whole number.", f"{field.label.zh}须为整数。")
    return Label(
        f"{field.label.en} has at most {field.decimals} decimal.",
        f"{field.label.zh}最多 {field.decimals} 位小数。",
    )


def _whole(field: Field, text: str) -> int:
    return int(_number(field, text))


def _date(field: Field, text: str) -> PartialDate:
    try:
        value = read_partial(text)
    except ValueError as error:
        raise Unreadable(
            Label(f"“{text}” is not a date as 2026-01-31.", f"“{text}”不是 2026-01-31 形式的日期。")
        ) from error
    if field.kind is Kind.DATE and not value.is_whole:
        raise Unreadable(
            Label(f"{field.label.en} needs year, month and day.", f"{field.label.zh}须含年月日。")
        )
    return value


def _text(field: Field, text: str) -> str:
    if "\x00" in text or len(text) > field.longest:
        raise Unreadable(
            Label(
                f"{field.label.en} has at most {field.longest} characters.",
                f"{field.label.zh}最多 {field.longest} 字。",
            )
        )
    return text


_READERS: Mapping[Kind, Callable[[Field, str], Value]] = {
    Kind.CHOICE: _choice,
    Kind.WHOLE: _whole,
    Kind.DECIMAL: _number,
    Kind.DATE: _date,
    Kind.PARTIAL_DATE: _date,
    Kind.TEXT: _text,
}


def judge(form: FormDefinition, rows: Mapping[str, Row], context: Context) -> list[Found]:
    """Everything that a form's rows leave open or contradict, row by row, in the order of the fields."""
    found = [one for unit, row in rows.items() for one in _judge_row(form, unit, row, context)]
    if form.rows is not Rows.ONE and not rows:
        found.append(Found("no_row", Nature.MISSING, "", "", Label(
            "There is no row yet.", "尚无任何一行。")))  # fmt: skip
    return found


def _judge_row(form: FormDefinition, unit: str, row: Row, context: Context) -> Iterable[Found]:
    for field in form.entered:
        value = row.get(field.name)
        if not field.is_asked(row):
            continue
        if value is None or value == "":
            if field.required:
                yield Found("missing", Nature.MISSING, unit, field.name, Label(
                    f"{field.label.en} is not answered.", f"{field.label.zh}未填写。"))  # fmt: skip
        elif _is_unusual(field, value):
            yield _unusual(field, unit, value)
    for check in form.checks:
        if check.finds(unit, row, context):
            nature = Nature.HARD if check.hard else Nature.SOFT
            evidence = written(row.get(check.field))
            yield Found(check.id, nature, unit, check.field, check.sentence, evidence)


def _is_unusual(field: Field, value: Value) -> bool:
    if field.expected is None or not isinstance(value, (int, Decimal)):
        return False
    low, high = field.expected
    return not low <= float(value) <= high


def _unusual(field: Field, unit: str, value: Value) -> Found:
    shown = f"{written(value)} {field.unit}".strip()
    text = Label(
        f"{field.label.en} {shown} is unusual. Check it, or say that it is right.",
        f"{field.label.zh} {shown} 不常见，请核对，或说明无误。",
    )
    return Found("unusual", Nature.UNUSUAL, unit, field.name, text, written(value))
