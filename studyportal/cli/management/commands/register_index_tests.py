"""`manage.py register_index_tests PLAN --by USER`: the index tests of a plan are registered."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyportal.cli.persons import acting_person, as_command_error
from studyportal.core.errors import Refused
from studyportal.outcomes.services import lock_index_test, register_index_tests


class Command(BaseCommand):
    help = (
        "Register the index tests of an analysis plan (TOML); with --lock, lock those that are new."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("plan", type=Path, help="the plan")
        parser.add_argument("--by", required=True, help="user name of the statistician")
        parser.add_argument("--lock", action="store_true", help="lock them at once")

    def handle(self, *args: Any, **options: Any) -> None:
        path, by = options["plan"], acting_person(options["by"])
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        try:
            tests = register_index_tests(plan_text=path.read_text("utf-8"), by=by)
            for test in tests if options["lock"] else ():
                lock_index_test(test=test, by=by)
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        for test in tests:
            self.stdout.write(f"{test.code}  SHA-256 {test.digest}")
