"""Reads a plan from TOML and refuses it when a word in it is unknown."""

import hashlib
import json
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from evaluation.analysis.plan import Plan
from evaluation.analysis.plan_checks import check_plan, refuse_other_schema
from evaluation.analysis.plan_method_checks import check_methods
from evaluation.analysis.strict import PlanError, build


def load_plan(path_or_text: Path | str) -> Plan:
    """Read a plan from a TOML file, or from TOML text (a string with a line break).

    Raises
    ------
    PlanError
        With one sentence: what is unknown, missing or impossible, and where.
    """
    if isinstance(path_or_text, str) and "\n" in path_or_text:
        text = path_or_text
    else:
        path = Path(path_or_text)
        if not path.is_file():
            raise PlanError(f"there is no plan file {path.name!r}")
        text = path.read_text(encoding="utf-8")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"the plan is not TOML: {error}") from error
    return _plan(table)


def default_plan() -> Plan:
    """Return the plan that ships with the package."""
    source = resources.files("evaluation") / "plans" / "nct07243873.toml"
    return load_plan(source.read_text(encoding="utf-8"))


def _plan(table: dict[str, Any]) -> Plan:
    if "digest" in table:
        raise PlanError("plan: unknown key 'digest'")
    refuse_other_schema(table)
    # Dates are the only TOML values that JSON does not know; they are written as text.
    canonical = json.dumps(
        table, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    plan: Plan = build(Plan, {**table, "digest": digest}, "plan")
    check_plan(plan)
    check_methods(plan)
    return plan
