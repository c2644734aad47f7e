"""`manage.py close_account USER --reason WHY --by ADMIN`: the person can no longer sign in."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from studyportal.cli.persons import acting_person, as_command_error
from studyportal.core.errors import Refused
from studyportal.sites.services import close_account


class Command(BaseCommand):
    help = "Close an account: roles, sessions and tokens end, nothing is deleted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--reason", required=True)
        parser.add_argument("--by", required=True, help="user name of the administrator")

    def handle(self, *args: Any, **options: Any) -> None:
        user = acting_person(options["username"])
        try:
            close_account(user=user, reason=options["reason"], by=acting_person(options["by"]))
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        self.stdout.write(f"The account {user.username} is closed.")
