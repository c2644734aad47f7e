"""`manage.py access_review`: who has access to what, and what to look at; `--keep` keeps the review."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyportal.cli.persons import acting_person, as_command_error
from studyportal.core import clock
from studyportal.core.errors import Refused
from studyportal.dashboards.access import access_csv
from studyportal.sites.rules.access import findings, role_words
from studyportal.sites.selectors import access_facts, review_is_due
from studyportal.sites.services import review_access


class Command(BaseCommand):
    help = "Print everybody's access with what to look at, write it as CSV, keep the review."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--csv", type=Path, help="file to write the list to")
        parser.add_argument(
            "--keep", metavar="NOTE", help="keep the review, with what follows from it"
        )
        parser.add_argument("--by", help="user name of the administrator who reviewed")

    def handle(self, *args: Any, **options: Any) -> None:
        now, to_look_at = clock.now(), 0
        for facts in access_facts():
            noted = findings(facts, now=now)
            to_look_at += bool(noted)
            state = "open" if facts.active else "closed"
            self.stdout.write(f"{facts.username:<28} {state:<7} {role_words(facts.roles) or '-'}")
            for one in noted:
                self.stdout.write(f"{'':<36} ! {one.sentence}")
        due = "is due" if review_is_due() else "is not due"
        self.stdout.write(f"{to_look_at} to look at; a review {due}.")
        if options["csv"]:
            options["csv"].write_bytes(access_csv())
        if options["keep"]:
            self._keep(options["keep"], options["by"])

    def _keep(self, note: str, username: str | None) -> None:
        if not username:
            raise CommandError("Name the administrator who reviewed with --by.")
        try:
            review = review_access(note=note, by=acting_person(username))
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        self.stdout.write(f"Kept. SHA-256 {review.sha256}")
