"""`manage.py redact_audit TABLE EVENT --field F --reason R --by USER`: take a leaked personal detail out of the trail."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from studyportal.cli.persons import acting_person, as_command_error
from studyportal.core.database.owner import OWNER_MISSING, as_owner, owner_is_named
from studyportal.core.errors import Refused
from studyportal.core.redaction import redact
from studyportal.sites.rules import Action
from studyportal.sites.services import require


class Command(BaseCommand):
    help = (
        "Replace one text of one event of the audit trail by [redacted]. Only for a personal detail that "
        "should never have been written; who did it and why stays in the trail. Signs in as owner of the database."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("table", help="table of the event, as the audit page names it")
        parser.add_argument("event", type=int, help="number of the event in that table")
        parser.add_argument("--field", required=True, help="column that holds the detail")
        parser.add_argument("--reason", required=True, help="why, without repeating the detail")
        parser.add_argument("--by", required=True, help="user name of who answers for it")

    def handle(self, *args: Any, **options: Any) -> None:
        if not owner_is_named():
            raise CommandError(OWNER_MISSING)
        by = acting_person(options["by"])
        try:
            require(by, Action.MANAGE_PROTOCOL)
            with as_owner(connection):
                redaction = redact(
                    source=options["table"], event_id=options["event"], field=options["field"],
                    reason=options["reason"], by=by,
                )  # fmt: skip
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        self.stdout.write(f"{redaction}: done, and kept in the trail.")
