"""`python -m evaluation study PLAN TABLES --out REPORT`: the outcome report without the portal."""

import argparse
from importlib.metadata import version
from pathlib import Path
from typing import Any

from evaluation.analysis import (
    Plan,
    PlanError,
    TablesError,
    default_plan,
    load_plan,
    read_tables,
    run,
)
from evaluation.commands.console import Steps, refused, say
from evaluation.report import write_report

_LIBRARIES = ("numpy", "scipy", "pandas", "matplotlib", "typst")


def add_to(commands: Any) -> None:
    """Add the command to the parser's commands."""
    study = commands.add_parser("study", help="run an analysis plan on tables and write the report")
    study.add_argument("plan", help="analysis plan (TOML), or the word default")
    study.add_argument("tables", type=Path, help="folder with participants.csv and the others")
    study.add_argument("--out", type=Path, required=True, help="folder of the report")
    study.add_argument("--title", default="", help="title of the report; default: name of the plan")
    study.add_argument(
        "--small-cells-below", type=int, metavar="N",
        help="write the edition that may leave the study: counts below N and what would reveal "
        "them withheld, no participant listed or drawn",
    )  # fmt: skip
    study.set_defaults(execute=execute)


def execute(options: argparse.Namespace) -> int:
    """Run the plan and write the report; 2 when plan or tables are refused."""
    with Steps("study", total=3) as steps:
        try:
            steps.begin("read plan and tables")
            plan = default_plan() if options.plan == "default" else load_plan(Path(options.plan))
            tables = read_tables(options.tables)
            steps.begin("run the plan")
            result = run(plan, tables)
        except (PlanError, TablesError) as refusal:
            return refused(str(refusal))
        steps.begin("write the report")
        paths = write_report(
            result,
            provenance=_provenance(plan),
            out=options.out,
            title=options.title or plan.name,
            suppress_below=options.small_cells_below,
        )
    say(f"{len(result.rows)} rows, {len(paths)} files in {options.out}")
    return 0


def _provenance(plan: Plan) -> dict[str, str | dict[str, str]]:
    return {
        "Analysis plan": f"{plan.name}, version {plan.version}",
        "Registration": plan.registration,
        "Seed": str(plan.seed),
        "Libraries": {name: version(name) for name in _LIBRARIES},
    }
