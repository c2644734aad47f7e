"""The simulated study's result and its written report, made once for all tests of the report."""

import json
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

from evaluation.analysis import AnalysisResult, default_plan, run
from evaluation.report import write_report
from tests.evaluation.simulated_study import simulated_tables

PLAN = replace(default_plan(), bootstrap_replicates=100)
PROVENANCE = {
    "Protocol version": "1.0",
    "Registration": "NCT07243873",
    "Data cut": "cut 1, 2026-11-20T08:00:00+00:00",
    "Release SHA-256": "ab" * 32,
    "Libraries": {"numpy": "2.4.6", "<script>": "&"},
}


@cache
def simulated_result() -> AnalysisResult:
    return run(PLAN, simulated_tables())


@cache
def written_report() -> tuple[Path, tuple[Path, ...]]:
    out = Path(tempfile.mkdtemp(prefix="report"))
    return out, write(simulated_result(), out)


@cache
def suppressed_report() -> tuple[Path, tuple[Path, ...]]:
    out = Path(tempfile.mkdtemp(prefix="suppressed"))
    return out, write(simulated_result(), out, suppress_below=5)


def write(result, out, **options):
    return write_report(result, provenance=PROVENANCE, out=out, title="Outcome report", **options)


def page_of(out: Path) -> str:
    return (out / "report.html").read_text(encoding="utf-8")


def tables_of(out: Path) -> dict[str, dict]:
    tables = json.loads((out / "tables.json").read_text(encoding="utf-8"))
    return {table["id"]: table for table in tables}


def texts_of(table: dict) -> list[list[str]]:
    return [[cell["text"] for cell in row] for row in table["rows"]]
