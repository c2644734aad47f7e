"""`python -m evaluation study PLAN TABLES --out REPORT`: the outcome report without the portal."""

import argparse
import sys
from importlib.metadata import version
from pathlib import Path

from evaluation.analysis import (
    Plan,
    PlanError,
    TablesError,
    default_plan,
    load_plan,
    read_tables,
    run,
)
from evaluation.report import write_report

_LIBRARIES = ("numpy", "scipy", "pandas", "matplotlib", "typst")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status; a refusal is one sentence and status 2."""
    options = _parser().parse_args(arguments)
    try:
        plan = default_plan() if options.plan == "default" else load_plan(Path(options.plan))
        result = run(plan, read_tables(options.tables))
    except (PlanError, TablesError) as refusal:
        print(refusal, file=sys.stderr)
        return 2
    paths = write_report(
        result, provenance=_provenance(plan), out=options.out, title=options.title or plan.name
    )
    print(f"{len(result.rows)} rows, {len(paths)} files in {options.out}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evaluation", description=__doc__)
    commands = parser.add_subparsers(required=True)
    study = commands.add_parser("study", help="run an analysis plan on tables and write the report")
    study.add_argument("plan", help="analysis plan (TOML), or the word default")
    study.add_argument("tables", type=Path, help="folder with participants.csv and the others")
    study.add_argument("--out", type=Path, required=True, help="folder of the report")
    study.add_argument("--title", default="", help="title of the report; default: name of the plan")
    return parser


def _provenance(plan: Plan) -> dict[str, str | dict[str, str]]:
    return {
        "Analysis plan": f"{plan.name}, version {plan.version}",
        "Registration": plan.registration,
        "Seed": str(plan.seed),
        "Libraries": {name: version(name) for name in _LIBRARIES},
    }


if __name__ == "__main__":
    sys.exit(main())
