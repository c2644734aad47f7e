"""Writes what a study found: `study.json`, `table.md`, `table.csv`, figures."""

from __future__ import annotations

import json
from pathlib import Path

from synthesis.study.figures import draw_curves, draw_examples, draw_lesions
from synthesis.study.study import StudyRun
from synthesis.study.summary import StudyResult
from synthesis.study.tables import comma_separated, markdown
from synthesis.training.checkpoint import write_whole


def write_result(result: StudyResult, run: StudyRun, out: Path) -> None:
    """Write the files of a result into the study's folder; each is whole or as it was before."""
    text = json.dumps(result.to_json(), indent=1, allow_nan=False)
    write_whole(out / "study.json", f"{text}\n".encode())
    write_whole(out / "table.md", markdown(result).encode())
    write_whole(out / "table.csv", comma_separated(result).encode())
    draw_curves(result, out / "curves.svg")
    draw_lesions(result, out / "lesions.svg")
    shown = [(one.run.release.name, *run.example(one)) for one in result.paired]
    case = shown[0][1]
    draw_examples(case, {name: suv for name, _, suv in shown}, out / "examples.svg")
