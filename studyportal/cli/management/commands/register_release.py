"""`manage.py register_release FOLDER --by USER`: a model release made elsewhere becomes a candidate."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from studyportal.cli.persons import acting_person, as_command_error
from studyportal.core.errors import Refused
from studyportal.syntheses.services import register_release


class Command(BaseCommand):
    help = "Verify every digest of a release folder and register it as a candidate; it is validated and released on the web."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "folder", type=Path, help="folder with release.toml, model.safetensors, MODEL_CARD.md"
        )
        parser.add_argument("--by", required=True, help="user name of the synthesis operator")

    def handle(self, *args: Any, **options: Any) -> None:
        by = acting_person(options["by"])
        try:
            release = register_release(folder=options["folder"], by=by)
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        self.stdout.write(f"{release} is {release.status}; SHA-256 {release.digest}")
