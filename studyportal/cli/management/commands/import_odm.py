"""`manage.py import_odm FILE --by USER`: case report forms from a file in CDISC ODM-XML 1.3."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyportal.cli.persons import acting_person, as_command_error
from studyportal.clinical.services import import_odm
from studyportal.core.errors import Refused


class Command(BaseCommand):
    help = (
        "Keep the forms of a file in CDISC ODM-XML 1.3: all of its rows or none, with every fault of every "
        "row. Participants must be enrolled already."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the file")
        parser.add_argument("--by", required=True, help="user name of the person who imports")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        try:
            done = import_odm(
                content=path.read_bytes(), name=path.name, by=acting_person(options["by"])
            )
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        self.stdout.write(
            f"{done.rows} rows, {done.forms} forms, {done.complete} complete; "
            f"{done.derived} rows follow from the forms and were not taken in."
        )
