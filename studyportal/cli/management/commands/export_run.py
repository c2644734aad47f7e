"""`manage.py export_run RUN --by USER --out FILE`: the same zip that the web gives."""

import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from studyportal.cli.persons import acting_person, as_command_error
from studyportal.core.errors import Refused
from studyportal.exports.services import build_export, download_export, request_export
from studyportal.outcomes.selectors import run_for


class Command(BaseCommand):
    help = (
        "Export a completed evaluation run as a zip with data dictionary, checksums and provenance."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", type=UUID)
        parser.add_argument("--by", required=True, help="user name of the statistician")
        parser.add_argument("--out", type=Path, required=True, help="zip file to write")

    def handle(self, *args: Any, **options: Any) -> None:
        by = acting_person(options["by"])
        run = run_for(by, options["run"])
        if run is None:
            raise CommandError("There is no such evaluation run that you may see.")
        try:
            export = build_export(export=request_export(run=run, by=by))
            shutil.copyfile(download_export(export=export, by=by), options["out"])
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        self.stdout.write(f"{options['out']}  SHA-256 {export.archive_sha256}")
