"""`manage.py import_reads FILE --by USER`: reads of a reading session from a CSV file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyportal.cli.persons import acting_person, as_command_error
from studyportal.core.errors import Refused
from studyportal.outcomes.services import import_reads


class Command(BaseCommand):
    help = (
        "Keep the reads of a CSV file (session, arm, reader, participant, question, unit, unit_id, score, call, "
        "indeterminate): all of them or none, with every fault of every line."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("table", type=Path, help="the file")
        parser.add_argument("--by", required=True, help="user name of the person who imports")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["table"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        try:
            text = path.read_text("utf-8-sig")
        except UnicodeDecodeError as error:
            raise CommandError(f"{path} is not written in UTF-8.") from error
        try:
            count = import_reads(text=text, by=acting_person(options["by"]))
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        self.stdout.write(f"{count} reads are kept.")
