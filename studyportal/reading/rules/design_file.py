"""Reads a design from a TOML file in which nothing has a silent default and nothing unknown is passed over."""

import hashlib
import tomllib
from collections.abc import Mapping
from typing import Any

from studyportal.reading.rules.design import (
    ArmPlan,
    AttentionCase,
    Design,
    DesignRefused,
    Kind,
    Lesions,
    Plan,
    Question,
    Sampling,
    Scale,
    Showing,
)
from studyportal.reading.rules.design_checks import design_faults
from studyportal.reading.states import Layer

_TOP: Mapping[str, type] = {
    "kind": str, "plan": str, "seed": int, "washout_days": int, "block_size": int, "repeats": int,
    "groups": int, "showing": str, "lesions": str, "score_gap": float, "sampling": dict, "arm": list,
    "question": list,
}  # fmt: skip
_SAMPLING: Mapping[str, type] = {"cases": int, "practice": int}
_ENRICHED: Mapping[str, type] = {"positive_share": float, "condition": str, "unit": str}
_ARM: Mapping[str, type] = {
    "code": str, "shows": list, "plane": str, "ct_window": str, "pet_scale": str
}  # fmt: skip
_QUESTION: Mapping[str, type] = {
    "id": str, "unit": str, "scale": str, "required": bool, "text": str, "text_zh": str
}  # fmt: skip
_OF_QUESTION: Mapping[str, type] = {
    "condition": str, "positive_from": float, "index": bool, "yes": float, "no": float, "test": str
}  # fmt: skip
_ATTENTION: Mapping[str, type] = {
    "participant": str, "question": str, "unit_id": str, "expected": str
}  # fmt: skip


def digest_of(text: str) -> str:
    """SHA-256 of the design as it was written."""
    return hashlib.sha256(text.encode()).hexdigest()


def parse_design(text: str) -> Design:
    """Return the design.

    Raises
    ------
    DesignRefused
        With every fault: the file is no TOML, a key is unknown or missing, a value is impossible.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DesignRefused(f"The design is not TOML: {error}.") from error
    faults = [*_shape(table)]
    if faults:
        raise DesignRefused(*faults)
    try:
        design = _built(table)
    except ValueError as error:
        raise DesignRefused(f"The design holds an unknown word: {error}.") from error
    if faults := design_faults(design):
        raise DesignRefused(*faults)
    return design


def _shape(table: Mapping[str, Any]) -> list[str]:
    """Every key that is unknown, missing or of another kind than it must be."""
    faults = _keys("design", table, _TOP, {"attention": list})
    if faults:
        return faults
    faults += _keys("sampling", table["sampling"], _SAMPLING, _ENRICHED)
    for name, required, optional in (
        ("arm", _ARM, {}),
        ("question", _QUESTION, _OF_QUESTION),
        ("attention", _ATTENTION, {}),
    ):
        for row in table.get(name, []):
            faults += _keys(name, row, required, optional)
    return faults


def _keys(
    where: str, table: Mapping[str, Any], required: Mapping[str, type], optional: Mapping[str, type]
) -> list[str]:
    known = {**required, **optional}
    unknown = [f"{where}: the key {key} is unknown." for key in sorted(set(table) - set(known))]
    missing = [f"{where}: the key {key} is missing." for key in required if key not in table]
    wrong = [
        f"{where}: the value of {key} is of the wrong kind."
        for key, kind in known.items()
        if key in table and not _fits(table[key], kind)
    ]
    return [*unknown, *missing, *wrong]


def _fits(value: object, kind: type) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _built(table: Mapping[str, Any]) -> Design:
    sampling = table["sampling"]
    share = sampling.get("positive_share")
    return Design(
        kind=Kind(table["kind"]),
        plan=Plan(table["plan"]),
        seed=table["seed"],
        washout_days=table["washout_days"],
        block_size=table["block_size"],
        repeats=table["repeats"],
        groups=table["groups"],
        showing=Showing(table["showing"]),
        lesions=Lesions(table["lesions"]),
        score_gap=float(table["score_gap"]),
        sampling=Sampling(
            sampling["cases"],
            sampling["practice"],
            None if share is None else float(share),
            sampling.get("condition", ""),
            sampling.get("unit", ""),
        ),
        arms=tuple(_arm(row) for row in table["arm"]),
        questions=tuple(_question(row) for row in table["question"]),
        attention=tuple(AttentionCase(**row) for row in table.get("attention", [])),
    )


def _arm(row: Mapping[str, Any]) -> ArmPlan:
    shows = tuple(Layer(word) for word in row["shows"])
    return ArmPlan(row["code"], shows, row["plane"], row["ct_window"], row["pet_scale"])


def _question(row: Mapping[str, Any]) -> Question:
    positive_from, yes, no = (
        None if row.get(key) is None else float(row[key]) for key in ("positive_from", "yes", "no")
    )
    return Question(
        row["id"],
        row["unit"],
        Scale(row["scale"]),
        row.get("condition", ""),
        positive_from,
        row["required"],
        row["text"],
        row["text_zh"],
        index=row.get("index", False),
        yes=yes,
        no=no,
        test=row.get("test", ""),
    )
