"""`manage.py name_primary_release "NAME VERSION" --by USER --reason TEXT`: the primary analysis rests on it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyportal.cli.persons import acting_person, as_command_error
from studyportal.core.errors import Refused
from studyportal.syntheses.selectors import release_named
from studyportal.syntheses.services import name_primary_release


class Command(BaseCommand):
    help = "Tie the primary analysis of the protocol in force to one release; all others are exploratory."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("release", help="name and version, in quotes")
        parser.add_argument("--by", required=True, help="user name of the study PI")
        parser.add_argument("--reason", required=True, help="why this release; it is kept")
        parser.add_argument("--seed", type=int, default=0, help="seed of the analysis (default 0)")

    def handle(self, *args: Any, **options: Any) -> None:
        by = acting_person(options["by"])
        release = release_named(options["release"])
        if release is None:
            raise CommandError(f"There is no release {options['release']}.")
        asked = {"seed": options["seed"], "reason": options["reason"]}
        try:
            primary = name_primary_release(release=release, by=by, **asked)
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        self.stdout.write(f"The primary analysis of {primary.protocol_version} rests on {primary}.")
