"""`manage.py sbom --out FILE`: a CycloneDX bill of materials of the Python packages and the browser parts."""

import importlib.util
import json
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from studyportal.cli.management.commands.build_assets import find_npm

Bill = dict[str, Any]
SPEC = "1.5"  # the newest that npm writes, so that both halves are of one kind


class Command(BaseCommand):
    help = "Write a CycloneDX bill of materials of what is installed and of what the browser gets."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", type=Path, default=Path("sbom.json"))

    def handle(self, *args: Any, **options: Any) -> None:
        if importlib.util.find_spec("cyclonedx_py") is None:
            raise CommandError("cyclonedx-bom is missing: run `make dev`, which installs it.")
        bill = joined(python_bill(settings.BASE_DIR), browser_bill(settings.BASE_DIR))
        options["out"].write_text(json.dumps(bill, indent=1, sort_keys=True) + "\n", "utf-8")
        kinds = [component["purl"].partition("/")[0] for component in bill["components"]]
        counted = f"{kinds.count('pkg:pypi')} Python and {kinds.count('pkg:npm')} browser packages"
        self.stdout.write(f"{options['out']}: {counted}")


def python_bill(base: Path) -> Bill:
    """What is installed in the environment that runs this."""
    words = (
        *(sys.executable, "-m", "cyclonedx_py", "environment", "--spec-version", SPEC),
        *("--output-reproducible", "--pyproject", str(base / "pyproject.toml"), sys.executable),
    )
    return _written(words, base, None)


def browser_bill(base: Path) -> Bill:
    """What the pages' scripts and styles are made of, as the lock file fixes it."""
    npm, environment = find_npm()
    words = (*npm, "sbom", "--sbom-format", "cyclonedx", "--package-lock-only", "--omit", "dev")
    return _written(words, base / "studyportal" / "web" / "frontend", environment)


def joined(bill: Bill, more: Bill) -> Bill:
    """The first bill with the components and dependencies of the second; each component once."""
    known = {component["bom-ref"] for component in bill["components"]}
    new = [one for one in more["components"] if one["bom-ref"] not in known]
    own = more["metadata"]["component"]["bom-ref"]
    edges = [one for one in more.get("dependencies", []) if one["ref"] != own]
    components = [one for one in (*bill["components"], *new) if "purl" in one]
    return {
        **bill,
        "components": sorted(components, key=lambda one: one["purl"]),
        "dependencies": sorted(
            [*bill.get("dependencies", []), *edges], key=lambda edge: edge["ref"]
        ),
    }


def _written(words: Sequence[str], folder: Path, environment: Mapping[str, str] | None) -> Bill:
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CommandError(f"`{' '.join(words[1:4])}` failed:\n{done.stderr.strip()}")
    bill: Bill = json.loads(done.stdout)
    return bill
