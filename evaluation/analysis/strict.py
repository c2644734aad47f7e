"""Builds frozen dataclasses from TOML tables and refuses what it does not know."""

import dataclasses
import types
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class PlanError(ValueError):
    """The plan says something unknown, impossible or incomplete."""


def build(kind: type[T], table: object, where: str) -> T:
    """Return ``kind`` built from a TOML table, its nested tables included.

    Raises
    ------
    PlanError
        For an unknown key, a missing key or a value of another type, naming the place.
    """
    if not isinstance(table, Mapping):
        raise PlanError(f"{where} must be a table")
    hints = get_type_hints(kind)
    for key in table:
        if key not in hints:
            raise PlanError(f"{where}: unknown key {key!r}")
    values = {}
    for f in dataclasses.fields(kind):  # type: ignore[arg-type]  # every caller passes a dataclass
        if f.name in table:
            values[f.name] = _value(hints[f.name], table[f.name], f"{where}.{f.name}")
        elif f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING:
            raise PlanError(f"{where}: {f.name!r} is missing")
    return kind(**values)


def _value(hint: Any, raw: object, where: str) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return build(hint, raw, where)
    if get_origin(hint) is tuple:
        if not isinstance(raw, list):
            raise PlanError(f"{where} must be a list")
        return tuple(_value(get_args(hint)[0], one, f"{where}[{i}]") for i, one in enumerate(raw))
    if get_origin(hint) is Mapping:
        if not isinstance(raw, Mapping):
            raise PlanError(f"{where} must be a table")
        inner = get_args(hint)[1]
        return types.MappingProxyType(
            {str(key): _value(inner, one, f"{where}.{key}") for key, one in raw.items()}
        )
    return _scalar(hint, raw, where)


def _scalar(hint: type, raw: object, where: str) -> object:
    # TOML writes 20 and 20.0; both are numbers. True is no number, although Python says so.
    if hint is float and isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw)
    # A time of day on a date would make two plans of the same day differ.
    timed = hint is date and isinstance(raw, datetime)
    if timed or not isinstance(raw, hint) or (isinstance(raw, bool) and hint is not bool):
        raise PlanError(f"{where} must be of type {hint.__name__}, not {type(raw).__name__}")
    return raw
