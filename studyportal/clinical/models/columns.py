"""Columns and constraints that follow from the definition of a form: what it says cannot be, the database refuses."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import CheckConstraint, Q

from studyportal.clinical.rules import Field, FormDefinition, Kind, Rows

_EMPTY_TEXT = frozenset({Kind.CHOICE, Kind.PARTIAL_DATE, Kind.TEXT})
_PARTIAL_DATE = r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$"
_NUMBERED = r"^[1-9][0-9]{0,2}$"


def absent_column(field: Field) -> str:
    """The column that says why there is no value."""
    return f"{field.name}_absent"


def columns_of(form: FormDefinition) -> dict[str, models.Field[Any, Any]]:
    """A typed column for each field, and beside it why there is no value, where the form knows such an answer."""
    columns: dict[str, models.Field[Any, Any]] = {}
    for field in form.fields:
        columns[field.name] = _column(field)
        if field.absent:
            columns[absent_column(field)] = models.CharField(
                max_length=8,
                blank=True,
                default="",
                choices=[(word.value, word.value) for word in sorted(field.absent)],
                help_text=f"Why there is no answer to “{field.label.en}”",
            )
    return columns


def _column(field: Field) -> models.Field[Any, Any]:
    words = field.label.en + (f" ({field.unit})" if field.unit else "")
    match field.kind:
        case Kind.CHOICE:
            return models.CharField(
                max_length=max(len(value) for value in field.values),
                blank=True,
                default="",
                choices=[(code.value, code.label.en) for code in field.codes],
                help_text=words,
            )
        case Kind.WHOLE:
            return models.PositiveSmallIntegerField(null=True, blank=True, help_text=words)
        case Kind.DECIMAL:
            digits = len(str(int(field.high or 0))) + field.decimals
            return models.DecimalField(
                max_digits=digits,
                decimal_places=field.decimals,
                null=True,
                blank=True,
                help_text=words,
            )
        case Kind.DATE:
            return models.DateField(null=True, blank=True, help_text=words)
        case Kind.PARTIAL_DATE:
            return models.CharField(
                max_length=10,
                blank=True,
                default="",
                help_text=f"{words}, year, year and month, or day",
            )
        case Kind.TEXT:
            return models.CharField(
                max_length=field.longest, blank=True, default="", help_text=words
            )


def constraints_of(form: FormDefinition) -> list[CheckConstraint | models.UniqueConstraint]:
    """Codes, ranges, forms of dates, either a value or why there is none, and nothing where nothing is asked."""
    found: list[CheckConstraint | models.UniqueConstraint] = [
        models.UniqueConstraint(fields=("form", "unit"), name=f"crf_{form.key}_row_once"),
        CheckConstraint(condition=_unit(form), name=f"crf_{form.key}_row_named"),
    ]
    for field in form.fields:
        checks = {
            "answer": _answer(field),
            "absent": _either(field),
            "asked": _asked(field),
        }
        found += [
            CheckConstraint(condition=condition, name=f"crf_{form.key}_{field.name}_{what}")
            for what, condition in checks.items()
            if condition is not None
        ]
    return found


def _unit(form: FormDefinition) -> Q:
    if form.rows is Rows.ONE:
        return Q(unit="")
    if form.rows is Rows.NAMED:
        return Q(unit__in=[code.value for code in form.units])
    return Q(unit__regex=_NUMBERED)


def _answer(field: Field) -> Q | None:
    if field.kind is Kind.CHOICE:
        return Q(**{f"{field.name}__in": ["", *field.values]})
    if field.kind is Kind.PARTIAL_DATE:
        return Q(**{field.name: ""}) | Q(**{f"{field.name}__regex": _PARTIAL_DATE})
    if field.low is not None and field.high is not None:
        return Q(**{field.name: None}) | Q(**{f"{field.name}__range": (field.low, field.high)})
    return None


def _empty(field: Field) -> Q:
    return Q(**{field.name: "" if field.kind in _EMPTY_TEXT else None})


def _either(field: Field) -> Q | None:
    if not field.absent:
        return None
    name = absent_column(field)
    allowed = Q(**{f"{name}__in": ["", *sorted(word.value for word in field.absent)]})
    return allowed & (Q(**{name: ""}) | _empty(field))


def _asked(field: Field) -> Q | None:
    if field.asked_if is None:
        return None
    empty = _empty(field)
    if field.absent:
        empty &= Q(**{absent_column(field): ""})
    return Q(**{f"{field.asked_if.field}__in": sorted(field.asked_if.among)}) | empty
