"""Writes ``verify.R`` beside a report: base R recomputes its key numbers from the points."""

from importlib import resources
from pathlib import Path

_PARTS = ("1_reading", "2_intervals", "3_areas", "4_agreement", "5_pooling", "6_checks", "7_run")


def write_verifier(folder: Path) -> Path:
    """Write ``verify.R`` into the folder of a report and return its path.

    The script is one file without any number of the study: it reads ``results.csv`` and
    ``plot_data/*.csv`` beside it. An edition with suppressed cells has no points, and no verifier.
    """
    source = resources.files("evaluation.report.verify")
    parts = [(source / f"{name}.R").read_text(encoding="utf-8") for name in _PARTS]
    path = folder / "verify.R"
    path.write_text("\n".join(parts), encoding="utf-8")
    return path
