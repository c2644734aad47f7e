"""`manage.py load_protocol`: a protocol file is loaded, activated, and its sites are opened."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyportal.cli.persons import acting_person, as_command_error
from studyportal.core.errors import Refused
from studyportal.protocol.selectors import content_of, packaged_text
from studyportal.protocol.services import activate_protocol, load_protocol
from studyportal.sites.services import open_sites


class Command(BaseCommand):
    help = "Load a protocol file (the packaged registered study by default), put it in force and open its sites."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--file", type=Path, help="protocol file (TOML); default: the packaged NCT07243873"
        )
        parser.add_argument("--by", help="user name of the person who loads it")

    def handle(self, *args: Any, **options: Any) -> None:
        by = acting_person(options["by"]) if options["by"] else None
        path: Path | None = options["file"]
        if path is not None and not path.is_file():
            raise CommandError(f"There is no file {path}.")
        text = path.read_text("utf-8") if path else packaged_text()
        try:
            version = activate_protocol(version=load_protocol(text=text, by=by), by=by)
            sites = open_sites(protocol=content_of(version), by=by)
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        self.stdout.write(f"{version} is in force with {len(sites)} sites.")
