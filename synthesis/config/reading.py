"""From tables to frozen dataclasses; what is not understood is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

Settings = TypeVar("Settings")


class ConfigRefusedError(ValueError):
    """The configuration holds something that is missing, unknown or of the wrong kind."""


def to_table(settings: Any) -> dict[str, Any]:
    """Return settings as plain tables that `build` reads back to the same settings."""
    return asdict(settings)


def build(kind: type[Settings], table: Mapping[str, Any], where: str = "") -> Settings:
    """Return a dataclass from a table, refusing unknown and missing keys."""
    known: dict[str, Field[Any]] = {f.name: f for f in fields(kind)}  # type: ignore[arg-type] # only dataclasses come here
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise ConfigRefusedError(f"Unknown key {where}{unknown[0]}.")
    missing = [name for name, f in known.items() if name not in table and not _has_default(f)]
    if missing:
        raise ConfigRefusedError(f"Missing key {where}{missing[0]}.")
    hints = get_type_hints(kind)
    values = {name: _value(hints[name], v, f"{where}{name}") for name, v in table.items()}
    try:
        return kind(**values)
    except ValueError as error:
        raise ConfigRefusedError(f"{where or 'configuration'}: {error}") from error


def _has_default(setting: Field[Any]) -> bool:
    return setting.default is not MISSING or setting.default_factory is not MISSING


def _value(hint: Any, value: Any, where: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise ConfigRefusedError(f"{where} must be a table.")
        return build(hint, value, f"{where}.")
    if get_origin(hint) is tuple:
        return _sequence(get_args(hint), value, where)
    if get_origin(hint) is Literal:
        return _choice(get_args(hint), value, where)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ConfigRefusedError(f"{where} must be {hint.__name__}, not {value!r}.")
    return value


def _choice(known: tuple[Any, ...], value: Any, where: str) -> Any:
    if not isinstance(value, str) or value not in known:
        raise ConfigRefusedError(f"{where} must be one of {', '.join(known)}, not {value!r}.")
    return value


def _sequence(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigRefusedError(f"{where} must be a list.")
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise ConfigRefusedError(f"{where} needs {len(kinds)} values, not {len(value)}.")
    return tuple(
        _value(k, v, f"{where}[{i}]") for i, (k, v) in enumerate(zip(kinds, value, strict=True))
    )
