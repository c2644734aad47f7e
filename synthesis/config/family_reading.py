"""From tables to the configuration of a family, and back; other schemas are refused."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthesis.config.families import FAMILY_CONFIGS, FamilyConfig
from synthesis.config.presets import preset
from synthesis.config.reading import ConfigRefusedError, build, to_table

FAMILY_SCHEMA = 2  # of releases and of training files; 1 knew pix2pix alone


def load_family_config(path: Path) -> FamilyConfig:
    """Return the configuration of a TOML file.

    Raises
    ------
    ConfigRefusedError
        When the file is no TOML, is of another schema, or a key is unknown or missing.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigRefusedError(f"{path.name} is not valid TOML: {error}.") from error
    return family_config(table)


def family_config(table: Mapping[str, Any]) -> FamilyConfig:
    """Return the configuration of a table with `schema`, `family`, perhaps `preset`, and settings.

    Settings that are not said come from the preset, or are the family's defaults.
    """
    kind = _kind(table)
    settings = {k: v for k, v in table.items() if k not in ("schema", "family", "preset")}
    if "preset" in table:
        try:
            base = to_table(preset(kind.family, table["preset"]))
        except ValueError as error:
            raise ConfigRefusedError(str(error)) from error
        settings = _merged(base, settings)
    return build(kind, settings)


def family_table(config: FamilyConfig) -> dict[str, Any]:
    """Return a table that `family_config` reads back to the same configuration."""
    return {"schema": FAMILY_SCHEMA, "family": config.family, **to_table(config)}


def require_schema(table: Mapping[str, Any]) -> None:
    """Refuse a table that names another schema, or none."""
    schema = table.get("schema")
    if schema != FAMILY_SCHEMA:
        named = "no schema" if schema is None else f"schema {schema!r}"
        raise ConfigRefusedError(
            f"The configuration names {named}. This version reads schema {FAMILY_SCHEMA}."
        )


def _kind(table: Mapping[str, Any]) -> type[FamilyConfig]:
    require_schema(table)
    if "family" not in table:
        raise ConfigRefusedError("Missing key family.")
    if table["family"] not in FAMILY_CONFIGS:
        known = ", ".join(FAMILY_CONFIGS)
        raise ConfigRefusedError(f"Unknown family {table['family']!r}; choose {known}.")
    return FAMILY_CONFIGS[table["family"]]


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return the base with every value that `over` says; tables are merged, lists replaced."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        both_tables = isinstance(value, Mapping) and isinstance(below, Mapping)
        result[key] = _merged(below, value) if both_tables else value  # type: ignore[arg-type] # both are tables there
    return result
