"""`manage.py audit_packages`: known weaknesses of every package that constraints.txt fixes; fails on any."""

import importlib.util
import subprocess
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Ask a public database for known weaknesses of the packages in constraints.txt (needs the network)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--service", choices=("pypi", "osv"), default="pypi")

    def handle(self, *args: Any, **options: Any) -> None:
        if importlib.util.find_spec("pip_audit") is None:
            raise CommandError("pip-audit is missing: run `make dev`, which installs it.")
        words = (
            *(sys.executable, "-m", "pip_audit", "--requirement", "constraints.txt"),
            *("--no-deps", "--disable-pip", "--progress-spinner", "off"),
            "--strict",  # a package that the database does not know is no clean package
            *("--vulnerability-service", options["service"]),
        )
        done = subprocess.run(words, cwd=settings.BASE_DIR, check=False)
        if done.returncode:
            raise CommandError("Some packages have known weaknesses, or could not be asked about.")
