"""Finds the published reference cases beside the checkout; skips, saying so, where they are not."""

import csv
import json
import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("STUDYPORTAL_REFERENCE", _ROOT.parent / "shared" / "reference"))


def reference_json(name: str) -> dict:
    return json.loads(_file(name).read_text(encoding="utf-8"))


def reference_csv(name: str) -> list[dict[str, str]]:
    lines = _file(name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def _file(name: str) -> Path:
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"the published reference case {name} is not beside this checkout")
    return path
