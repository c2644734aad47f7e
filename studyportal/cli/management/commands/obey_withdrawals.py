"""`manage.py obey_withdrawals [CODE]`: withdrawals are carried out again, as after a backup was restored."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyportal.cli.remains import remains_of
from studyportal.participants.rules import Scope
from studyportal.participants.selectors import every_withdrawal
from studyportal.participants.services import carry_out
from studyportal.participants.states import WithdrawalStatus
from studyportal.tasks.withdrawal import ROOMS, in_use


class Command(BaseCommand):
    help = (
        "Carry out every withdrawal again, or those of one participant. Use it after a backup was restored: files that "
        "came back are deleted again. With --look, every file is searched for the participant's code afterwards."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code", nargs="?", default="", help="study code; default: everybody")
        parser.add_argument(
            "--look", action="store_true", help="search images and archives on the disk (slow)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        rows = every_withdrawal().order_by("recorded_at")
        if options["code"]:
            rows = rows.filter(participant__code=options["code"])
        if options["code"] and not rows.exists():
            raise CommandError(f"No withdrawal of {options['code']} is recorded.")
        for row in rows:
            done = carry_out(withdrawal=row, rooms=ROOMS, in_use=in_use, again=True)
            waits = done.status == WithdrawalStatus.RECORDED
            self.stdout.write(f"{done.participant.code}: {'waits' if waits else 'carried out'}.")
            if options["look"] and done.scope == Scope.REMOVE:
                self._look(done.participant.code)

    def _look(self, code: str) -> None:
        found = remains_of(code)
        if not found.nothing:
            raise CommandError(
                f"{code}: {len(found.images)} images and {len(found.archives)} archives are still here."
            )
        self.stdout.write(f"{code}: none of {found.looked_at} files names the participant.")
