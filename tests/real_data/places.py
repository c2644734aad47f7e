"""Where the published data and reference values stand: beside the checkout, or where told."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

_BESIDE = Path(__file__).resolve().parents[3] / "shared"


def published(*parts: str) -> Path:
    return _found("STUDYPORTAL_REAL_DATA", "data", parts)


def reference(*parts: str) -> Path:
    return _found("STUDYPORTAL_REFERENCE", "reference", parts)


def expected(*keys: str) -> Any:
    values = json.loads(published("expected.json").read_text(encoding="utf-8"))
    for key in keys:
        values = values[key]
    return values


def _found(variable: str, folder: str, parts: tuple[str, ...]) -> Path:
    path = Path(os.environ.get(variable) or _BESIDE / folder).joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{'/'.join(parts)} is not there; set {variable} to the folder that holds it")
    return path
