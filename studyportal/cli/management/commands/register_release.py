"""`manage.py register_release PATH --by USER`: a model release made elsewhere becomes a candidate."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from studyportal.cli.persons import acting_person, as_command_error
from studyportal.core.errors import Refused
from studyportal.core.models import User
from studyportal.syntheses.services import import_release, register_release

if TYPE_CHECKING:
    from studyportal.syntheses.models import ModelRelease


class Command(BaseCommand):
    help = (
        "Verify a model release, copy it into the store of releases and register it as a candidate; "
        "it is validated and released on the web."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "path",
            type=Path,
            help="folder or zip with release.toml, model.safetensors, MODEL_CARD.md, or a zip of a bundle",
        )
        parser.add_argument("--by", required=True, help="user name of the synthesis operator")

    def handle(self, *args: Any, **options: Any) -> None:
        by = acting_person(options["by"])
        try:
            release = _register(options["path"], by)
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        self.stdout.write(f"{release} is {release.status}; SHA-256 {release.digest}")


def _register(path: Path, by: User) -> ModelRelease:
    if path.is_dir():
        return register_release(folder=path, by=by)
    if not path.is_file():
        raise CommandError(f"There is nothing at {path}.")
    with path.open("rb") as archive:
        return import_release(archive=archive, by=by)
