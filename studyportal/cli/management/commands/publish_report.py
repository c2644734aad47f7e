"""`manage.py publish_report RUN --by USER --out FOLDER`: the report without small cells."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from studyportal.cli.persons import acting_person, as_command_error
from studyportal.core.errors import Refused
from studyportal.outcomes.selectors import run_for
from studyportal.outcomes.services import publish_report


class Command(BaseCommand):
    help = (
        "Write the report of a completed evaluation run as it may leave the platform: counts below "
        "the plan's smallest cell withheld, no participant listed or drawn."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", type=UUID)
        parser.add_argument("--by", required=True, help="user name of the statistician")
        parser.add_argument("--out", type=Path, required=True, help="folder to write the report to")

    def handle(self, *args: Any, **options: Any) -> None:
        by = acting_person(options["by"])
        run = run_for(by, options["run"])
        if run is None:
            raise CommandError("There is no such evaluation run that you may see.")
        try:
            paths = publish_report(evaluation_run=run, out=options["out"], by=by)
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        self.stdout.write(f"{len(paths)} files; the report is {options['out'] / 'report.html'}.")
