"""`manage.py import_forms KIND FILE --by USER`: case report forms from a table."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyportal.cli.persons import acting_person, as_command_error
from studyportal.clinical.rules import FORMS
from studyportal.clinical.services import import_forms, template_of
from studyportal.core.errors import Refused


class Command(BaseCommand):
    help = (
        "Keep a filled-in template (CSV or XLSX) of case report forms: all of its rows or none, with "
        "every fault of every line. With --template, write the empty template instead."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=list(FORMS), help="which form")
        parser.add_argument("table", type=Path, help="the file")
        parser.add_argument("--by", help="user name of the person who imports")
        parser.add_argument(
            "--template", action="store_true", help="write the empty template to the file"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["table"]
        if options["template"]:
            content = template_of(options["kind"], path.suffix.removeprefix("."))
            if content is None:
                raise CommandError("A template ends in .csv or .xlsx.")
            path.write_bytes(content)
            self.stdout.write(f"{path} is written.")
            return
        if not options["by"]:
            raise CommandError("Name the person who imports: --by USER.")
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        try:
            done = import_forms(
                kind=options["kind"],
                content=path.read_bytes(),
                name=path.name,
                by=acting_person(options["by"]),
            )
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        self.stdout.write(f"{done.rows} rows, {done.forms} forms, {done.complete} complete.")
