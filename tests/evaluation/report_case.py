"""The simulated study's result and its written report, made once for all tests of the report."""

import json
import tempfile
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.analysis import AnalysisResult, default_plan, run
from evaluation.report import write_report
from evaluation.report.listing import false_negatives
from evaluation.report.lookup import Lookup
from evaluation.report.sections import Drawn, sections
from tests.evaluation.simulated_study import simulated_tables

PLAN = replace(default_plan(), bootstrap_replicates=100)
PROVENANCE = {
    "Protocol version": "1.0",
    "Registration": "NCT07243873",
    "Data cut": "cut 1, 2026-11-20T08:00:00+00:00",
    "Release SHA-256": "ab" * 32,
    "Libraries": {"numpy": "2.4.6", "<script>": "&"},
}
_FEW_ENDPOINTS = {"participant_flow", "analysis_set", "baseline", "ssim", "malignancy"}


@cache
def simulated_result() -> AnalysisResult:
    tables = simulated_tables()
    return run(PLAN, replace(tables, measurements=_with_errors(tables.measurements)))


def _with_errors(measurements: pd.DataFrame) -> pd.DataFrame:
    """Add errors by uptake stratum, and the similarity of negative controls, to the measurements."""
    rng = np.random.default_rng(3)
    pairs = measurements[(measurements["image"] == "pair") & (measurements["quantity"] == "mae")]
    edges = PLAN.uptake_trend.edges
    strata = [f"{a:g}-{b:g}" for a, b in pairwise(edges)]
    added = []
    for i, stratum in enumerate([*strata, f"{edges[-1]:g}+"]):
        for quantity, mean in (("bias", -0.1 * i), ("mae", 0.1 + 0.1 * i)):
            values = rng.normal(mean, 0.05, len(pairs))
            added.append(pairs.assign(region=f"uptake:{stratum}", quantity=quantity, value=values))
    for control in PLAN.negative_controls.controls:
        for quantity in PLAN.negative_controls.quantities:
            values = rng.normal(0.4, 0.05, len(pairs))
            added.append(pairs.assign(image=f"control:{control}", quantity=quantity, value=values))
    return pd.concat([measurements, *added], ignore_index=True)


@cache
def written_report() -> tuple[Path, tuple[Path, ...]]:
    out = Path(tempfile.mkdtemp(prefix="report"))
    return out, write(simulated_result(), out)


@cache
def suppressed_report() -> tuple[Path, tuple[Path, ...]]:
    """Write the edition that may leave, of some endpoints only: suppression weighs all rows."""
    out = Path(tempfile.mkdtemp(prefix="suppressed"))
    result = simulated_result()
    rows = tuple(r for r in result.rows if r.analysis == "main" and r.endpoint in _FEW_ENDPOINTS)
    return out, write(replace(result, rows=rows), out, suppress_below=5)


def write(result, out, **options):
    return write_report(result, provenance=PROVENANCE, out=out, title="Outcome report", **options)


def blocks_of(result: AnalysisResult) -> dict[str, object]:
    """Return the blocks of the sections by id, sentences by their number; no figure is drawn."""
    look = Lookup(result)
    drawn = Drawn({}, false_negatives(look, result.series["scores"]), result.series["sites"])
    blocks = [block for section in sections(look, drawn) for block in section.blocks]
    return {getattr(b, "id", "") or f"sentence {i}": b for i, b in enumerate(blocks)}


def page_of(out: Path) -> str:
    return (out / "report.html").read_text(encoding="utf-8")


def tables_of(out: Path) -> dict[str, dict]:
    tables = json.loads((out / "tables.json").read_text(encoding="utf-8"))
    return {table["id"]: table for table in tables}


def texts_of(table: dict) -> list[list[str]]:
    return [[cell["text"] for cell in row] for row in table["rows"]]
